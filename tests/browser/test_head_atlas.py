"""The head atlas in a real browser: a cell, a row and a link each open their head."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.driver import cell_centre, in_link, leave, open_page, settle

pytestmark = pytest.mark.browser
ADDRESS = "head_atlas?lang=en&s=我吃柠檬&p=I+eat+lemons.&layer=0&head=0&q=2"


def test_a_cell_and_a_row_open_their_head_and_a_link_leads_to_it(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/{ADDRESS}")
    page.mouse.click(*cell_centre(page, "atlas-map", 2, 3))
    settle(page)
    expect(page.get_by_text("Layer 3, head 4 on your sentence")).to_be_visible()
    in_link(page, "layer=2", "head=3")
    table = page.locator(".st-key-atlas canvas").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    # 35-pixel rows below a header of the same height; the fourth is head 2 of layer 2; its marker comes first.
    page.mouse.click(box["x"] + 20, box["y"] + 35 * 4 + 17)
    settle(page)
    expect(page.get_by_text("Layer 2, head 2 on your sentence")).to_be_visible()
    in_link(page, "layer=1", "head=1")
    link = box["x"] + 52, box["y"] + 35 * 3 + 17
    page.mouse.move(*link)  # a link is one only once the pointer rests on it
    page.wait_for_timeout(400)
    with page.context.expect_page() as opened:
        page.mouse.click(*link)
    linked = opened.value
    settle(linked)
    assert linked.url.startswith(f"{server}/multi_head?")
    expect(linked.get_by_text("Enlarged: layer 2, head 1")).to_be_visible()
    assert linked.locator(".st-key-s input").input_value() == "我吃柠檬"
    assert linked.locator(".st-key-p input").input_value() == "I eat lemons."
    linked.close()
    page.get_by_role("link", name="This head step by step among the others").click()
    settle(page)
    expect(page.get_by_text(re.compile("Enlarged: layer 2, head 2"))).to_be_visible()
    assert page.locator(".st-key-s input").input_value() == "我吃柠檬"
    leave(page)


def test_the_atlas_fits_a_phone(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/head_atlas?lang=zh", width=390, dark=True)
    expect(page.get_by_role("heading", name="头的图谱", exact=True)).to_be_visible()
    overflow = page.evaluate(
        "Math.max(...[...document.querySelectorAll('[data-testid=stMain]')].map(e => e.scrollWidth - e.clientWidth))"
    )
    assert overflow <= 1
    leave(page)
