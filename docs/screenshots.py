"""Takes the pictures of README and docs/features.md again: `python -m docs.screenshots [name …]`, with Chromium.

Two are of a network that does not ship: sentence-transformers/all-MiniLM-L6-v2, in the folder of networks
(ATTENTION_MODELS_FOLDER, or models/). Where it is not there, they stay as they are.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.driver import cell_centre, open_page, running_server, settle
from tests.conftest import FLAGS
from ui.shell.settings import settings

IMAGES = Path(__file__).resolve().parent / "images"
WIDTH, HEIGHT, PHONE = 1280, 1000, 390
LEMONS = "s=我吃柠檬&p=I+eat+lemons."
PUPPY = "s=A+puppy+is+chasing+a+red+ball+on+the+grass.&p=小狗在草地上追一只红色的球。"
NEIGHBOUR = "s=The+old+man+who+lives+next+door+plays+the+piano.&p="
MINILM = "all-MiniLM-L6-v2"
LONG = "s=" + "The+old+man+who+lives+next+door+plays+the+piano+while+his+cat+sleeps+on+a+red+chair.+" * 6


@dataclass(frozen=True)
class Shot:
    """One picture. place: class of the element at its top, "" for the top of the page; do: what a visitor does first.

    Both languages and both schemes are seen.
    """

    link: str
    place: str = ""
    dark: bool = False
    width: int = WIDTH
    do: Callable[[Page], None] = lambda page: None
    network: str = ""  # in the folder of networks, that it takes


def _point_at_a_token(page: Page) -> None:
    page.mouse.move(*cell_centre(page, "weights", 3, 9))


def _press(selector: str) -> Callable[[Page], None]:
    return lambda page: page.locator(selector).first.click()


def _await_all_heads(page: Page) -> None:
    page.locator(".st-key-all-heads .main-svg").first.wait_for(timeout=120_000)


def _ask_for_minilm(page: Page) -> None:
    page.locator('[data-testid="stMain"] [data-testid="stPopover"] button').first.click()
    page.locator('[data-testid="stPopoverBody"] input').first.click()
    page.get_by_role("option", name=MINILM).click()
    page.locator(".st-key-network-use button").wait_for()


SHOTS = {
    "home": Shot("?lang=zh"),
    "lessons": Shot("lessons?lang=en"),
    "lesson": Shot("self_attention?lang=zh&lesson=scale&scene=2", do=_press(".st-key-lesson-reveal button")),
    "overview": Shot(f"overview?lang=en&{LEMONS}&layer=0&head=0", "st-key-overview"),
    "self_attention": Shot(f"self_attention?lang=zh&{LEMONS}&layer=0&head=0&q=3", "st-key-step-4"),
    "by_hand": Shot("self_attention?lang=en&view=hand", "st-key-step-2", dark=True),
    "what_if": Shot(f"self_attention?lang=en&{LEMONS}&layer=0&head=0&q=3&whatif=tau-2_hide-4", "st-key-step-5"),
    "multi_head": Shot(f"multi_head?lang=en&{LEMONS}"),
    "head_view": Shot(f"head_view?lang=zh&{PUPPY}&layer=0&head=0", "st-key-step-1", dark=True),
    "two_sentences": Shot(f"two_sentences?lang=en&{PUPPY}", "st-key-step-1"),
    "head_atlas": Shot(f"head_atlas?lang=zh&{PUPPY}", "st-key-step-1"),
    "long_text": Shot(f"self_attention?lang=en&{LONG}", "st-key-step-5", do=_point_at_a_token),
    "squeeze_excitation": Shot("squeeze_excitation?lang=en&photo=coffee", "st-key-step-5", dark=True),
    "cbam": Shot("cbam?lang=zh&photo=coffee", "st-key-step-7"),
    "compare": Shot("compare?lang=en&photo=coffee", "st-key-step-1"),
    "photo_what_if": Shot("photo_what_if?lang=zh&photo=coffee", "st-key-painter-cbam-stage4"),
    "mask_trial": Shot("mask_trial?lang=en&photo=coffee", "st-key-step-1", dark=True),
    "profiles": Shot("profiles?lang=zh&photo=coffee", "st-key-step-2"),
    "clips": Shot("clips?lang=en&clip=cat", "st-key-step-1"),
    "presenter": Shot("cbam?lang=en&photo=coffee&present=1&step=4", dark=True),
    "share": Shot(f"two_sentences?lang=zh&{LEMONS}", do=_press(".st-key-share button")),
    "export": Shot(f"multi_head?lang=en&{LEMONS}", "st-key-export", do=_press(".st-key-export summary")),
    "network": Shot(
        f"multi_head?lang=en&net=folder:{MINILM}&{NEIGHBOUR}&sinks=True",
        "st-key-step-1",
        do=_await_all_heads,
        network=MINILM,
    ),
    "picker": Shot(f"self_attention?lang=zh&{NEIGHBOUR}", do=_ask_for_minilm, dark=True, network=MINILM),
    "phone": Shot("cbam?lang=zh&photo=coffee", "st-key-step-7", width=PHONE),
}


def take(browser: Browser, address: str, shot: Shot) -> Image.Image:
    """The picture of one shot."""
    page = open_page(browser, f"{address}/{shot.link}", width=shot.width, dark=shot.dark)
    page.set_viewport_size({"width": shot.width, "height": HEIGHT})
    page.wait_for_timeout(1500)
    shot.do(page)
    settle(page)
    if shot.place:
        page.locator(f".{shot.place}").first.evaluate(
            "element => { element.style.scrollMarginTop = '70px'; element.scrollIntoView({ block: 'start' }); }"
        )
    page.wait_for_timeout(1500)
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
    page.context.close()
    return picture


def main() -> None:
    """Starts a server of its own, and overwrites docs/images/."""
    parser = argparse.ArgumentParser(prog="python -m docs.screenshots", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"all unless given: {', '.join(SHOTS)}")
    names = parser.parse_args().names or list(SHOTS)
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name in names:
            network = SHOTS[name].network
            if network and not (settings().folder / network).is_dir():
                print(f"{name}: left as it is, for want of {settings().folder / network}")
                continue
            # 256 colours are enough for a screen, and a third of the bytes.
            take(browser, address, SHOTS[name]).quantize(256).save(IMAGES / f"{name}.png", optimize=True)
            print(name)
        browser.close()


if __name__ == "__main__":
    main()
