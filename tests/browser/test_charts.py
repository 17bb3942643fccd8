"""When charts are drawn, what of them follows the page, and what happens where the script that draws does not come."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from plotly.offline import get_plotlyjs_version

from attention_core.figures import plotly_js
from tests.browser.driver import arrive, cell_centre, in_link, leave, open_page, painted, settle, until
from ui.i18n import catalogue
from ui.shell import bundles

pytestmark = pytest.mark.browser
# From now on, the keys of charts in the order in which Plotly is done with them, once for each drawing.
NOTE_DRAWINGS = """() => {
    window.drawn = [];
    const key = chart => /st-key-([\\w-]+)/.exec(chart.closest('[class*="st-key-"]').className)[1];
    const listen = chart => chart.on('plotly_afterplot', () => drawn.push(key(chart)));
    document.querySelectorAll('.js-plotly-plot').forEach(listen);
}"""


def drawn(page: Page) -> list[str]:
    settle(page)
    keys: list[str] = page.evaluate("drawn.splice(0)")
    return keys


def test_the_bundle_is_of_the_major_release_that_makes_the_figures() -> None:
    [version] = re.findall(r"plotly.js \(cartesian - minified\) v([\d.]+)\n", plotly_js.source()[:200])
    assert plotly_js.BUNDLE.name == f"plotly-cartesian-{version}.min.js"
    assert plotly_js.BUNDLE == bundles.PLOTLY
    assert version.partition(".")[0] == get_plotlyjs_version().partition(".")[0]


def test_a_change_draws_each_chart_once_and_leaves_what_it_does_not_touch(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention?lang=en&s=我吃柠檬")
    page.evaluate(NOTE_DRAWINGS)
    page.locator(".st-key-s input").fill("我吃梨")
    page.locator(".st-key-s input").press("Enter")
    until(page, "() => drawn.length > 0")
    keys = drawn(page)
    assert {"embedding", "weights", "sum-terms"} <= {*keys}
    assert len(keys) == len({*keys})
    page.mouse.click(*cell_centre(page, "weights", 2, 1))
    in_link(page, "q=2")
    keys = drawn(page)
    assert "weights" in keys and len(keys) == len({*keys})  # its frame is at another row
    assert not {"embedding", "strip-query", "strip-key", "strip-value"} & {*keys}  # whose numbers are the same
    leave(page)


def test_what_is_on_the_screen_comes_first(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention?lang=en&s=我吃柠檬")
    page.locator(".st-key-weights").scroll_into_view_if_needed()
    page.evaluate(NOTE_DRAWINGS)
    page.set_viewport_size({"width": 900, "height": 900})  # a change of all charts at once
    until(page, "() => drawn.length > 5")
    keys = drawn(page)
    assert keys.index("weights") < min(keys.index("embedding"), keys.index("strip-query"))
    leave(page)


def test_light_and_dark_follow_without_the_server(browser: Browser, server: str) -> None:
    page = arrive(browser)
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(f"{server}/self_attention?lang=en&s=我吃柠檬")
    settle(page)
    painted(page, "weights")
    assert sent
    ink = "() => getComputedStyle(document.querySelector('.st-key-weights .ytick text')).fill"
    light = page.evaluate(ink)
    numbers = page.locator(".st-key-weights .heatmap-label").first.text_content()
    sent.clear()
    page.emulate_media(color_scheme="dark")
    until(page, f"before => ({ink})() !== before", light)
    levels = [int(part) for part in page.evaluate(ink).removeprefix("rgb(").removesuffix(")").split(",")]
    assert min(levels) > 150
    assert page.locator(".st-key-weights .heatmap-label").first.text_content() == numbers
    assert not sent
    leave(page)


def test_a_chart_follows_the_width_of_its_place(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention?lang=en&s=我吃柠檬")
    painted(page, "embedding")
    wide = "() => document.querySelector('.st-key-embedding .main-svg').getBoundingClientRect().width"
    before = page.evaluate(wide)
    page.set_viewport_size({"width": 700, "height": 900})
    until(page, f"before => ({wide})() < before - 50", before)
    place = page.locator(".st-key-embedding .chart").bounding_box()
    assert place is not None
    until(page, f"width => Math.abs(({wide})() - width) <= 1", place["width"])
    leave(page)


def test_without_the_script_the_page_says_so_and_the_next_chart_asks_again(browser: Browser, server: str) -> None:
    page = arrive(browser, locale="en-GB")
    refused: list[str] = []

    def refuse(route: Route) -> None:
        refused.append(route.request.url)
        route.abort()

    page.route("**/plotly-*.js", refuse)
    page.goto(f"{server}/self_attention?lang=en")
    settle(page)
    expect(page.locator(".st-key-embedding .chart")).to_have_text(catalogue("en")["frame.no_plotly"])
    assert len(refused) > 1
    page.unroute("**/plotly-*.js")
    page.locator(".st-key-s input").fill("我吃梨")
    page.locator(".st-key-s input").press("Enter")
    painted(page, "embedding")
    expect(page.get_by_text(catalogue("en")["frame.no_plotly"])).to_have_count(0)
    leave(page)
