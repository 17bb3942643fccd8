"""The step of the multi-head page that switches heads off, run without a browser, in both languages."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from attention_core import load_text_model
from attention_core.analysis.importance import HeadImportance, head_importance
from attention_core.words import Say, plain, spoken
from tests.ui.driver import decoded, figures, opened
from tests.ui.test_text_pages import LANGUAGES, steps
from ui.i18n import catalogue

SENTENCE, PAIR = "我吃柠檬", "I eat lemons."


def words(language: str) -> dict[str, str]:
    return catalogue(language)  # type: ignore[arg-type]


def titled(app: AppTest, title: str) -> list[dict[str, Any]]:
    """The figures whose title starts with `title`."""
    return [figure for figure in figures(app) if figure["layout"]["title"].get("text", "").startswith(title)]


def shown_map(app: AppTest, language: str) -> np.ndarray[Any, Any]:
    [figure] = titled(app, words(language)["head_importance.map"])
    return decoded(figure["data"][0]["z"])


def analysis(position: int) -> HeadImportance:
    return head_importance(load_text_model(), SENTENCE, PAIR, position)


def check_map(shown: np.ndarray[Any, Any], found: HeadImportance) -> None:
    assert shown.shape == (len(found.drops), max(map(len, found.drops)))
    for row, drops in zip(shown, found.drops, strict=True):
        np.testing.assert_allclose(row[: len(drops)], drops.numpy(), atol=1e-5)
        assert np.isnan(row[len(drops) :]).all()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_map_and_the_guess_are_those_of_the_analysis(language: str) -> None:
    app = opened("multi_head", language, s=SENTENCE, p=PAIR, q="2")
    found = analysis(2)
    check_map(shown_map(app, language), found)
    [guess] = titled(app, words(language)["head_importance.guess"].format(query="吃"))
    probabilities = decoded({"shape": len(found.predictions), **guess["data"][0]["x"]})
    np.testing.assert_allclose(probabilities, [probability for _, probability in found.predictions], atol=1e-6)
    assert guess["data"][0]["customdata"] == [word for word, _ in found.predictions]
    assert steps(app, "head_importance", language) == ["head_importance.title"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentence_names_the_head_with_the_largest_drop(language: str) -> None:
    app = opened("multi_head", language, s=SENTENCE, p=PAIR, q="2")
    found = analysis(2)
    layer, head = found.costliest()
    drop = found.drops[layer][head].item()
    assert drop == max(layer.max().item() for layer in found.drops)
    facts = {
        "layer": layer + 1,
        "head": head + 1,
        "token": "吃",
        "probability": math.exp(found.log_probability),
        "without": math.exp(found.without[layer][head].item()),
        "drop": drop,
        "missed": True,
        "hindered": any((drops < -0.01).any() for drops in found.drops),
    }
    expected = spoken(Say("head_importance.costliest", facts), language, plain)  # type: ignore[arg-type]
    assert expected in [markdown.value for markdown in app.markdown]


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_token_gives_another_map(language: str) -> None:
    app = opened("multi_head", language, s=SENTENCE, p=PAIR, q="2")
    before = shown_map(app, language)
    app.pills(key="q").set_value(1).run()
    assert not app.exception
    after = shown_map(app, language)
    assert np.nanmax(np.abs(after - before)) > 1e-3
    check_map(after, analysis(1))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("text", "position", "message"), [(SENTENCE, 0, "special"), ("我吃🍋", 3, "unknown")])
def test_what_cannot_be_guessed_gets_a_friendly_line(language: str, text: str, position: int, message: str) -> None:
    app = opened("multi_head", language, s=text, q=str(position))
    assert not app.error
    ending = words(language)[f"head_importance.{message}"].split("{query}")[1]
    assert any(ending in info.value for info in app.info)
    assert not titled(app, words(language)["head_importance.map"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_right_answer_outside_the_shown_guesses_is_named_with_its_place(language: str) -> None:
    text = "zebra lemon 我"
    model = load_text_model()
    tokens = model.trace(text).tokens
    far = [i for i, token in enumerate(tokens) if not token.special and head_importance(model, text, None, i).rank > 5]
    app = opened("multi_head", language, s=text, q=str(far[0]))
    found = head_importance(model, text, None, far[0])
    facts = {
        "listed": False,
        "token": found.token,
        "rank": found.rank,
        "probability": math.exp(found.log_probability),
    }
    line = spoken(Say("head_importance.answer", facts), language, plain)  # type: ignore[arg-type]
    assert line in [caption.value for caption in app.caption]
