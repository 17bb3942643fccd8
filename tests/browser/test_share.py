"""The link that restores what is on the screen: copied, as a code, and opened by somebody else."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import segno
from playwright.sync_api import Browser, Page, expect

from tests.browser.driver import leave, open_page, settle

pytestmark = pytest.mark.browser

# What a picture of a code shows: dark or light in the middle of each of its modules, the quiet zone of 4 left out.
READ_CODE = """async modules => {
    const svg = [...document.querySelectorAll('.st-key-share-link *')]
        .map(element => element.shadowRoot?.querySelector('svg.segno')).find(Boolean);
    const size = (modules + 8) * 4, image = new Image(), canvas = document.createElement('canvas');
    const drawn = svg.cloneNode(true);
    drawn.setAttribute('width', size);
    drawn.setAttribute('height', size);
    drawn.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    image.src = 'data:image/svg+xml,' + encodeURIComponent(drawn.outerHTML);
    await image.decode();
    canvas.width = canvas.height = size;
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0, size, size);
    return Array.from({ length: modules }, (_, y) => Array.from({ length: modules }, (_, x) =>
        context.getImageData(4 * (x + 4) + 2, 4 * (y + 4) + 2, 1, 1).data[0] < 128 ? 1 : 0));
}"""


def opened(page: Page) -> str:
    """The link in the open popover."""
    page.locator(".st-key-share button").first.click()
    field = page.locator(".st-key-share-link input")
    expect(field).not_to_have_value("")
    return field.input_value()


def test_the_link_restores_a_sentence_for_somebody_else(browser: Browser, server: str) -> None:
    start = "/self_attention?lang=en&s=我吃柠檬&p=I+eat+lemons.&layer=1&head=2&q=3&whatif=unscaled_tau-2_hide-4"
    page = open_page(browser, f"{server}{start}", dark=True)
    link = opened(page)
    asked, given = (parse_qs(urlsplit(url).query, keep_blank_values=True) for url in (start, link))
    assert {key: given[key] for key in asked} == asked
    code = segno.make(link, micro=False, error="l")
    painted = page.evaluate(READ_CODE, len(code.matrix))
    assert painted == [list(row) for row in code.matrix]
    leave(page)

    other = open_page(browser, link, locale="zh-CN")
    expect(other.get_by_role("heading", level=1)).to_have_text("Self-attention")
    expect(other.locator(".st-key-s input")).to_have_value("我吃柠檬")
    expect(other.locator(".st-key-p input")).to_have_value("I eat lemons.")
    for key, chosen in (("layer", "2"), ("head", "3"), ("q", "柠")):
        expect(other.locator(f".st-key-{key} [aria-checked=true], .st-key-{key} [aria-pressed=true]")).to_have_text(
            chosen
        )
    assert "whatif=unscaled_tau-2_hide-4" in other.url
    leave(other)


def test_the_link_restores_a_photo_page(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/squeeze_excitation?lang=en&photo=cat")
    page.locator(".st-key-stage").get_by_text(re.compile("Stage 2")).click()
    settle(page)
    page.locator(".st-key-order").get_by_text("Largest first").click()
    settle(page)
    link = opened(page)
    leave(page)
    other = open_page(browser, link, locale="zh-CN")
    for key, chosen in (("stage", "Stage 2"), ("order", "Largest first"), ("photo", "Cat")):
        expect(other.locator(f".st-key-{key} [aria-checked=true], .st-key-{key} [aria-pressed=true]")).to_contain_text(
            chosen
        )
    leave(other)


@pytest.mark.parametrize("secure", [True, False])
def test_the_button_copies_the_link_with_and_without_https(browser: Browser, server: str, secure: bool) -> None:
    context = browser.new_context(locale="en-GB", permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    if not secure:
        page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.goto(f"{server}/?lang=en")
    settle(page)
    link = opened(page)
    page.evaluate("navigator.clipboard.writeText('something else')")
    page.locator(".st-key-share-link button").click()
    expect(page.locator(".st-key-share-link button")).to_have_text("Copied ✓")
    assert page.evaluate("navigator.clipboard.readText()") == link
    context.close()


def test_on_the_stage_the_code_names_the_step(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/cbam?lang=en&present=1")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.locator('[data-name="code"]').click()
    sheet = page.locator(".presenter-code")
    expect(sheet).to_be_visible()
    link = sheet.locator("p").first.inner_text()
    given = parse_qs(urlsplit(link).query)
    assert (given["present"], given["step"]) == (["1"], ["2"])
    code = segno.make(link, micro=False, error="l")
    expect(sheet.locator("svg.segno")).to_have_attribute("viewBox", re.compile(rf"^0 0 {len(code.matrix) + 8} "))
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(page.locator(".presenter-bar")).to_be_visible()
    leave(page)


@pytest.mark.parametrize("height", [800, 1000])
def test_the_code_is_on_the_screen_whole(browser: Browser, server: str, height: int) -> None:
    page = open_page(browser, f"{server}/two_sentences?lang=zh")
    page.set_viewport_size({"width": 1280, "height": height})
    opened(page)
    settle(page)
    code = page.locator(".st-key-share-link svg.segno")
    expect(code).to_be_in_viewport(ratio=1)
    leave(page)
