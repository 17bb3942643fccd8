"""The head view under a pointer, a keyboard and a finger."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect

from attention_core import load_text_model
from attention_core.analysis.links import heaviest_links
from tests.browser.driver import in_link, leave, open_page, settle

pytestmark = pytest.mark.browser

SENTENCE, PAIR = "我吃柠檬", "I eat lemons."
LAYER, HEAD = 1, 2
ADDRESS = f"head_view?lang=en&s={SENTENCE}&p={quote(PAIR)}&layer={LAYER}&head={HEAD}"
# Whether anything is painted, and how much of the canvas.
PAINTED = """canvas => { const c = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let n = 0; for (let i = 3; i < c.length; i += 4) n += c[i] > 0; return n; }"""


def side(page: Page, name: str) -> Locator:
    return page.locator(f".st-key-links .{name} .token")


def shares(page: Page, name: str) -> dict[int, str]:
    """The numbers beside the tokens of a side, by the token's place in the trace."""
    return {
        int(token.get_attribute("data-token") or ""): number
        for token in side(page, name).all()
        if (number := token.locator(".shares").inner_text().strip())
    }


def percent(weight: float) -> str:
    return f"{100 * weight:.{1 if weight < 0.095 else 0}f}%"


@pytest.fixture(scope="module")
def drawn() -> torch.Tensor:
    """(T, T) the weights of the links that shall be drawn."""
    trace = load_text_model().trace(SENTENCE, PAIR)
    shown = torch.tensor([float(not token.special) for token in trace.tokens])
    weights = trace.layers[LAYER].weights[0, HEAD] * shown[:, None] * shown
    return weights * heaviest_links(weights, 0.7)


@pytest.fixture
def page(browser: Browser, server: str) -> Iterator[Page]:
    opened = open_page(browser, f"{server}/{ADDRESS}")
    side(opened, "queries").first.wait_for()
    yield opened
    leave(opened)


def row(drawn: torch.Tensor, query: int) -> dict[int, str]:
    return {key: percent(weight) for key, weight in enumerate(drawn[query].tolist()) if weight}


def column(drawn: torch.Tensor, key: int) -> dict[int, str]:
    return {query: percent(weight) for query, weight in enumerate(drawn[:, key].tolist()) if weight}


def test_pointing_shows_a_tokens_own_links_and_a_click_holds_them(page: Page, drawn: torch.Tensor) -> None:
    canvas = page.locator(".st-key-links canvas")
    page.wait_for_timeout(500)
    everything = canvas.evaluate(PAINTED)
    assert everything > 0
    page.evaluate(
        """() => { window.runs = 0; new MutationObserver(() => window.runs++).observe(
            document.querySelector('[data-testid="stApp"]'), {attributeFilter: ['data-test-script-state']}); }"""
    )
    side(page, "queries").nth(2).hover()  # 柠
    assert shares(page, "keys") == row(drawn, 3)
    assert 0 < canvas.evaluate(PAINTED) < everything
    side(page, "keys").nth(2).hover()
    assert shares(page, "queries") == column(drawn, 3)
    unlock = page.get_by_role("button", name="Let go (Esc)")
    expect(unlock).to_be_hidden()
    side(page, "queries").nth(1).click()  # 吃
    side(page, "queries").nth(3).hover()
    assert shares(page, "keys") == row(drawn, 2)
    unlock.click()
    expect(unlock).to_be_hidden()
    page.mouse.move(0, 0)
    assert shares(page, "keys") == {}
    assert page.evaluate("window.runs") == 0


def test_the_keyboard_reaches_every_token(page: Page, drawn: torch.Tensor) -> None:
    page.locator(".st-key-links .heads input:enabled").last.focus()
    page.keyboard.press("Tab")
    expect(side(page, "queries").first).to_be_focused()
    assert shares(page, "keys") == row(drawn, 1)
    page.keyboard.press("ArrowDown")
    assert shares(page, "keys") == row(drawn, 2)
    page.keyboard.press("Enter")
    expect(side(page, "queries").nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(side(page, "queries").nth(1)).to_have_attribute("aria-selected", "false")
    page.keyboard.press("ArrowRight")
    expect(side(page, "keys").nth(1)).to_be_focused()
    assert shares(page, "queries") == column(drawn, 2)
    expect(page.locator(".st-key-links .reading")).to_contain_text("“吃” is looked at by:")


def test_another_head_joins_and_stays_in_the_link(page: Page) -> None:
    page.locator(".st-key-links .heads").get_by_text("1", exact=True).click()
    settle(page)
    in_link(page, "heads=0")
    page.reload()
    settle(page)
    side(page, "queries").nth(2).hover()
    assert page.locator(".st-key-links .heads input:checked").count() == 2
    hues = page.locator(".st-key-links .keys .shares span").evaluate_all(
        "spans => spans.map(span => getComputedStyle(span).borderBottomColor)"
    )
    assert len(set(hues)) == 2


def test_a_long_text_on_a_phone_scrolls_by_itself(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/head_view?lang=en&s={'柠檬很酸，' * 60}&layer=1&head=1", width=390)
    side(page, "queries").first.wait_for()
    assert side(page, "queries").count() == 254
    box = page.locator(".st-key-links .scroll")
    assert box.evaluate("box => box.scrollHeight > 3 * box.clientHeight && box.scrollWidth <= box.clientWidth")
    last = side(page, "queries").last
    last.scroll_into_view_if_needed()
    last.click()
    expect(page.locator(".st-key-links .reading")).to_contain_text("looks at:")
    assert page.locator(".st-key-links canvas").evaluate(PAINTED) > 0
    leave(page)
