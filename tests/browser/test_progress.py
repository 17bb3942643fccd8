"""What takes longer than half a second says so while it lasts."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.acts import Act, pick, turn
from tests.browser.driver import leave, open_page, settle, until
from tests.browser.test_photo_strip import encoded
from ui.i18n import catalogue

pytestmark = pytest.mark.browser
WORDS = catalogue("en")
LONG = "+".join(["the quick brown fox jumps over the lazy dog"] * 8)

# Every text of a spinner or of a bar that was on the page since, however short it was there.
WATCH = """() => {
    window.said = [];
    const look = () => document.querySelectorAll('[data-testid=stSpinner], [data-testid=stProgress]').forEach(
        each => { if (!window.said.includes(each.textContent)) window.said.push(each.textContent); });
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""


def large_photo(seed: int) -> bytes:
    """Twenty-five million pixels: opening a few of them takes a second."""
    noise = Image.fromarray(np.random.default_rng(seed).integers(0, 255, (500, 500, 3), np.uint8))
    return encoded(noise.resize((5000, 5000), Image.Resampling.NEAREST))


def upload(page: Page) -> None:
    photos: list[FilePayload] = [
        {"name": f"{seed}.png", "mimeType": "image/png", "buffer": large_photo(seed)} for seed in range(4)
    ]
    page.locator('[data-testid="stFileUploader"] input[type=file]').set_input_files(photos)


CASES: dict[str, tuple[str, Act, str]] = {
    "photo": ("squeeze_excitation?lang=en", upload, WORDS["photo.reading"]),
    "tokens hidden in turn": (f"head_atlas?lang=en&p=&s={LONG}", turn("hide"), WORDS["frame.working"]),
    "pixels taken away": (
        "mask_trial?lang=en&photo=cat&stage=stage4",
        pick("stage", "Stage 1"),
        WORDS["mask_trial.trying"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_says_so(browser: Browser, server: str, name: str) -> None:
    address, act, words = CASES[name]
    page = open_page(browser, f"{server}/{address}", locale="en-GB")
    page.evaluate(WATCH)
    act(page)
    until(page, "words => window.said.some(each => each.includes(words))", words.split("{")[0])
    settle(page)
    expect(page.get_by_test_id("stSpinner")).to_have_count(0)
    leave(page)
