"""Two sentences in a real browser."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.driver import leave, open_page, painted, settle

pytestmark = pytest.mark.browser

PAIR = f"s=我吃柠檬&p={quote('I eat lemons.')}"


def test_words_and_heads_can_be_chosen_and_stay_in_the_link(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/two_sentences?lang=en&{PAIR}")
    painted(page, "alignment")
    words = page.locator(".st-key-alignment .scatterlayer .textpoint text")
    expect(words).to_have_text(["我", "吃", "柠檬", "I", "eat", "lemons", "."])
    page.locator(".st-key-unit").get_by_text("token").click()
    settle(page)
    expect(words).to_have_text(["我", "吃", "柠", "檬", "I", "eat", "lemon", "##s", "."])
    page.locator(".st-key-aligner-1 button").click()
    settle(page)
    page.reload()
    settle(page)
    painted(page, "alignment")
    expect(words).to_have_count(9)
    expect(page.get_by_text("Layer 2, head 1 as word alignment")).to_be_visible()
    leave(page)


def test_on_a_phone_the_picture_moves_and_the_page_does_not(browser: Browser, server: str) -> None:
    pair = "s=小狗在草地上追一只红色的球。&p=A+puppy+is+chasing+a+red+ball+on+the+grass."
    page = open_page(browser, f"{server}/two_sentences?lang=zh&{pair}", width=390)
    painted(page, "alignment")
    frame = page.locator(".st-key-alignment .chart-crop")
    assert frame.evaluate("frame => frame.scrollWidth > frame.clientWidth && frame.clientWidth < 390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".st-key-w").get_by_text("puppy").click()
    settle(page)
    expect(page.get_by_text("在“puppy”的位置")).to_be_visible()
    leave(page)


def test_a_missing_translation_gets_a_hint_and_a_way_on(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/two_sentences?lang=en&s=我吃柠檬&p=")
    expect(page.get_by_text("This page needs two sentences")).to_be_visible()
    page.get_by_role("button", name="Use the example with a translation").click()
    settle(page)
    painted(page, "alignment")
    leave(page)
