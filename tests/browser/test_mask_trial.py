"""The mask put to the test in a real browser."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from attention_core import load_image, load_vision_model
from attention_core.analysis.mask_trial import TRIED_KINDS, try_map
from attention_core.inputs.samples import sample_photo
from tests.browser.driver import leave, open_page, painted

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (390, "zh")])
def test_curves_of_all_maps_are_painted(browser: Browser, server: str, width: int, language: str) -> None:
    page = open_page(browser, f"{server}/mask_trial?lang={language}&photo=cat&stage=stage4", width=width)
    model = load_vision_model("cbam")
    trace = model.trace(load_image(sample_photo("cat")))
    for name in ("deletion", "insertion"):
        painted(page, f"curve-{name}")
        lines = page.evaluate(
            f"document.querySelector('.st-key-curve-{name} .js-plotly-plot')._fullData.map(d => Array.from(d.y))"
        )
        for line, kind in zip(lines, TRIED_KINDS, strict=True):
            expected = getattr(try_map(model, trace, "stage4", kind), name).mean(dim=0)
            np.testing.assert_allclose(line, expected, atol=1e-4)
        expect(page.locator(f".st-key-curve-{name} .legendtext")).to_have_count(len(TRIED_KINDS))
    painted(page, "tried-maps")
    expect(page.locator(".st-key-tried-maps .imagelayer image")).to_have_count(1 + len(TRIED_KINDS))
    expect(page.locator("[data-testid=stProgress]")).to_have_count(0)
    # the page itself does not move sideways: a wide table moves alone
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    leave(page)
