"""Two sentences, run without a browser."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from attention_core import load_text_model
from attention_core.analysis.alignment import PairAttention, aligners, pair_attention, strongest_links
from attention_core.analysis.guesses import filled_in, written_together
from attention_core.analysis.words import Word, single_tokens, word_weights, words
from attention_core.models import registry
from attention_core.models.text import TextModel
from tests.ui import driver
from tests.ui.driver import decoded, figures
from tests.ui.test_text_pages import LANGUAGES, steps
from ui.i18n import catalogue

SENTENCE, PAIR = "我吃柠檬", "I eat lemons."


@pytest.fixture(scope="module")
def model() -> TextModel:
    return load_text_model()


def opened(language: str = "zh", **query: str) -> AppTest:
    return driver.opened("two_sentences", language, **{"s": SENTENCE, "p": PAIR, **query})


def titled(app: AppTest, title: str) -> dict[str, Any]:
    [figure] = [f for f in figures(app) if f["layout"].get("title", {}).get("text", "").startswith(title)]
    return figure


def picture(app: AppTest) -> dict[str, Any]:
    [figure] = [f for f in figures(app) if f["layout"].get("showlegend")]
    return figure


def attention(model: TextModel, layer: int, head: int, *, by_words: bool = True) -> tuple[PairAttention, list[Word]]:
    trace = model.trace(SENTENCE, PAIR)
    grouped = words(trace) if by_words else single_tokens(trace)
    return pair_attention(word_weights(trace.layers[layer].weights[0, head], grouped), grouped), grouped


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_opens_on_a_pair_and_on_the_best_aligner(language: str) -> None:
    app = driver.opened("two_sentences", language)
    found = registry.openings()[language]["pair"]
    assert (app.text_input(key="s").value, app.text_input(key="p").value) == (found["text"], found["translation"])
    best = aligners(registry.scores("text"))[0]
    assert (app.session_state["layer"], app.session_state["head"]) == (best.layer, best.head)
    titles = [f"two_sentences.{name}.title" for name in ("matrices", "score", "guess")]
    assert steps(app, "two_sentences", language) == titles
    first = catalogue(language)["two_sentences.links.title"]  # type: ignore[arg-type]
    assert any(first.format(layer=best.layer + 1, head=best.head + 1) in html.proto.body for html in app.get("html"))
    assert not app.error and not app.info


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_translation_it_says_what_to_do(language: str) -> None:
    app = opened(language, p="")
    assert [info.value for info in app.info] == [catalogue(language)["two_sentences.no_pair"]]  # type: ignore[arg-type]
    assert not figures(app)
    app.button(key="use-pair").click().run()
    assert not app.info
    assert app.text_input(key="p").value
    assert figures(app)


@pytest.mark.parametrize("unit", ["words", "tokens"])
def test_the_matrices_are_those_of_the_trace(model: TextModel, unit: str) -> None:
    app = opened("en", unit=unit, layer="3", head="7")
    found, _ = attention(model, 3, 7, by_words=unit == "words")
    for name in ("forth", "back", "product"):
        title = catalogue("en")[f"two_sentences.matrices.{name}"]
        shown = decoded(titled(app, title)["data"][0]["z"])
        np.testing.assert_allclose(shown, getattr(found, name).numpy(), atol=1e-6)


@pytest.mark.parametrize("least", [0, 10])
@pytest.mark.parametrize("way", ["product", "each"])
def test_the_links_are_the_strongest(model: TextModel, way: str, least: int) -> None:
    app = opened("en", links=way, layer="1", head="1", least=str(least))
    found, _ = attention(model, 1, 1)
    given = (found.product,) * 2 if way == "product" else (found.forth, found.back)
    links = strongest_links(*given, least / 100)
    kinds = [catalogue("en")[f"two_sentences.links.{name}"] for name in ("both", "forth", "back")]
    drawn = {
        kind: sum(
            sum(x is not None for x in trace["x"]) // 2
            for trace in picture(app)["data"]
            if trace["mode"] == "lines" and trace["name"] == kind
        )
        for kind in kinds
    }
    counts = [drawn[kind] for kind in kinds]
    assert counts == [len(links.both), len(links.forth - links.both), len(links.back - links.both)]
    table = app.table[0].value
    assert list(table.iloc[:, 0]) == ["我", "吃", "柠檬"]
    texts = ["I", "eat", "lemons", "\\."]
    assert [cell.split()[0] for cell in table.iloc[:, 1]] == [texts[b] for b in found.forth.argmax(dim=1).tolist()]
    assert list(table.iloc[:, 3]) == [texts[b] for b in found.product.argmax(dim=1).tolist()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_scores_are_the_measured_ones(language: str) -> None:
    app = opened(language, layer="3", head="7")
    measured = registry.scores("text")["alignment"]
    start_of_title = catalogue(language)["two_sentences.score.figure"].format(layer=4, head=8)  # type: ignore[arg-type]
    shown = decoded({"shape": 7, **titled(app, start_of_title)["data"][0]["x"]})
    expected = [
        *(measured["heads"][3][7][name] for name in ("en_zh", "zh_en", "product")),
        measured["bilingual_start"]["best"]["score"],
        measured["untrained"]["best"]["score"],
        measured["diagonal"]["score"],
        measured["eflomal"]["score"],
    ]
    np.testing.assert_allclose(shown, expected, atol=1e-6)
    app.button(key="aligner-1").click().run()
    second = aligners(registry.scores("text"))[1]
    assert (app.session_state["layer"], app.session_state["head"]) == (second.layer, second.head)


@pytest.mark.parametrize(("place", "hidden", "alone"), [(2, (3, 4), (3, 4)), (5, (8, 9), (3, 4))])
def test_a_hidden_word_is_guessed_with_and_without_the_translation(
    model: TextModel, place: int, hidden: tuple[int, ...], alone: tuple[int, ...]
) -> None:
    app = opened("en", w=str(place))
    text = (SENTENCE, PAIR)[place > 2]
    with_it = filled_in(model, SENTENCE, PAIR, hidden)
    without = filled_in(model, text, None, alone)
    written = [written_together([guess.best for guess in made]) for made in (with_it, without)]
    word = "柠檬" if place == 2 else "lemons"
    assert any(
        f"**{word}**" in m.value and f"**{written[0]}**" in m.value and f"**{written[1]}**" in m.value
        for m in app.markdown
    )
    table = app.table[-1].value
    assert list(table.iloc[:, 2]) == [f"{guess.answer_probability:.1%}" for guess in with_it]
    assert list(table.iloc[:, 4]) == [f"{guess.answer_probability:.1%}" for guess in without]


def test_two_sentences_of_one_language_get_a_caution_and_long_ones_work() -> None:
    app = opened("en", s="I eat lemons.", p="I eat apples.")
    caution = catalogue("en")["two_sentences.one_language"]
    assert any(caution in caption.value for caption in app.caption)
    app = opened("en", s="小狗在草地上追一只红色的球。" * 9, p="A puppy is chasing a red ball on the grass. " * 9)
    assert not any(caution in caption.value for caption in app.caption)
    assert len(json.dumps(picture(app))) > 1000
