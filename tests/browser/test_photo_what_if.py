"""What-ifs on a photo as people make them: painted with the pointer, painted with keys, taken
back; and each control."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import torch
from playwright.sync_api import Browser, Page, expect

from attention_core import load_vision_model
from attention_core.analysis.photo_change import classes_beside, mean_map
from attention_core.analysis.stages import channel_weights
from attention_core.inputs import load_image
from attention_core.inputs.samples import sample_photo
from attention_core.models.vision import VisionTrace
from attention_core.stories.photo_what_if import PhotoWhatIf, StageWhatIf, read
from tests.browser.acts import Act, left_end, pick, right
from tests.browser.driver import bar_names, in_link, leave, open_page, settle, shown
from ui.i18n import catalogue

pytestmark = pytest.mark.browser

COFFEE = load_image(sample_photo("coffee"))


@pytest.fixture(scope="module")
def trained() -> VisionTrace:
    return load_vision_model("cbam").trace(COFFEE)


def what_if_of(page: Page, trained: VisionTrace) -> StageWhatIf:
    """What the link says about the last stage."""
    [written] = parse_qs(urlsplit(page.url).query)["photo_if"]
    return read(written, trained).stage("stage4")


def stroke(page: Page, rows: tuple[int, int], column: int, side: int) -> None:
    """Drags over the painter from one row to another."""
    canvas = page.locator(".st-key-painter-cbam-stage4 canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None

    def place(row: int) -> tuple[float, float]:
        return box["x"] + (column + 0.5) * box["width"] / side, box["y"] + (row + 0.5) * box["height"] / side

    page.mouse.move(*place(rows[0]))
    page.mouse.down()
    page.mouse.move(*place(rows[1]))  # in one leap: the cells between must not be left out
    page.mouse.up()
    settle(page)


def check_pictures(page: Page, changes: StageWhatIf, trained: VisionTrace) -> None:
    """Mask and prediction are those of a trace with the same cells."""
    what_if = PhotoWhatIf((("stage4", changes),))
    after = load_vision_model("cbam").trace(COFFEE, overrides=what_if.overrides(trained))
    mask = after.stages[-1].spatial_mask
    assert mask is not None
    torch.testing.assert_close(torch.tensor(shown(page, "mask-after", 1)), mask[0, 0], atol=1e-5, rtol=0)
    first = trained.top(1)[0][0]
    expected = dict(after.top(100))[first]
    assert shown(page, "prediction-after")[0] == pytest.approx(expected, abs=1e-5)
    assert shown(page, "prediction-before")[0] == pytest.approx(trained.top(1)[0][1], abs=1e-5)
    assert abs(expected - trained.top(1)[0][1]) > 1e-4  # the painting matters


def test_a_stroke_changes_mask_prediction_and_link_which_restores_it(
    browser: Browser, server: str, trained: VisionTrace
) -> None:
    page = open_page(browser, f"{server}/photo_what_if?lang=zh")
    side = trained.stages[-1].features.shape[-1]
    expect(page.locator(".st-key-mask-after")).to_have_count(0)
    stroke(page, (2, side - 4), 5, side)
    changes = what_if_of(page, trained)
    rows = [changes.cells[row * side : (row + 1) * side] for row in range(side)]
    for row in range(1, side - 2):  # a brush of three cells, from one row before to one behind
        assert rows[row] == "ffff000" + "f" * (side - 7)
    assert changes.painted == 3 * (side - 3)
    check_pictures(page, changes, trained)
    stroke(page, (0, 0), side - 2, side)  # a second stroke adds to the first
    assert what_if_of(page, trained).painted == 3 * (side - 3) + 6

    link = page.url
    leave(page)
    page = open_page(browser, link, locale="en-US")
    check_pictures(page, what_if_of(page, trained), trained)
    page.locator(".st-key-step-4").scroll_into_view_if_needed()
    reset = page.locator(".st-key-if-reset button")
    expect(reset).to_be_in_viewport()  # however far down
    reset.click()
    settle(page)
    expect(page).to_have_url(re.compile("photo_if=none"))
    expect(page.locator(".st-key-mask-after")).to_have_count(0)
    stroke(page, (3, 3), 3, side)  # nothing of the old painting is left in the painter
    assert what_if_of(page, trained).painted == 9
    leave(page)


# What is done, what the link says then, and the same as a value.
CONTROLS: dict[str, tuple[Act, StageWhatIf]] = {
    "strongest": (right("if-strongest-cbam-stage4"), StageWhatIf(strongest=1)),
    "weakest": (right("if-weakest-cbam-stage4"), StageWhatIf(weakest=1)),
    "gate": (left_end("if-gate-cbam-stage4-5"), StageWhatIf(gates=((5, 0.0),))),
    "pooling": (
        pick("if-pooling-cbam-stage4", catalogue("en")["photo_what_if.poolings.max"]),
        StageWhatIf(pooling="max"),
    ),
    "order": (
        pick("if-order-cbam-stage4", catalogue("en")["photo_what_if.orders.spatial-first"]),
        StageWhatIf(order="spatial-first"),
    ),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_features_and_prediction_follow_a_control(
    browser: Browser, server: str, name: str, trained: VisionTrace
) -> None:
    act, changes = CONTROLS[name]
    page = open_page(browser, f"{server}/photo_what_if?lang=en&channel=5&order=index", locale="en-GB")
    act(page)
    what_if = PhotoWhatIf((("stage4", changes),))
    in_link(page, f"photo_if={what_if}")
    settle(page)
    after = load_vision_model("cbam").trace(COFFEE, overrides=what_if.overrides(trained))
    for which, trace in (("before", trained), ("after", after)):
        painted_map = torch.tensor(shown(page, f"features-stage4-{which}"))
        torch.testing.assert_close(painted_map, mean_map(trace.stages[-1].output), atol=1e-4, rtol=0)
    weights = torch.tensor(shown(page, "channel-weights", 1))
    torch.testing.assert_close(weights, channel_weights(after.stages[-1]), atol=1e-5, rtol=0)
    found = classes_beside(trained, after)
    names = bar_names(page, "prediction-after")
    assert [name.partition(" · ")[0] for name in names] == [change.entry.en for change in found]
    assert shown(page, "prediction-before") == pytest.approx([change.before for change in found], abs=1e-5)
    assert shown(page, "prediction-after") == pytest.approx([change.after for change in found], abs=1e-5)
    leave(page)


def test_keys_paint_and_erase_on_a_phone(browser: Browser, server: str, trained: VisionTrace) -> None:
    page = open_page(browser, f"{server}/photo_what_if?lang=en", width=390, dark=True)
    painter = page.locator(".st-key-painter-cbam-stage4")
    painter.locator("select").select_option("1")
    painter.locator(".brush").fill("10")
    canvas = painter.locator("canvas")
    canvas.focus()
    for key in ("Space", "Shift+ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    page.wait_for_timeout(500)
    settle(page)
    changes = what_if_of(page, trained)
    assert changes.painted == 3 and changes.cells.count("a") == 3
    assert "1.00" in painter.locator(".where").inner_text()
    for key in ("Backspace", "ArrowLeft", "Backspace", "ArrowLeft", "Backspace"):
        page.keyboard.press(key)
    page.wait_for_timeout(500)
    settle(page)
    expect(page).to_have_url(re.compile("photo_if=none"))
    overflow = page.evaluate(
        "Math.max(...[...document.querySelectorAll('[data-testid=stMain]')].map(e => e.scrollWidth - e.clientWidth))"
    )
    assert overflow <= 1
    leave(page)
