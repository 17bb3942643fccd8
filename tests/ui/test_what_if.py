"""What-ifs on the self-attention page: the painted numbers are those of traces with the same controls."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from attention_core import load_text_model
from attention_core.analysis.masks import causal_mask, mask_without, window_mask
from attention_core.models.text import TextTrace
from attention_core.stories.what_if import AS_TRAINED, MOST_CELLS, TEMPERATURES, WhatIf, read
from attention_core.words import plain
from tests.ui.driver import charts, decoded, figure, keys, opened, run, said, unfolded
from ui.i18n import catalogue

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("zh", "en")
SENTENCE, LAYER, HEAD, QUERY = "我吃柠檬", 1, 1, 2
T = 6
LONG = "the old man who lives next door plays the piano and the cat sleeps on the red chair all day long while it rains"
Array = np.ndarray[Any, Any]


def start(language: str = "zh", **query: str) -> AppTest:
    """The self-attention page as a link opens it, with the box of the controls open."""
    link = {"s": SENTENCE, "layer": str(LAYER), "head": str(HEAD), "q": str(QUERY), **query}
    return unfolded(opened("self_attention", language, **link), "what-if")


def painted(app: AppTest, key: str) -> Array:
    return decoded(figure(app, key)["data"][0]["z"])


def close(came: Array, expected: torch.Tensor) -> None:
    np.testing.assert_allclose(came, expected.numpy(), atol=1e-5)


def check_steps(app: AppTest, **controls: Any) -> None:
    """Every later step against two traces: as trained, and with the controls."""
    model = load_text_model()
    before, after = model.trace(SENTENCE), model.trace(SENTENCE, **controls)
    old, new = before.layers[LAYER], after.layers[LAYER]
    close(painted(app, "scores-before"), old.scores[0, HEAD])
    allowed = controls.get("mask")
    shown = new.scores[0, HEAD]
    close(painted(app, "scores"), shown if allowed is None else shown.masked_fill(~allowed, torch.nan))
    close(painted(app, "weights-before"), old.weights[0, HEAD])
    close(painted(app, "weights"), new.weights[0, HEAD])
    if not torch.equal(old.weights[0, HEAD], new.weights[0, HEAD]):
        change = figure(app, "weights-change")["data"][0]
        close(decoded(change["z"]), new.weights[0, HEAD] - old.weights[0, HEAD])
        assert (change["zmin"], change["zmax"]) == (-1, 1)
    outputs = [attention.head_outputs[0, HEAD, QUERY] for attention in (old, new)]
    close(painted(app, "sum-total"), torch.stack([*outputs, outputs[1] - outputs[0]]))
    check_bars(app, "seen", before, after)
    hide = set(controls.get("hide", ()))
    if QUERY not in hide:
        also = {**controls, "hide": hide | {QUERY}}
        check_bars(app, "hidden", model.trace(SENTENCE, hide=(QUERY,)), model.trace(SENTENCE, **also))


def check_bars(app: AppTest, key: str, before: TextTrace, after: TextTrace) -> None:
    words = []
    for which, trace in (("before", before), ("after", after)):
        bars = figure(app, f"prediction-{key}-{which}")["data"][0]
        probabilities = dict(trace.predictions(QUERY, len(trace.vocabulary)))
        expected = [probabilities[word] for word in bars["customdata"]]
        np.testing.assert_allclose(decoded(bars["x"]), expected, atol=1e-5)
        words.append(bars["customdata"])
    assert words[0] == words[1]


def gates_of(layer: int, head: int, gate: float) -> list[torch.Tensor]:
    gates = [torch.ones(heads) for heads in load_text_model().config.heads]
    gates[layer][head] = gate
    return gates


@pytest.mark.parametrize("language", LANGUAGES)
def test_as_trained_there_is_nothing_to_compare_and_no_reset(language: str) -> None:
    app = start(language)
    assert app.query_params["whatif"] == "none"
    assert "before" not in keys(app)
    assert not [button for button in app.button if button.key == "what-reset"]


def test_a_closed_box_holds_no_controls_and_a_change_outlives_it() -> None:
    app = opened("self_attention", "en", s=SENTENCE)
    assert not app.toggle and not app.select_slider
    run(unfolded(app, "what-if").select_slider(key="what-tau").set_value(2.0))
    unfolded(app, "what-if", False)
    assert not app.select_slider and app.query_params["whatif"] == "tau-2"
    assert unfolded(app, "what-if").select_slider(key="what-tau").value == 2.0


def test_a_link_with_a_change_opens_the_box() -> None:
    assert opened("self_attention", "en", s=SENTENCE, whatif="causal").segmented_control(key="what-mask").value


@pytest.mark.parametrize("language", LANGUAGES)
def test_scale_and_temperature(language: str) -> None:
    app = start(language)
    run(app.toggle(key="what-scale").set_value(False))
    check_steps(app, scale=1.0)
    run(app.select_slider(key="what-tau").set_value(2.0))
    check_steps(app, scale=1.0, temperature=2.0)
    formulas = [block.value for block in app.latex]
    assert any(r"\tau = 2" in formula for formula in formulas)
    assert not any(r"{\sqrt{d}}" in formula for formula in formulas)
    [banner] = [
        warning.value for warning in app.warning if catalogue(language)["what_if.changes.unscaled"] in warning.value
    ]  # type: ignore[index]
    assert plain("τ = 2") in banner


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_ready_made_mask_in_a_link(language: str) -> None:
    app = start(language, whatif="causal")
    check_steps(app, mask=causal_mask(T))
    assert any(r"l \in M_i" in formula.value for formula in app.latex)
    close(painted(app, "what-allowed"), causal_mask(T).float())


# Outside of a run there is no language, so that only options with English labels can be chosen here.


def test_ready_made_masks() -> None:
    app = start("en")
    run(app.segmented_control(key="what-mask").set_value("causal"))
    check_steps(app, mask=causal_mask(T))
    run(app.segmented_control(key="what-mask").set_value("window"))
    check_steps(app, mask=window_mask(T, 1))
    run(app.number_input(key="what-width").set_value(0))
    check_steps(app, mask=window_mask(T, 0))
    close(painted(app, "what-allowed"), torch.eye(T))


def turn_cell(app: AppTest, row: int, column: int) -> None:
    """What a click on a cell does; the click itself takes a browser."""
    now = read(app.session_state["whatif"], load_text_model().config)
    app.session_state["whatif"] = str(now.with_cell(row, column))
    run(app)


def test_a_mask_of_ones_own_starts_from_the_one_before_and_grows_cell_by_cell() -> None:
    app = start("en")
    run(app.segmented_control(key="what-mask").set_value("window"))
    run(app.segmented_control(key="what-mask").set_value("custom"))
    check_steps(app, mask=window_mask(T, 1))
    mask = window_mask(T, 1)
    for row, column in ((2, 3), (2, 0), (2, 3)):  # the third undoes the first
        turn_cell(app, row, column)
        mask[row, column] ^= True
        check_steps(app, mask=mask)
    run(app.segmented_control(key="what-mask").set_value("none"))
    assert "before" not in keys(app)
    run(unfolded(app, "what-if").segmented_control(key="what-mask").set_value("custom"))
    check_steps(app, mask=mask)  # nothing is lost


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pair_of_tokens_is_blocked_and_allowed_without_a_pointer(language: str) -> None:
    app = start(language, whatif="custom")
    mask = torch.ones(T, T, dtype=torch.bool)
    run(app.selectbox(key="what-cell-query").set_value(2))
    run(app.selectbox(key="what-cell-key").set_value(1))
    assert app.button(key="what-cell-turn").label == catalogue(language)["what_if.cell.block"]  # type: ignore[index]
    run(app.button(key="what-cell-turn").click())
    mask[2, 1] = False
    check_steps(app, mask=mask)
    assert app.query_params["whatif"] == "custom-2-1"
    assert app.button(key="what-cell-turn").label == catalogue(language)["what_if.cell.allow"]  # type: ignore[index]
    run(app.button(key="what-cell-turn").click())
    assert app.query_params["whatif"] == "custom"


def test_a_pair_beyond_a_shorter_sentence_is_left_behind() -> None:
    app = start("en", whatif="custom")
    run(app.selectbox(key="what-cell-query").set_value(5))
    run(app.text_input(key="s").set_value("吃"))
    assert app.selectbox(key="what-cell-query").value == 0
    run(app.button(key="what-cell-turn").click())
    assert app.query_params["whatif"] == "custom-0-0"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fully_masked_row_is_zero_and_the_page_says_so(language: str) -> None:
    cells = [(QUERY, column) for column in range(T)]
    app = start(language, whatif="custom-" + ".".join(f"{row}-{column}" for row, column in cells))
    check_steps(app, mask=mask_without(T, cells))
    assert not painted(app, "weights")[QUERY].any()
    told = catalogue(language)["self_attention.weights.empty"].split("{")[0]  # type: ignore[index]
    assert any(told in info.value and "吃" in info.value for info in app.info)


@pytest.mark.parametrize("language", LANGUAGES)
def test_gates(language: str) -> None:
    app = start(language)
    run(app.slider(key=f"what-gate-{LAYER}-{HEAD}").set_value(0.35))
    check_steps(app, head_gates=gates_of(LAYER, HEAD, 0.35))
    assert any("g = 0.35" in formula.value for formula in app.latex)
    run(app.slider(key=f"what-gate-{LAYER}-{HEAD}").set_value(0.0))
    check_steps(app, head_gates=gates_of(LAYER, HEAD, 0.0))
    run(app.slider(key=f"what-gate-{LAYER}-{HEAD}").set_value(1.0))
    assert "before" not in keys(app)


def test_every_head_of_every_layer_has_a_gate() -> None:
    for layer, heads in enumerate(load_text_model().config.heads):
        app = start(layer=str(layer), head="0")
        gates = [slider.key for slider in app.slider if str(slider.key).startswith("what-gate-")]
        assert gates == [f"what-gate-{layer}-{head}" for head in range(heads)]


def table_of_tokens(app: AppTest) -> list[list[str]]:
    """The cells of each row of the first step's table."""
    [table] = [part.proto.body for part in app.get("html") if 'class="sequence"' in part.proto.body]
    return [[unescape(cell) for cell in re.findall("<bdi>(.*?)</bdi>", row)] for row in table.split("</tr>")[:-1]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_hidden_tokens(language: str) -> None:
    app = start(language)
    run(app.pills(key="what-hide").set_value([4]))
    check_steps(app, hide=(4,))
    assert table_of_tokens(app)[3] == ["[CLS]", "我", "吃", "柠", "[MASK]", "[SEP]"]
    run(app.pills(key="what-hide").set_value([4, QUERY]))
    check_steps(app, hide=(QUERY, 4))
    assert "prediction-hidden-before" not in keys(app)  # it is hidden already


@pytest.mark.parametrize("language", LANGUAGES)
def test_reset_brings_everything_back(language: str) -> None:
    untouched = charts(start(language))
    app = start(language, whatif="unscaled_tau-0.5_causal_hide-1.3_gate-1-0-0.5")
    check_steps(
        app, scale=1.0, temperature=0.5, mask=causal_mask(T), hide=(1, 3), head_gates=gates_of(1, 0, 0.5)
    )  # the link restores it
    assert app.toggle(key="what-scale").value is False
    assert app.select_slider(key="what-tau").value == 0.5
    assert app.segmented_control(key="what-mask").value == "causal"
    assert app.pills(key="what-hide").value == [1, 3]
    assert app.slider(key="what-gate-1-0").value == 0.5
    run(app.button(key="what-reset").click())
    assert charts(app) == untouched
    assert app.query_params["whatif"] == "none"
    unfolded(app, "what-if")
    assert app.toggle(key="what-scale").value is True
    assert app.pills(key="what-hide").value == []
    assert app.slider(key="what-gate-1-0").value == 1.0


JUNK = [
    "", "nonsense", "tau-0", "tau-2.7", "tau--1", "tau-nan", "causal_window-1", "tau-2_tau-3", "window-x", "window-",
    "custom-24-0", "custom-1", "custom-1-2-3", "hide-", "hide-x", "hide-256", "hide-٣", "gate-9-0-0.5", "gate-0-99-0.5",
    "gate-0-0-1.5", "gate-0-0-2", "gate-0-0-0.5_gate-0-0-0.6", "unscaled_", "none_causal", "x" * 5000,
    "hide-" + "9" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("junk", JUNK)
def test_junk_is_no_what_if(junk: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  whatever is wrong with it, `put` gives the same notice
        read(junk, load_text_model().config)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_junk_link_falls_back_with_a_notice(language: str) -> None:
    app = opened("self_attention", language, s=SENTENCE, whatif="tau-2.7_<b>")
    assert "whatif" in said(app) and "tau-2.7_<b>" in said(app)
    assert "before" not in keys(app)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_does_not_fit_the_sentence_waits_and_the_page_says_so(language: str) -> None:
    app = start(language, whatif="custom-2-3.9-9_hide-4.40")
    check_steps(app, mask=mask_without(T, [(2, 3)]), hide=(4,))
    beyond = catalogue(language)["what_if.beyond"].split("{")[0]  # type: ignore[index]
    assert any(beyond in info.value for info in app.info)
    run(app.text_input(key="s").set_value(LONG))
    assert "what-cells" not in keys(app)
    assert app.segmented_control(key="what-mask").value == "none"
    assert len(app.segmented_control(key="what-mask").options) == 3
    assert any(beyond in info.value for info in app.info)
    run(app.text_input(key="s").set_value(SENTENCE))
    check_steps(app, mask=mask_without(T, [(2, 3)]), hide=(4,))


def test_many_tokens_are_hidden_from_a_list() -> None:
    app = start(s="柠檬" * 30)
    run(app.multiselect(key="what-hide-long").set_value([3, 50]))
    expected = load_text_model().trace("柠檬" * 30, hide=(3, 50)).layers[LAYER].weights[0, HEAD]
    close(painted(app, "weights"), expected)


whatifs = some.builds(
    WhatIf,
    scaled=some.booleans(),
    temperature=some.sampled_from(TEMPERATURES),
    hidden=some.sets(some.integers(0, 255)).map(lambda found: tuple(sorted(found))),
    gates=some.dictionaries(
        some.tuples(some.integers(0, 3), some.integers(0, 1)), some.integers(0, 19).map(lambda n: n / 20)
    ).map(lambda found: tuple(sorted((*place, gate) for place, gate in found.items()))),
) | some.builds(
    WhatIf,
    mask=some.just("custom"),
    blocked=some.sets(some.tuples(*[some.integers(0, MOST_CELLS - 1)] * 2)).map(lambda found: tuple(sorted(found))),
) | some.builds(WhatIf, mask=some.just("window"), width=some.integers(0, 256))  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(what_if=whatifs)
def test_a_link_says_what_it_was_made_from(what_if: WhatIf) -> None:
    assert read(str(what_if), load_text_model().config) == what_if
    assert (str(what_if) == "none") == (what_if == AS_TRAINED)
    assert set(str(what_if)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-._")
