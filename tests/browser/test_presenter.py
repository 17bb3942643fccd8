"""Presenter mode, with real keys and clicks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.driver import in_link, leave, open_page, settle

pytestmark = pytest.mark.browser

SENTENCE = "s=我吃柠檬&p="


def on_stage(page: Page, step: int) -> None:
    """Only this step is to be seen, the timeline says so, and so does the link."""
    expect(page.locator('.presenter-dot[aria-current="step"]')).to_have_text(str(step) if step else "")
    if step:
        expect(page.locator(f".st-key-step-{step}")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_be_hidden()
    seen = page.locator('[class*="st-key-step-"]').evaluate_all("all => all.filter(e => e.offsetHeight > 0).length")
    assert seen == (1 if step else 0)
    expect(page).to_have_url(re.compile(rf"[?&]step={step}(&|$)"))


# The buttons of a picture that something else lies on.
COVERED = """picture => [...document.querySelectorAll(`${picture} button`)].filter(button => {
    const { left, top, width, height } = button.getBoundingClientRect();
    const seen = document.elementFromPoint(left + width - 3, top + height / 2);
    return width && seen && !button.contains(seen);
}).map(button => button.textContent)"""


def test_keys_move_the_steps_and_a_reload_restores_the_one(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention?lang=en&present=1&step=3&{SENTENCE}")
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    on_stage(page, 3)
    for key, step in (("ArrowRight", 4), ("Space", 5), ("ArrowLeft", 4), ("PageDown", 5), ("Shift+Space", 4)):
        page.keyboard.press(key)
        on_stage(page, step)
    page.locator('[data-name="step-7"]').click()
    on_stage(page, 7)
    page.keyboard.press("ArrowRight")  # there is no more
    page.keyboard.press("ArrowLeft")
    on_stage(page, 6)
    settle(page)
    page.reload()
    settle(page)
    on_stage(page, 6)
    leave(page)


def test_keys_do_not_steal_from_a_field(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention?lang=en&present=1&{SENTENCE}")
    field = page.locator(".st-key-s input")
    field.fill("I")
    field.press("Space")
    field.press_sequentially("eat")
    for key in ("ArrowLeft", "PageDown", "ArrowRight", "Enter"):
        field.press(key)
    settle(page)
    on_stage(page, 0)
    expect(field).to_have_value("I eat")
    in_link(page, "s=I+eat")
    page.locator(".st-key-head").get_by_text("2", exact=True).click()  # a click leaves the keys to the stage
    settle(page)
    page.keyboard.press("Space")
    on_stage(page, 1)
    in_link(page, "head=1")
    leave(page)


def test_a_figure_fills_the_screen_and_still_answers(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention?lang=en&present=1&step=5&{SENTENCE}&q=1")
    frame = page.locator(".st-key-weights .chart-frame")
    frame.locator(".main-svg").first.wait_for()
    frame.locator(".presenter-enlarge").click()
    page.wait_for_timeout(800)
    box = page.locator(".st-key-weights .js-plotly-plot").bounding_box()
    assert box is not None
    assert box["y"] >= 0 and box["y"] + box["height"] <= 900 - 58
    assert box["height"] > 600 or box["width"] > 1100
    expect(page.locator(".st-key-step-5 .step-title")).to_be_hidden()
    # What is drawn larger must still be hit where it is seen.
    point = page.evaluate(
        """() => {
            const graph = document.querySelector('.st-key-weights .js-plotly-plot');
            const { xaxis, yaxis } = graph._fullLayout, box = graph.getBoundingClientRect();
            const scale = box.width / graph.offsetWidth;
            const along = (axis, place) => scale * (axis._offset + axis.d2p(place));
            return [box.left + along(xaxis, 1), box.top + along(yaxis, 3)];
        }"""
    )
    page.mouse.click(*point)
    settle(page)
    in_link(page, "q=3")
    page.keyboard.press("Escape")
    on_stage(page, 5)
    page.keyboard.press("Escape")
    settle(page)
    expect(page).to_have_url(re.compile("present=0"))
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    expect(page.locator(".presenter-bar")).to_have_count(0)
    expect(page.locator(".st-key-step-1")).to_be_visible()
    leave(page)


@pytest.mark.parametrize(("address", "picture"), [("overview", ".overview"), ("head_view", ".st-key-links-frame")])
def test_a_component_fills_the_screen_and_comes_back(browser: Browser, server: str, address: str, picture: str) -> None:
    page = open_page(browser, f"{server}/{address}?lang=en&present=1&step=1&{SENTENCE}", width=1600)
    on_stage(page, 1)
    button = page.locator(".presenter-enlarge")
    before = page.locator(picture).bounding_box()
    button.click()
    expect(page.locator(".st-key-step-1 .step-title")).to_be_hidden()
    page.wait_for_timeout(500)
    after, room = page.locator(picture).bounding_box(), page.locator(".presenter-bar").bounding_box()
    assert before is not None and after is not None and room is not None
    assert after["width"] > before["width"] and after["y"] >= 0
    assert page.evaluate(COVERED, picture) == []  # no button lies on another
    if address == "head_view":  # what is drawn larger is hit where it is seen
        page.locator("[role=option]").nth(2).click()
        expect(page.locator("[role=option][aria-selected=true]")).to_have_attribute("data-token", "3")
        page.keyboard.press("Escape")
    button.click()
    on_stage(page, 1)
    again = page.locator(picture).bounding_box()
    assert again is not None and again["width"] == pytest.approx(before["width"], rel=0.01)
    leave(page)


@pytest.mark.parametrize("width", [390, 1920])
def test_a_step_fits_the_width_of_the_screen(browser: Browser, server: str, width: int) -> None:
    page = open_page(browser, f"{server}/cbam?lang=zh&present=1&step=4", width=width, dark=width == 390)
    on_stage(page, 4)
    overflow = page.evaluate(
        "Math.max(...[document.documentElement, ...document.querySelectorAll('[data-testid=stMain], .presenter-bar')]"
        ".map(e => e.scrollWidth - e.clientWidth))"
    )
    assert overflow <= 1
    size = page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
    assert size >= (16 if width == 390 else 20)
    leave(page)


def test_a_component_keeps_its_keys_and_unlocks_before_the_mode_ends(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/overview?lang=en&present=1&step=1&{SENTENCE}&q=1")
    on_stage(page, 1)
    diagram, board = page.locator(".overview"), page.locator(".overview .board")
    board.focus()
    for key, name, value in (("ArrowDown", "query", "2"), ("Enter", "locked", "true")):
        page.keyboard.press(key)
        expect(diagram).to_have_attribute(f"data-{name}", value)
    before = diagram.get_attribute("data-key")
    page.keyboard.press("ArrowRight")
    expect(diagram).not_to_have_attribute("data-key", before or "")
    page.keyboard.press("Escape")
    expect(diagram).to_have_attribute("data-locked", "false")
    on_stage(page, 1)
    page.keyboard.press("PageUp")  # a clicker still moves on
    on_stage(page, 0)
    page.keyboard.press("Escape")
    expect(page.locator(".presenter-bar")).to_have_count(0)
    leave(page)


def test_the_mask_painter_and_the_head_view_keep_their_keys(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/head_view?lang=en&present=1&step=1&{SENTENCE}")
    token = page.locator("[role=option]").first  # 我, token 1
    token.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("[role=option][aria-selected=true]")).to_have_attribute("data-token", "2")
    page.keyboard.press("Escape")
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(0)
    expect(page.locator(".presenter-bar")).to_have_count(1)
    on_stage(page, 1)
    page.goto(f"{server}/photo_what_if?lang=en&present=1")
    settle(page)
    painter = page.locator(".st-key-painter-cbam-stage4")
    painter.locator("canvas").focus()
    for key in ("ArrowRight", "Space"):
        page.keyboard.press(key)
        on_stage(page, 0)
    expect(painter.locator(".where")).to_contain_text("painted")
    painter.locator(".brush").focus()
    page.keyboard.press("ArrowRight")
    on_stage(page, 0)
    leave(page)
