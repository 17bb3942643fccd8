"""Photos as people bring them: pasted, dropped, several at once, with a broken one among them."""

from __future__ import annotations

import base64
import re
from io import BytesIO

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, expect

from attention_core import load_vision_model
from attention_core.inputs import load_image
from attention_core.inputs.samples import sample_photo
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitationTrace
from tests.browser.driver import in_link, leave, open_page, settle, shown
from ui.i18n import LANGUAGES, Language, catalogue

pytestmark = pytest.mark.browser

# A real event with real files, as the clipboard or the desktop would make it.
BRING = """([event, selector, files]) => {
    const data = new DataTransfer();
    for (const { name, type, bytes } of files) {
        data.items.add(new File([Uint8Array.from(atob(bytes), letter => letter.charCodeAt(0))], name, { type }));
    }
    const options = { bubbles: true, cancelable: true, composed: true };
    document.querySelector(selector).dispatchEvent(event === 'paste'
        ? new ClipboardEvent('paste', { clipboardData: data, ...options })
        : new DragEvent(event, { dataTransfer: data, ...options }));
}"""

CAMERA = """
navigator.mediaDevices.getUserMedia = async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 400, height: 300 });
    const pen = canvas.getContext('2d');
    pen.fillStyle = 'rgb(0, 128, 128)';
    pen.fillRect(0, 0, 400, 300);
    setInterval(() => pen.fillRect(0, 0, 400, 300), 200);  // a camera goes on giving pictures
    return canvas.captureStream(5);
};
"""


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    stream = BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def tabby(hue: str = "white") -> bytes:
    """A photo that no sample is: the cat, mirrored and in other colours."""
    square = ImageOps.mirror(load_image(sample_photo("cat"))).crop((80, 20, 340, 280))
    return encoded(ImageOps.colorize(ImageOps.grayscale(square), "black", hue))


def bring(page: Page, event: str, *files: tuple[str, bytes], selector: str = "body") -> None:
    kinds = {"png": "image/png", "bmp": "image/bmp"}
    sent = [
        {"name": name, "type": kinds[name.rsplit(".")[-1]], "bytes": base64.b64encode(data).decode()}
        for name, data in files
    ]
    page.evaluate(BRING, [event, selector, sent])


def true_weights(data: bytes) -> list[float]:
    attention = load_vision_model("se").trace(load_image(data)).stages[-1].attention
    assert isinstance(attention, SqueezeExcitationTrace)
    numbers: list[float] = attention.weights[0].cpu().tolist()
    return numbers


def own(page: Page, count: int) -> None:
    """Waits until the strip holds this many photos of one's own, which have a number."""
    expect(page.locator(".st-key-photo [role=radio]").filter(has_text=re.compile(r"^\d · "))).to_have_count(
        count, timeout=30_000
    )
    settle(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pasted_photo_is_what_the_network_computes_with(browser: Browser, server: str, language: Language) -> None:
    page = open_page(browser, f"{server}/squeeze_excitation?stage=stage4&lang={language}")
    words = catalogue(language)
    expect(page.get_by_role("button", name=words["photo.paste.button"])).to_be_visible()
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), { id: 'field' }))")
    bring(page, "paste", ("image.png", tabby()), selector="#field")  # a text field keeps its paste
    bring(page, "paste", ("image.png", tabby()))
    own(page, 1)
    in_link(page, "photo=upload")
    expect(page.locator(".st-key-photo [aria-checked=true]")).to_contain_text(words["photo.origins.paste"])
    assert shown(page, "channel-weights") == pytest.approx(true_weights(tabby()), abs=1e-4)
    page.locator(".st-key-lang").get_by_text("English" if language == "zh" else "中文").click()
    own(page, 1)  # still there
    leave(page)


