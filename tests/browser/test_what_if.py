"""What-ifs as people make them: by clicking."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page, expect

from attention_core import load_text_model
from attention_core.analysis.masks import causal_mask, window_mask
from tests.browser.acts import Act, left_end, pick, right, turn
from tests.browser.driver import bar_names, cell_centre, in_link, leave, open_page, settle, shown
from ui.i18n import LANGUAGES, Language, catalogue

pytestmark = pytest.mark.browser

SENTENCE = "s=我吃柠檬&q=2"
ALL = [torch.ones(heads) for heads in load_text_model().config.heads]  # gates that change nothing


def click_cell(page: Page, row: int, column: int) -> None:
    """Clicks a cell of the attention mask, and waits for the answer."""
    page.mouse.click(*cell_centre(page, "what-if-cells", row, column))
    settle(page)


def open_what_if(page: Page, language: Language) -> None:
    page.get_by_text(catalogue(language)["what_if.title"], exact=True).click()
    settle(page)


def choose(page: Page, key: str, name: str) -> None:
    page.locator(f".st-key-{key}").get_by_text(name, exact=True).click()
    settle(page)


@pytest.mark.parametrize(("language", "width"), [("zh", 1280), ("en", 390)])
def test_a_clicked_cell_gets_no_weight_until_it_is_clicked_again(
    browser: Browser, server: str, language: Language, width: int
) -> None:
    page = open_page(browser, f"{server}/self_attention?lang={language}&{SENTENCE}", width=width)
    before = shown(page, "weights")
    assert before[2][1] > 0
    open_what_if(page, language)
    choose(page, "what-mask", catalogue(language)["what_if.masks.custom"])
    click_cell(page, 2, 1)
    in_link(page, "whatif=custom-2-1")
    after = shown(page, "weights")
    assert after[2][1] == 0
    assert sum(after[2]) == pytest.approx(1, abs=1e-5)
    assert shown(page, "weights-before") == before
    click_cell(page, 2, 1)  # the same cell: allowed again
    expect(page).to_have_url(re.compile("whatif=custom(&|$)"))
    assert shown(page, "weights") == before
    click_cell(page, 0, 0)
    click_cell(page, 0, 5)
    in_link(page, "whatif=custom-0-0.0-5")
    leave(page)


# What is done, what the link says then, and the same for a trace.
CONTROLS: dict[str, tuple[Act, str, dict[str, Any]]] = {
    "scale": (turn("what-scale"), "unscaled", {"scale": 1.0}),
    "temperature": (right("what-tau"), "tau-1.5", {"temperature": 1.5}),
    "causal": (pick("what-mask", catalogue("en")["what_if.masks.causal"]), "causal", {"mask": causal_mask(6)}),
    "window": (pick("what-mask", catalogue("en")["what_if.masks.window"]), "window-1", {"mask": window_mask(6, 1)}),
    "gate": (left_end("what-gate-0-1"), "gate-0-1-0", {"head_gates": [torch.tensor([1.0, 0.0]), *ALL[1:]]}),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_every_later_step_and_the_prediction_follow_a_control(browser: Browser, server: str, name: str) -> None:
    act, link, controls = CONTROLS[name]
    page = open_page(browser, f"{server}/self_attention?lang=en&{SENTENCE}&layer=0&head=1", locale="en-GB")
    open_what_if(page, "en")
    act(page)
    in_link(page, f"whatif={link}")
    settle(page)
    model = load_text_model()
    traces = {"-before": model.trace("我吃柠檬"), "": model.trace("我吃柠檬", **controls)}
    for which, trace in traces.items():
        attention = trace.layers[0]
        mask = controls.get("mask") if which == "" else None
        scores = attention.scores[0, 1] if mask is None else attention.scores[0, 1].masked_fill(~mask, torch.nan)
        np.testing.assert_allclose(np.array(shown(page, f"scores{which}"), dtype=float), scores.numpy(), atol=1e-4)
        np.testing.assert_allclose(shown(page, f"weights{which}"), attention.weights[0, 1].numpy(), atol=1e-5)
    outputs = [trace.layers[0].head_outputs[0, 1, 2] for trace in traces.values()]
    sums = torch.stack([*outputs, outputs[1] - outputs[0]])
    np.testing.assert_allclose(shown(page, "sum-total"), sums.numpy(), atol=1e-4)
    for which, trace in zip(("before", "after"), traces.values(), strict=True):
        probabilities = dict(trace.predictions(2, len(trace.vocabulary)))
        bars = dict(
            zip(bar_names(page, f"prediction-seen-{which}"), shown(page, f"prediction-seen-{which}"), strict=True)
        )
        assert bars == pytest.approx({word: probabilities[word] for word in bars}, abs=1e-4)
    leave(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pair_is_blocked_with_the_keyboard_alone(browser: Browser, server: str, language: Language) -> None:
    page = open_page(browser, f"{server}/self_attention?lang={language}&{SENTENCE}&whatif=custom")
    before = shown(page, "weights")
    for side, token in (("query", "吃"), ("key", "我")):
        page.locator(f".st-key-what-cell-{side} input").focus()
        page.keyboard.type(token)
        expect(page.get_by_role("option")).to_have_text([token])
        page.keyboard.press("Enter")
        settle(page)
    for _ in range(6):  # past the help of the boxes
        page.keyboard.press("Tab")
        if page.evaluate("Boolean(document.activeElement.closest('.st-key-what-cell-turn'))"):
            break
    button = page.locator(".st-key-what-cell-turn button").first
    expect(button).to_be_focused()
    expect(button).to_have_text(catalogue(language)["what_if.cell.block"])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("whatif=custom-2-1"))
    settle(page)
    assert shown(page, "weights")[2][1] == 0
    expect(button).to_have_text(catalogue(language)["what_if.cell.allow"])
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("whatif=custom(&|$)"))
    settle(page)
    assert shown(page, "weights") == before
    leave(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_token_is_hidden_by_clicking_it_and_reset_brings_it_back(
    browser: Browser, server: str, language: Language
) -> None:
    page = open_page(browser, f"{server}/self_attention?lang={language}&{SENTENCE}")
    before = shown(page, "weights")
    open_what_if(page, language)
    choose(page, "what-hide", "柠")
    in_link(page, "whatif=hide-3")
    assert shown(page, "weights") != before
    assert shown(page, "weights-before") == before
    expect(page.locator(".st-key-what-hide").get_by_text("檬", exact=True)).to_be_visible()  # still open
    page.locator(".st-key-step-7").scroll_into_view_if_needed()
    reset = page.locator(".st-key-what-reset button")
    expect(reset).to_be_in_viewport()  # however far down
    reset.click()
    settle(page)
    in_link(page, "whatif=none")
    assert shown(page, "weights") == before
    expect(page.locator(".st-key-weights-before")).to_have_count(0)
    leave(page)


def test_back_undoes_a_what_if_and_a_reload_keeps_it(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention?lang=en&{SENTENCE}")
    before = shown(page, "weights")
    open_what_if(page, "en")
    choose(page, "what-mask", "causal")
    page.reload()
    settle(page)
    in_link(page, "whatif=causal")
    changed: Any = shown(page, "weights")
    assert all(changed[row][column] == 0 for row in range(6) for column in range(row + 1, 6))
    page.go_back()
    settle(page)
    expect(page).to_have_url(re.compile("whatif=none"))
    assert shown(page, "weights") == before
    leave(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_what_if_fits_a_phone(browser: Browser, server: str, language: Language) -> None:
    what_if = "unscaled_tau-2_custom-2-3_hide-4_gate-0-1-0.5"
    address = f"{server}/self_attention?lang={language}&{SENTENCE}&whatif={what_if}"
    page = open_page(browser, address, width=390, dark=language == "zh")
    overflow = page.evaluate(
        "Math.max(...[...document.querySelectorAll('[data-testid=stMain]')].map(e => e.scrollWidth - e.clientWidth))"
    )
    assert overflow <= 1
    leave(page)
