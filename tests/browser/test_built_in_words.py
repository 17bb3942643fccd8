"""Streamlit's own words follow the language, there and back, and leave everybody else's alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.driver import leave, open_page, settle
from ui.i18n import Language, catalogue

pytestmark = pytest.mark.browser

SHOWN = """() => {
    const places = '[data-testid=stFileUploader], [data-testid=stCameraInput], [data-testid=stMainMenuPopover],'
        + ' [data-testid=stSkipToContent]';
    const texts = [...document.querySelectorAll(places)].flatMap(e => e.innerText.split('\\n'));
    const names = ['aria-label', 'title', 'placeholder', 'data-title'];
    const holders = [...document.querySelectorAll(names.map(name => `[${name}]`).join())];
    const spoken = holders.flatMap(e => names.map(name => e.getAttribute(name)));
    return [...texts, ...spoken].filter(Boolean).map(text => text.trim());
}"""


def built_in(language: Language) -> dict[str, str]:
    return {key: word for key, word in catalogue(language).items() if key.startswith("built_in.") and "{" not in word}


def shown(page: Page) -> set[str]:
    """Every line in Streamlit's controls and every spoken or hovering word on the page, with the menu open."""
    page.locator('[data-testid="stMainMenuButton"], [data-testid="stMainMenu"] button').first.click()
    page.locator('[data-testid="stMainMenuPopover"]').wait_for()
    page.wait_for_timeout(300)
    found = set(page.evaluate(SHOWN))
    page.keyboard.press("Escape")
    return found


def switch(page: Page, name: str) -> None:
    page.locator(".st-key-lang").get_by_text(name, exact=True).click()
    settle(page)


def test_they_follow_the_language_there_and_back(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/squeeze_excitation?lang=zh&photo=camera")
    english, chinese = built_in("en"), built_in("zh")
    always = ["built_in.menu.dark", "built_in.upload.button", "built_in.camera.take", "built_in.skip"]
    always += ["built_in.sidebar.name", "built_in.menu.print"]
    for language, tag in (("中文", "zh-CN"), ("English", "en"), ("中文", "zh-CN")):
        switch(page, language)
        expect(page.locator("html")).to_have_attribute("lang", tag)
        there, others = (chinese, english) if tag == "zh-CN" else (english, chinese)
        found = shown(page)
        assert {there[key] for key in always} <= found
        assert not found & ({*others.values()} - {*there.values()})
    leave(page)


def test_what_somebody_typed_stays_as_typed(browser: Browser, server: str) -> None:
    """Even where it is a word of Streamlit's: as a token, in a field, and among the options of a list."""
    page = open_page(browser, f"{server}/self_attention?lang=zh&s=Upload+Dark+Search")
    expect(page.locator(".st-key-s input")).to_have_value("Upload Dark Search")
    words = page.locator(".st-key-q").inner_text().lower().split()
    assert {"dark", "search"} <= set(words)
    expect(page.locator(".st-key-weights .ytick text").filter(has_text="dark")).to_have_count(1)
    expect(page.locator('[aria-label^="Help"]')).to_have_count(0)  # a word that goes around one of ours
    words_of = catalogue("zh")
    spoken = words_of["built_in.help_for"].format(label=words_of["sentence.label"])
    expect(page.get_by_label(spoken, exact=True)).to_have_count(1)
    leave(page)
