"""Home and the text pages, run without a browser: both languages, good and bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from attention_core import load_text_model
from attention_core.analysis.head_roles import outstanding_heads
from attention_core.mechanisms.scores import additive_scores, cosine_scores
from attention_core.models import registry
from tests.ui.driver import decoded, figures, opened
from ui.by_hand import DEFAULTS
from ui.i18n import catalogue

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("zh", "en")


def steps(app: AppTest, page: str, language: str) -> list[str]:
    """The titles of the steps on the page, in order."""
    shown = " ".join(block.proto.body for block in app.get("html"))
    messages = catalogue(language)  # type: ignore[arg-type]
    return [key for key in messages if key.startswith(f"{page}.") and key.endswith(".title") and messages[key] in shown]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", ["home", "self_attention", "multi_head"])
def test_every_page_runs_in_both_languages(page: str, language: str) -> None:
    app = opened(page, language)
    assert len(figures(app)) >= 4
    assert not app.error


@pytest.mark.parametrize("language", LANGUAGES)
def test_by_hand_runs_in_both_languages(language: str) -> None:
    app = opened("self_attention", language, view="hand")
    assert len(figures(app)) == 6


@pytest.mark.parametrize(
    ("typed", "tokens"),
    [
        ("猫喝牛奶", ["猫", "喝", "牛", "奶"]),
        ("學習", ["學", "習"]),
        ("ＡＢ！", None),
        ("🍋", ["🍋"]),
        ("$x$ *y* <b>z</b> {0}", None),
    ],
)
def test_a_typed_sentence_is_traced(typed: str, tokens: list[str] | None) -> None:
    app = opened("self_attention", "zh")
    app.text_input(key="s").set_value(typed).run()
    assert not app.exception
    assert not app.error
    expected = [token.text for token in load_text_model().trace(typed).tokens]
    if tokens is not None:
        assert expected == ["[CLS]", *tokens, "[SEP]"]
    assert list(app.pills(key="q").proto.options)  # the tokens can be clicked
    assert len(app.pills(key="q").proto.options) == len(expected)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("typed", ["", "   ", "\u200b", "x" * 3000])
def test_bad_input_gets_a_clear_word_and_the_page_lives(typed: str, language: str) -> None:
    app = opened("self_attention", language)
    app.text_input(key="s").set_value(typed).run()
    assert not app.exception
    assert len(app.error) == 1
    assert len(figures(app)) >= 8
    assert app.text_input(key="s").value == typed


def test_a_long_text_is_cut_and_the_page_says_so() -> None:
    app = opened("multi_head", "zh", s="柠檬" * 200)
    assert any("256" in warning.value for warning in app.warning)


def test_junk_in_a_link_falls_back_with_a_notice() -> None:
    app = opened("self_attention", "zh", layer="99", head="x", q="-3", view="nothing")
    assert len(app.info) >= 4
    assert len(figures(app)) >= 8


def test_a_link_restores_the_view() -> None:
    app = opened("multi_head", "en", s="The cat sat.", layer="2", head="1", q="2")
    assert app.text_input(key="s").value == "The cat sat."
    titles = " ".join(block.proto.body for block in app.get("html"))
    assert "layer 3, head 2" in titles


def last_matrix(app: AppTest) -> np.ndarray[Any, Any]:
    return decoded(figures(app)[-1]["data"][0]["z"])


def reference(score: str) -> np.ndarray[Any, Any]:
    """The by-hand example in plain NumPy."""
    import torch

    x, wq, wk, wv = (np.array(DEFAULTS[name], dtype=float) for name in ("x", "wq", "wk", "wv"))
    q, k, v = x @ wq.T, x @ wk.T, x @ wv.T
    tensors = torch.from_numpy(q), torch.from_numpy(k)
    w1, w2 = (torch.tensor(DEFAULTS[name], dtype=torch.float64) for name in ("w1", "w2"))
    scores = {
        "scaled_dot": lambda: q @ k.T / 2,
        "dot": lambda: q @ k.T,
        "cosine": lambda: cosine_scores(*tensors).numpy(),
        "additive": lambda: additive_scores(*tensors, w1, w2, torch.ones(4, dtype=torch.float64)).numpy(),
    }[score]()
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    result: np.ndarray[Any, Any] = weights @ v
    return result


@pytest.mark.parametrize("score", ["scaled_dot", "dot", "cosine", "additive"])
def test_by_hand_shows_the_formula_that_was_chosen(score: str) -> None:
    app = opened("self_attention", "zh", view="hand", score=score)
    np.testing.assert_allclose(last_matrix(app), reference(score), atol=1e-6)


def test_an_edited_cell_changes_every_later_step() -> None:
    app = opened("self_attention", "zh", view="hand")
    before = last_matrix(app)
    app.session_state["hand-wv-0"] = {"edited_rows": {1: {"2": 5.0}}, "added_rows": [], "deleted_rows": []}
    app.run()
    assert not app.exception
    after = last_matrix(app)
    np.testing.assert_allclose(after[:, 1], before[:, 1] * 2.5, atol=1e-6)


@pytest.mark.parametrize("language", LANGUAGES)
def test_multi_head_opens_on_a_head_that_does_something_and_says_what(language: str) -> None:
    app = opened("multi_head", language)
    best = outstanding_heads(registry.scores("text"))[0]
    assert (app.session_state["layer"], app.session_state["head"]) == (best.layer, best.head)
    measured = catalogue(language)["heads.does"].split("{")[0]  # type: ignore[index]
    [line] = [caption.value for caption in app.caption if caption.value.startswith(measured)]
    assert f"{best.score:.0%}" in line
    assert f"{best.baseline:.0%}" in line


def test_a_button_opens_the_head_that_it_names() -> None:
    app = opened("multi_head", "en")
    roles = outstanding_heads(registry.scores("text"))
    for number, role in list(enumerate(roles))[:3]:
        button = app.button(key=f"role-{number}")
        assert f"{role.layer + 1}.{role.head + 1}" in button.label
        assert f"{role.score:.0%}" in button.label
        assert f"{role.baseline:.0%}" in button.label
        button.click().run()
        assert not app.exception
        assert (app.session_state["layer"], app.session_state["head"]) == (role.layer, role.head)
        assert (app.query_params["layer"], app.query_params["head"]) == (str(role.layer), str(role.head))


def test_a_link_with_a_sentence_of_its_own_gets_no_strange_translation() -> None:
    app = opened("multi_head", "en", s="The cat sat.")
    assert app.text_input(key="p").value == ""
    assert opened("multi_head", "en").text_input(key="p").value == "I eat lemons."
