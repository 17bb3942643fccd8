"""Files as a visitor saves them."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from attention_core import load_image, load_text_model, load_vision_model
from attention_core.figures.printed import PRINT_PIXELS
from attention_core.inputs.samples import sample_photo
from tests.browser.driver import leave, open_page, settle

pytestmark = pytest.mark.browser


def open_export(page: Page) -> None:
    page.locator(".st-key-export summary").click()
    settle(page)
    page.locator(".st-key-export-preview .main-svg").first.wait_for()


def saved(page: Page, selector: str) -> tuple[str, bytes]:
    """Name and content of what a click on this button saves."""
    with page.expect_download() as coming:
        page.locator(selector).first.click()
    return coming.value.suggested_filename, Path(coming.value.path()).read_bytes()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_what_if_on_a_sentence_is_in_every_file(browser: Browser, server: str, language: str) -> None:
    what_if = "tau-2_hide-3"
    link = f"{server}/self_attention?lang={language}&s=我吃柠檬&p=&layer=1&head=1&q=2&whatif={what_if}"
    page = open_page(browser, link, dark=True)
    open_export(page)
    expected = load_text_model().trace("我吃柠檬", hide=(3,), temperature=2.0)
    name, content = saved(page, ".st-key-export-npz button")
    assert name == "attention-explorer-self_attention.npz"
    with np.load(io.BytesIO(content)) as arrays:
        assert set(arrays) == {*expected.arrays(), "tokens"}
        for key, values in expected.arrays().items():
            np.testing.assert_allclose(arrays[key], values, atol=1e-5)
    settings = json.loads(saved(page, ".st-key-export-json button")[1])
    assert settings["url"]["whatif"] == what_if
    assert (settings["what_if"]["temperature"], settings["what_if"]["hide"]) == (2.0, [3])
    assert settings["tokens"] == [token.text for token in expected.tokens]
    program = saved(page, ".st-key-export-py button")[1].decode()
    assert "hide=[3]" in program
    assert "temperature=2.0" in program
    exec(compile(program, "snippet", "exec"), {})  # it compares by itself
    with zipfile.ZipFile(io.BytesIO(saved(page, ".st-key-export-csv button")[1])) as archive:
        assert "layers/1/weights/head-1.csv" in archive.namelist()
    leave(page)


@pytest.mark.parametrize(
    ("language", "caption"), [("zh", "训练好的网络cbam"), ("en", "Catinthetrainednetworkcbam")], ids=["zh", "en"]
)
def test_figures_are_dark_on_white_at_print_size_on_a_dark_page_too(
    browser: Browser, server: str, tmp_path: Path, language: str, caption: str
) -> None:
    page = open_page(browser, f"{server}/cbam?lang={language}&photo=cat", dark=True)
    open_export(page)
    name, content = saved(page, ".st-key-export-save button >> nth=0")
    image = Image.open(io.BytesIO(content)).convert("L")
    assert name.endswith(".png")
    assert abs(image.width - PRINT_PIXELS) <= 2
    assert image.getpixel((2, 2)) == 255
    assert image.getextrema()[0] < 80  # the letters
    name, content = saved(page, ".st-key-export-save button >> nth=1")
    assert name.endswith(".svg")
    assert caption in re.sub(r"<[^>]*>|\s", "", content.decode())  # lines break where there is no more room
    with np.load(io.BytesIO(saved(page, ".st-key-export-npz button")[1])) as arrays:
        expected = load_vision_model("cbam").trace(load_image(sample_photo("cat")))
        np.testing.assert_allclose(
            arrays["stages.2.attention.spatial.mask"], expected.stages[2].spatial_mask, atol=1e-4
        )
    _, content = saved(page, ".st-key-export-html button")
    leave(page)

    context = browser.new_context(offline=True)
    alone = context.new_page()
    asked: list[str] = []
    alone.on("request", lambda request: asked.append(request.url))
    path = tmp_path / "page.html"
    path.write_bytes(content)
    alone.goto(path.as_uri())
    expect(alone.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert alone.locator(".js-plotly-plot").count() > 8
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked)
    expect(alone.locator("pre").first).to_contain_text('"sample": "cat"')
    context.close()


def test_the_preview_is_seen_whole_on_a_phone(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention?lang=zh", width=390)
    open_export(page)
    preview = page.locator(".st-key-export-preview")
    place, picture = preview.bounding_box(), preview.locator(".main-svg").first.bounding_box()
    assert place and picture
    assert picture["width"] <= place["width"] + 1 and picture["height"] <= place["height"] + 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    leave(page)
