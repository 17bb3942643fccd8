"""The map of what each head is worth, clicked in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.driver import cell_centre, in_link, leave, open_page, settle

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1280, 390])
def test_a_click_on_a_cell_enlarges_that_head(browser: Browser, server: str, width: int) -> None:
    page = open_page(browser, f"{server}/multi_head?lang=en&s=我吃柠檬&p=I+eat+lemons.&q=2&layer=0&head=0", width=width)
    page.mouse.click(*cell_centre(page, "importance-map", 2, 1))
    settle(page)
    expect(page.get_by_text("Enlarged: layer 3, head 2")).to_be_visible()
    in_link(page, "layer=2", "head=1")
    framed = page.evaluate(
        "document.querySelector('.st-key-importance-map .js-plotly-plot').layout.shapes.map(s => [s.y0, s.x0])"
    )
    assert framed == [[1.5, 0.5]]
    leave(page)
