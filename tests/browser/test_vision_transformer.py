"""A vision transformer on the screen: a patch is chosen by clicking it, and its row follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from attention_core import HubPatchModel, load_hub_vision_model, load_image
from attention_core.inputs.samples import sample_photo
from tests.browser.driver import cell_centre, in_link, leave, open_page, painted, running_server, settle
from tests.models.photo_networks import patched

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("networks")
    patched("DeiT").save_pretrained(made / "deit")  # type: ignore[operator]
    return made


@pytest.fixture(scope="module")
def hall(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ATTENTION_MODELS_FOLDER", str(folder))
        with running_server(tmp_path_factory.mktemp("server")) as address:
            yield address


def numbers(page: Page, key: str) -> list[list[float]]:
    """What is painted over the photo."""
    painted(page, key)
    read = """key => {
        const data = document.querySelector(`.st-key-${key} .js-plotly-plot`)._fullData;
        return Array.from(data.find(trace => trace.type === 'heatmap').z, row => Array.from(row));
    }"""
    rows: list[list[float]] = page.evaluate(read, key)
    return rows


@pytest.mark.parametrize("width", [1280, 390])
def test_a_click_on_a_patch_shows_its_row(browser: Browser, hall: str, folder: Path, width: int) -> None:
    link = "vision_transformer?lang=en&vit=folder:deit&photo=cat&vit_layer=1&vit_head=2"
    page = open_page(browser, f"{hall}/{link}", locale="en-GB", width=width)
    page.locator(".st-key-patches .main-svg").first.wait_for(timeout=120_000)
    settle(page)
    page.mouse.click(*cell_centre(page, "patches", 3, 1))
    in_link(page, "patch=13")
    settle(page)
    model = load_hub_vision_model(f"transformers/{folder / 'deit'}", "cpu")
    assert isinstance(model, HubPatchModel)
    trace = model.trace(load_image(sample_photo("cat")))
    weights = trace.layers[1].weights[0, 2]
    T = weights.shape[-1]
    expected = weights[trace.special + 13, trace.special :].reshape(4, 4) * T  # in even shares
    assert np.allclose(numbers(page, "head-patch"), expected.numpy(), atol=1e-4)
    assert np.allclose(numbers(page, "head-class"), trace.seen_from(1)[2].numpy() * T, atol=1e-4)
    leave(page)
