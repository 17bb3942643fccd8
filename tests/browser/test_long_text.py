"""Long texts in a real browser: the page comes up, zooming keeps the names, and what is cut is said."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from attention_core import load_text_model
from attention_core.models.tokenization import visible
from tests.browser.driver import cell_centre, leave, open_page, painted, settle, until
from ui.i18n import LANGUAGES, Language, catalogue

pytestmark = pytest.mark.browser
SENTENCES: dict[Language, str] = {
    "zh": "小时候我住在一个靠近大海的小镇上，每天早晨都能听见渔船出港的汽笛声。" * 8,
    "en": "The old man who lives next door plays the piano while his cat sleeps on a red chair. " * 14,
}


def names(page: Page, axis: str) -> list[str]:
    return page.locator(f".st-key-weights .{axis}tick text").all_text_contents()


@pytest.mark.parametrize("language", LANGUAGES)
def test_zooming_into_a_long_text_keeps_the_names_and_a_click_names_its_row(
    browser: Browser, server: str, language: Language
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{server}/self_attention?lang={language}&s={SENTENCES[language]}")
    settle(page)
    trace = load_text_model().trace(SENTENCES[language])
    cut = catalogue(language)["sentence.cut"].format(limit=256, cut=trace.truncated)
    expect(page.get_by_text(cut)).to_be_visible()
    spelled = [f"{place}: {name}" for place, name in enumerate(visible(trace.tokens), start=1)]
    painted(page, "weights")
    for axis in "xy":  # many, yet not all; and each as it is
        shown = names(page, axis)
        assert 10 < len(shown) < 128
        assert set(shown) <= set(spelled)
    from_x, from_y = cell_centre(page, "weights", 40, 40)
    to_x, to_y = cell_centre(page, "weights", 64, 64)
    page.mouse.move(from_x, from_y)
    page.mouse.down()
    page.mouse.move(to_x, to_y, steps=4)
    page.mouse.up()
    until(page, "document.querySelectorAll('.st-key-weights .ytick').length < 32")
    for axis in "xy":
        assert {*spelled[42:63]} <= set(names(page, axis))
    page.wait_for_timeout(400)  # two presses within 0.3 s are a double click to Plotly, which undoes the zoom
    page.mouse.click(*cell_centre(page, "weights", 50, 55))
    expect(page).to_have_url(re.compile("q=50"))
    settle(page)
    frame = page.evaluate("document.querySelector('.st-key-weights .js-plotly-plot').layout.shapes.map(s => s.y0)")
    assert frame == [49.5]
    assert not errors
    context.close()


def test_a_long_text_fits_a_phone(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/multi_head?lang=en&s={SENTENCES['en']}", width=390)
    overflow = page.evaluate(
        "Math.max(...[...document.querySelectorAll('[data-testid=stMain]')].map(e => e.scrollWidth - e.clientWidth))"
    )
    assert overflow <= 1
    leave(page)
