"""A clip played in a real browser: the masks of the trace, frame by frame, without asking the server."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from torch import Tensor

from attention_core import load_image, load_vision_model
from attention_core.analysis.temporal import clip_trace
from attention_core.figures.style import range_text
from attention_core.inputs.clip import load_clip, panned_clip
from attention_core.inputs.samples import sample_photo
from tests.browser.driver import leave, open_page, painted, settle, until

pytestmark = pytest.mark.browser

GRAPH = "document.querySelector('.st-key-clip-player .js-plotly-plot')"
MASK = f"Array.from({GRAPH}.calcdata[0][0].z, row => Array.from(row))"
PICTURE = "document.querySelector('.st-key-clip-player .imagelayer image')?.href.baseVal"
ACTIVE = f"{GRAPH}._fullLayout.sliders[0].active"
COUNT_SENT = """() => {
    window.sent = 0;
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (...args) { window.sent += 1; return send.apply(this, args); };
}"""


def assert_shown(page: Page, masks: Tensor) -> int:
    """Waits until mask and picture are those of the frame that the slider names; its number, from 0."""
    for _ in range(40):
        page.wait_for_timeout(250)
        active, mask, picture = page.evaluate(f"[{ACTIVE}, {MASK}, {PICTURE}]")
        source = page.evaluate(f"{GRAPH}._transitionData._frames[{active}].layout.images[0].source")
        if picture == source and np.allclose(mask, masks[active], atol=1e-4):
            return int(active)
    raise AssertionError(f"the slider says frame {active}, and another one is shown")


def button(page: Page, name: str) -> None:
    page.locator(".st-key-clip-player .updatemenu-button", has_text=name).click()


@pytest.mark.parametrize("width", [1280, 390])
def test_playing_shows_every_mask_of_the_trace_without_the_server(browser: Browser, server: str, width: int) -> None:
    page = open_page(browser, f"{server}/clips?lang=en&clip=cat&stage=stage4&frame=2", width=width)
    painted(page, "clip-player")
    masks = clip_trace(load_vision_model("cbam"), panned_clip(load_image(sample_photo("cat"))).frames).masks["stage4"]
    assert assert_shown(page, masks) == 1
    page.evaluate(COUNT_SENT)
    button(page, "Play")
    until(page, f"{ACTIVE} >= 5")
    button(page, "Stop")
    now = assert_shown(page, masks)
    assert now >= 5
    expect(page.locator(".st-key-clip-player .slider-label").first).to_have_text(f"Frame {now + 1} of 16")
    expect(page.locator(".st-key-clip-player .gtitle")).to_contain_text(range_text(masks[now]))
    assert page.evaluate("window.sent") == 0
    leave(page)


def test_a_clip_of_ones_own_in_the_browser(browser: Browser, server: str, tmp_path: Path) -> None:
    stream = io.BytesIO()
    frames = [Image.new("RGB", (48, 40), (number * 60, 80, 200)) for number in range(4)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=80)
    path = tmp_path / "mine.gif"
    path.write_bytes(stream.getvalue())
    page = open_page(browser, f"{server}/clips?lang=zh")
    page.locator(".st-key-clip-file input[type=file]").set_input_files(path)
    page.wait_for_url("**clip=upload**")
    settle(page)
    expect(page.get_by_text("短片的 4 帧全部用上了")).to_be_visible()
    painted(page, "clip-player")
    masks = clip_trace(load_vision_model("cbam"), load_clip(stream.getvalue()).frames).masks["stage4"]
    assert assert_shown(page, masks) == 0
    leave(page)