def test_dropped_files_make_a_strip_beside_a_broken_one(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/squeeze_excitation?stage=stage4&lang=en", width=390)
    expect(page.get_by_role("button", name=catalogue("en")["photo.paste.button"])).to_be_visible()  # it listens now
    bring(page, "drop", ("one.png", tabby()), ("broken.png", tabby()[:300]), ("two.png", tabby("orange")))
    own(page, 2)
    error = page.locator('[data-testid="stAlert"]', has_text="PNG")
    expect(error).to_contain_text("broken.png")
    expect(error).to_have_count(1)
    assert shown(page, "channel-weights") == pytest.approx(true_weights(tabby()), abs=1e-4)
    strip = page.locator(".st-key-photo [role=radiogroup]")
    strip.locator("[role=radio]").first.focus()
    page.keyboard.press("ArrowRight")
    if "photo=upload-2" not in page.url:
        page.keyboard.press("Space")
    expect(page).to_have_url(re.compile("photo=upload-2"))
    settle(page)
    assert shown(page, "channel-weights") == pytest.approx(true_weights(tabby("orange")), abs=1e-4)
    assert strip.evaluate("e => e.scrollWidth > e.clientWidth")  # sideways in itself
    assert page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('[data-testid=stMain]'))") <= 1
    page.locator(".st-key-photo-remove button").click()
    own(page, 1)
    assert shown(page, "channel-weights") == pytest.approx(true_weights(tabby()), abs=1e-4)
    leave(page)


def test_two_chosen_files_and_a_large_one_that_the_browser_shrinks(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/squeeze_excitation", locale="zh-CN")
    page.locator('[data-testid="stFileUploader"] input[type=file]').set_input_files(
        [
            {"name": f"{name}.png", "mimeType": "image/png", "buffer": tabby(hue)}
            for name, hue in (("一", "white"), ("二", "orange"))
        ]
    )
    own(page, 2)
    large = encoded(Image.new("RGB", (3300, 900), "teal"), "BMP")
    bring(page, "paste", ("large.bmp", large))
    own(page, 3)
    shrunk = page.locator('[data-testid="stAlert"]', has_text="3300 × 900")
    expect(shrunk).to_contain_text("3000 × 818")
    expect(page.get_by_text(re.compile("3000 × 818")).last).to_be_visible()
    leave(page)


def test_the_square_moves_along_a_long_photo_and_the_network_sees_it(browser: Browser, server: str) -> None:
    wide = load_image(sample_photo("cat")).resize((600, 300))
    page = open_page(browser, f"{server}/squeeze_excitation?stage=stage4&lang=en", locale="en-GB")
    expect(page.get_by_role("button", name=catalogue("en")["photo.paste.button"])).to_be_visible()
    bring(page, "paste", ("wide.png", encoded(wide)))
    own(page, 1)
    for place, key in ((50, None), (0, "Home"), (100, "End")):
        if key is not None:
            page.locator(".st-key-crop input[type=range]").press(key)
            in_link(page, f"crop={place}")
            settle(page)
        left = (600 - 300) * place // 100
        expected = true_weights(encoded(wide.crop((left, 0, left + 300, 300))))
        assert shown(page, "channel-weights") == pytest.approx(expected, abs=1e-4)
    leave(page)


def test_a_shot_of_the_camera_joins_the_strip(browser: Browser, server: str) -> None:
    # A tab of its own, whose camera is a canvas: a machine of tests has none, and what follows it is the browser's own.
    page = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(30_000)
    page.add_init_script(CAMERA)
    page.goto(f"{server}/squeeze_excitation?stage=stage4&lang=en&photo=camera")
    settle(page)
    page.get_by_test_id("stCameraInputButton").click()
    own(page, 1)
    expect(page.locator(".st-key-photo [aria-checked=true]")).to_contain_text(catalogue("en")["photo.origins.camera"])
    teal = true_weights(encoded(Image.new("RGB", (400, 300), (0, 128, 128))))
    assert shown(page, "channel-weights") == pytest.approx(teal, abs=0.02)  # the browser makes a JPEG of it
    page.context.close()
