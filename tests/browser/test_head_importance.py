"""The map of what each head is worth, clicked in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.driver import open_page, settle

pytestmark = pytest.mark.browser


def point_of(page: Page, layer: int, head: int) -> tuple[float, float]:
    """Where on the screen a head's cell is."""
    page.locator(".st-key-importance-map").scroll_into_view_if_needed()
    page.locator(".st-key-importance-map .main-svg").first.wait_for()
    x, y = page.evaluate(
        """([layer, head]) => {
            const graph = document.querySelector('.st-key-importance-map .js-plotly-plot');
            const layout = graph._fullLayout, box = graph.getBoundingClientRect();
            return [box.left + layout.xaxis._offset + layout.xaxis.d2p(head),
                    box.top + layout.yaxis._offset + layout.yaxis.d2p(layer)];
        }""",
        [layer, head],
    )
    return x, y


@pytest.mark.parametrize("width", [1280, 390])
def test_a_click_on_a_cell_enlarges_that_head(browser: Browser, server: str, width: int) -> None:
    page = open_page(browser, f"{server}/multi_head?lang=en&s=我吃柠檬&p=I+eat+lemons.&q=2&layer=0&head=0", width=width)
    page.mouse.click(*point_of(page, 2, 1))
    settle(page)
    expect(page.get_by_text("Enlarged: layer 3, head 2")).to_be_visible()
    assert "layer=2" in page.url
    assert "head=1" in page.url
    framed = page.evaluate(
        "document.querySelector('.st-key-importance-map .js-plotly-plot').layout.shapes.map(s => [s.y0, s.x0])"
    )
    assert framed == [[1.5, 0.5]]
    page.context.close()
