"""The three builds side by side on the screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from attention_core import load_vision_model
from attention_core.inputs import load_image
from attention_core.inputs.samples import sample_photo
from attention_core.models import registry
from tests.browser.driver import leave, open_page, painted
from ui.i18n import Language

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("language", "width"), [("zh", 1280), ("en", 390)])
def test_one_photo_three_answers_and_their_scores(
    browser: Browser, server: str, language: Language, width: int
) -> None:
    page = open_page(browser, f"{server}/compare?lang={language}&photo=cat", width=width, dark=language == "zh")
    for name in registry.VISION_MODELS:
        painted(page, f"prediction-{name}")
        probability = load_vision_model(name).trace(load_image(sample_photo("cat"))).top(1)[0][1]
        bars = page.locator(f".st-key-prediction-{name}")
        expect(bars.get_by_text(f"{probability:.1%}", exact=True).first).to_be_visible()
    top1 = registry.scores("vision")["builds"]["se"]["class_top1"]["value"]
    expect(page.locator("table").get_by_text(f"{100 * top1:.1f} ±").first).to_be_visible()
    overflow = page.evaluate(
        "Math.max(...[...document.querySelectorAll('[data-testid=stMain]')].map(e => e.scrollWidth - e.clientWidth))"
    )
    assert overflow <= 1
    leave(page)
