"""Home and the text pages, run without a browser: both languages, good and bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from attention_core import load_text_model
from attention_core.analysis.head_roles import outstanding_heads
from attention_core.analysis.words import is_chinese, single_tokens, word_weights, words
from attention_core.mechanisms.scores import additive_scores, cosine_scores
from attention_core.models import registry
from attention_core.stories.hand_numbers import DEFAULTS, UNCHANGED, read, write
from attention_core.words import catalogue as told
from tests.ui.driver import decoded, figures, opened, run, said
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
    assert all(name in said(app) for name in ("layer", "head", "q", "view"))
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


def test_the_numbers_by_hand_come_back_from_the_link_alone() -> None:
    app = opened("self_attention", "zh", view="hand")
    assert app.query_params["hand"] == UNCHANGED
    edit = {"edited_rows": {1: {"2": 5.0}, 3: {"1": -0.5}}, "added_rows": [], "deleted_rows": []}
    app.session_state["hand-wv-0"] = edit
    run(app)
    assert app.query_params["hand"] == "wv-1-1-5_wv-3-0--0.5"
    run(app)  # an edit counts once
    changed = last_matrix(app)
    other = opened("self_attention", "en", view="hand", hand=app.query_params["hand"])
    np.testing.assert_array_equal(last_matrix(other), changed)
    run(other.button(key="hand-reset").click())
    assert other.query_params["hand"] == UNCHANGED
    np.testing.assert_allclose(last_matrix(other), reference("scaled_dot"), atol=1e-6)


def test_numbers_that_are_hidden_are_not_lost() -> None:
    app = opened("self_attention", "en", view="hand", score="additive", hand="w1-0-0-9")
    additive = last_matrix(app)
    run(app.segmented_control(key="score").set_value("dot"))
    assert app.query_params["hand"] == "w1-0-0-9"
    run(app.segmented_control(key="score").set_value("additive"))
    np.testing.assert_array_equal(last_matrix(app), additive)


@pytest.mark.parametrize("junk", ["", "wq", "wq-0-0-1_", "q-0-0-1", "wq-4-0-1", "v-1-0-1", "wq-0-0-101", "wq-0-0-1e9"])
def test_junk_is_no_number_by_hand(junk: str) -> None:
    with pytest.raises(ValueError, match=r"no number|outside"):
        read(junk)


def test_a_junk_link_by_hand_falls_back_with_a_notice() -> None:
    app = opened("self_attention", "en", view="hand", hand="wq-9-9-1")
    assert "wq-9-9-1" in said(app)
    np.testing.assert_allclose(last_matrix(app), reference("scaled_dot"), atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(some.data())
def test_numbers_by_hand_come_back_as_they_were_written(data: some.DataObject) -> None:
    matrices = read(UNCHANGED)
    for matrix in matrices.values():
        for place in np.ndindex(matrix.shape):
            if data.draw(some.booleans()):
                matrix[place] = data.draw(some.integers(-10_000, 10_000)) / 100
    found = read(write(matrices))
    for name, matrix in matrices.items():
        np.testing.assert_array_equal(found[name], matrix)


def test_what_the_eye_sees_first_comes_back_from_the_link() -> None:
    app = opened("home", "en")
    run(app.toggle(key="reveal").set_value(True))
    assert app.query_params["reveal"] == "True"
    assert opened("home", "zh", reveal="True").toggle(key="reveal").value is True


@pytest.mark.parametrize("language", LANGUAGES)
def test_multi_head_opens_on_a_head_that_does_something_and_says_what(language: str) -> None:
    app = opened("multi_head", language)
    best = outstanding_heads(registry.scores("text"))[0]
    assert (app.session_state["layer"], app.session_state["head"]) == (best.layer, best.head)
    measured = told(language)["heads.does"][0].say.split("{")[0]  # type: ignore[arg-type]
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
    assert opened("multi_head", "en").text_input(key="p").value == registry.openings()["en"]["alone"]["translation"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_opens_on_what_was_measured_to_show_most(language: str) -> None:
    app = opened("self_attention", language)
    found = registry.openings()[language]["alone"]
    values = [app.session_state[key] for key in ("s", "layer", "head", "q")]
    assert values == [found[key] for key in ("text", "layer", "head", "position")]
    examples = [button.label for button in app.button if (button.key or "").startswith("example-")]
    assert [is_chinese(label) for label in examples[:2]] == [language == "zh"] * 2


def test_what_nobody_has_changed_follows_the_language_and_ones_own_stays() -> None:
    def switched(app: AppTest, language: str) -> AppTest:
        app.session_state["lang"] = language
        app.run()
        assert not app.exception
        return app

    app = opened("self_attention", "zh")
    measured = registry.openings()
    for language in ("en", "zh"):
        switched(app, language)
        found = measured[language]["alone"]
        assert [app.session_state[key] for key in ("s", "q")] == [found["text"], found["position"]]
    app.text_input(key="s").set_value("猫喝牛奶").run()
    assert app.session_state["q"] == 1  # its first word, not the place of the sentence before
    assert switched(app, "en").session_state["s"] == "猫喝牛奶"
    linked = opened("self_attention", "en", s=measured["zh"]["alone"]["text"], q="2")
    assert linked.session_state["s"] == measured["zh"]["alone"]["text"] and linked.session_state["q"] == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_network_does_not_know_is_marked_and_explained(language: str) -> None:
    app = opened("self_attention", language, s="我吃𠮷柠檬。")
    note = catalogue(language)["sentence.unknown"].split("{tokens}")[1]  # type: ignore[arg-type]
    assert any(note in caption.value for caption in app.caption)
    assert any(option.content.startswith("\\[𠮷") for option in app.pills(key="q").proto.options)
    assert not any(note in caption.value for caption in opened("self_attention", language).caption)


@pytest.mark.parametrize("page", ["self_attention", "multi_head", "head_atlas"])
def test_pieces_join_to_words_on_every_page_of_weights(page: str) -> None:
    text = "I eat lemons."
    trace = load_text_model().trace(text)
    for unit, names in (
        ("tokens", ["[CLS]", "I", "eat", "lemon", "##s", ".", "[SEP]"]),
        ("words", ["[CLS]", "I", "eat", "lemons", ".", "[SEP]"]),
    ):
        app = opened(page, "en", s=text, p="", layer="2", head="3", q="2", unit=unit)
        grouped = words(trace) if unit == "words" else single_tokens(trace)
        title = catalogue("en")["self_attention.weights.figure"].format(layer=3, head=4)
        [shown] = [f for f in figures(app) if f["layout"].get("title", {}).get("text", "").startswith(title)]
        assert shown["layout"]["xaxis"]["ticktext"] == names
        expected = word_weights(trace.layers[2].weights[0, 3], grouped)
        np.testing.assert_allclose(decoded(shown["data"][0]["z"]), expected.numpy(), atol=1e-6)
