"""Takes the pictures of the README again: `python -m docs.screenshots`, with Chromium installed."""

from __future__ import annotations

import shutil
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.conftest import FLAGS
from tests.browser.driver import open_page, running_server

IMAGES = Path(__file__).resolve().parent / "images"
# name → link, whether dark, the step to scroll to: both languages and both schemes are seen
SHOTS = {
    "home": ("?lang=zh", False, None),
    "self_attention": ("self_attention?lang=zh&s=我吃柠檬&p=I+eat+lemons.&layer=0&head=0&q=3", False, "step-4"),
    "multi_head": ("multi_head?lang=en&s=我吃柠檬&p=I+eat+lemons.", False, None),
    "squeeze_excitation": ("squeeze_excitation?lang=en&photo=coffee", True, "step-5"),
    "cbam": ("cbam?lang=zh&photo=coffee", False, "step-7"),
    "by_hand": ("self_attention?lang=en&view=hand", True, "step-2"),
}
WIDTH, HEIGHT = 1280, 1000


def main() -> None:
    """Starts a server of its own, and overwrites docs/images/."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, (path, dark, place) in SHOTS.items():
            page = open_page(browser, f"{address}/{path}", width=WIDTH, dark=dark)
            page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
            page.wait_for_timeout(1500)
            if place is not None:
                page.locator(f".st-key-{place}").evaluate("element => element.scrollIntoView({block: 'start'})")
                page.wait_for_timeout(1500)
            shot = Image.open(BytesIO(page.screenshot()))
            shot.convert("RGB").save(IMAGES / f"{name}.png", optimize=True)
            page.context.close()
            print(name)
        browser.close()


if __name__ == "__main__":
    main()
