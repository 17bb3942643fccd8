"""Excitation profiles in a real browser."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from attention_core import load_image, load_vision_model
from attention_core.analysis.stages import channel_weights
from attention_core.inputs.samples import sample_photo
from attention_core.models import registry
from tests.browser.driver import leave, open_page, painted, settle

pytestmark = pytest.mark.browser

LINES = "document.querySelector('.st-key-profile-stage4 .js-plotly-plot')._fullData.map(d => [d.name, Array.from(d.y)])"


@pytest.mark.parametrize("width", [1280, 390])
def test_the_photo_lies_over_its_class_and_another_class_joins(browser: Browser, server: str, width: int) -> None:
    address = f"{server}/profiles?lang=en&photo=coffee&gates=se&by=index&classes=none"
    page = open_page(browser, address, width=width)
    painted(page, "profile-stage4")
    trace = load_vision_model("se").trace(load_image(sample_photo("coffee")))
    predicted, classes = int(trace.logits.argmax()), registry.vision_classes()
    [_, (name, profile), (_, photo)] = page.evaluate(LINES)
    assert name == classes[predicted].en
    np.testing.assert_allclose(profile, registry.excitation_profiles("se")["stage4"][predicted], atol=1e-4)
    np.testing.assert_allclose(photo, channel_weights(trace.stages[-1]).cpu(), atol=1e-4)
    other = next(entry for number, entry in enumerate(classes) if number != predicted)
    search = page.locator(".st-key-profile-classes input")
    search.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # a list that opens while the page still moves closes again
    search.fill(other.en)
    page.get_by_role("option", name=other.en).first.wait_for()
    search.press("Enter")
    page.wait_for_url(f"**classes={other.wnid}**")
    settle(page)
    expect(page.locator(".st-key-profile-stage4 .legendtext")).to_have_count(4)
    assert [name for name, _ in page.evaluate(LINES)][2] == other.en
    leave(page)
