"""Networks of a folder chosen on the screen: their figures, the way back, and what cannot be read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import torch
import torchvision
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.driver import in_link, leave, open_page, painted, running_server, settle
from tests.models.hub_networks import saved
from tests.models.photo_networks import patched

pytestmark = pytest.mark.browser

MOBILE = "torchvision/mobilenet_v3_small-mine.pt"
CUT = "torchvision/mobilenet_v3_small-cut.safetensors"
LOADING = 120_000  # the libraries themselves are read with the first network


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a folder of networks."""
    folder = tmp_path_factory.mktemp("networks")
    saved(folder / "encoder", "BertForMaskedLM")
    (folder / "broken").mkdir()
    (folder / "broken" / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    patched("ViT").save_pretrained(folder / "vit")  # type: ignore[operator]
    (folder / "torchvision").mkdir()
    torch.manual_seed(0)
    torch.save(torchvision.models.mobilenet_v3_small().state_dict(), folder / MOBILE)
    (folder / CUT).write_bytes(b"\x10" * 400)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ATTENTION_MODELS_FOLDER", str(folder))
        with running_server(tmp_path_factory.mktemp("server")) as address:
            yield address


def popover(page: Page) -> None:
    """Opens the picker; a click that falls between two runs of the page closes it again."""
    field = page.locator('[data-testid="stPopoverBody"] input').first
    for _ in range(3):
        page.locator('[data-testid="stMain"] [data-testid="stPopover"] button').first.click()
        with contextlib.suppress(PlaywrightTimeout):
            field.wait_for(timeout=10_000)
            return
    field.wait_for()


def choose(page: Page, name: str) -> None:
    """Opens the picker, chooses a name from its list, and uses it."""
    popover(page)
    page.locator('[data-testid="stPopoverBody"] input').first.click()
    page.get_by_role("option", name=name).click()
    page.locator(".st-key-network-use button").click()


def drawn(page: Page, key: str) -> None:
    """Waits for a figure of the network that has just been chosen."""
    page.locator(f".st-key-{key} .main-svg").first.wait_for(timeout=LOADING)
    settle(page)
    painted(page, key)


@pytest.mark.parametrize(
    ("path", "name", "key", "figure", "words", "width"),
    [
        ("self_attention?lang=en", "encoder (folder)", "net=folder:encoder", "weights", "BertForMaskedLM", 1280),
        ("squeeze_excitation?lang=en", MOBILE, "senet=folder:torchvision", "channel-weights", "MobileNetV3", 390),
        ("vision_transformer?lang=en", "vit (folder)", "vit=folder:vit", "head-patch", "ViTForImage", 390),
    ],
)
def test_a_network_of_the_folder_and_the_default_again(
    browser: Browser, hall: str, path: str, name: str, key: str, figure: str, words: str, width: int
) -> None:
    page = open_page(browser, f"{hall}/{path}", locale="en-GB", width=width, dark=width == 390)
    choose(page, name)
    page.get_by_text(words).first.wait_for(timeout=LOADING)
    drawn(page, figure)
    in_link(page, key.replace(":", "%3A"))
    overflow = page.evaluate(
        "Math.max(...[...document.querySelectorAll('[data-testid=stMain]')].map(e => e.scrollWidth - e.clientWidth))"
    )
    assert overflow <= 1
    page.reload()
    settle(page)
    drawn(page, figure)
    popover(page)
    box = page.locator('[data-testid="stPopoverBody"] [data-testid="stSelectbox"]')
    shown = box.locator("input").first.input_value() or box.inner_text()
    assert name in shown  # the box begins with the network in force
    page.keyboard.press("Escape")
    default = {"net": "bilingual", "senet": "se (ships", "vit": "none chosen"}[key.partition("=")[0]]
    choose(page, default)
    expect(page.get_by_text(words)).to_have_count(0)
    settle(page)
    assert page.locator(f".st-key-{figure}").count() == (0 if default == "none chosen" else 1)
    leave(page)


@pytest.mark.parametrize(
    ("path", "reason", "figure"),
    [
        ("self_attention?lang=zh&net=folder:broken", "没有 *.safetensors 格式的权重", "weights"),
        (f"squeeze_excitation?lang=zh&senet=folder:{CUT}", "读不出来", "channel-weights"),
    ],
)
def test_what_cannot_be_read_says_so_and_the_page_lives(
    browser: Browser, hall: str, path: str, reason: str, figure: str
) -> None:
    page = open_page(browser, f"{hall}/{path}", width=390, dark=True)
    page.locator('[data-testid="stAlert"]', has_text=reason).wait_for(timeout=LOADING)
    assert page.locator(f".st-key-{figure}").count() == 0
    page.locator(".st-key-network-back button").click()
    drawn(page, figure)
    expect(page.locator('[data-testid="stAlert"]', has_text=reason)).to_have_count(0)
    assert page.locator('[data-testid="stException"]').count() == 0
    leave(page)
