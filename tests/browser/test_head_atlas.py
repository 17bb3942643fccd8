"""The head atlas in a real browser: a cell, a row and a link each open their head; sorting; rollout."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from attention_core import load_text_model
from attention_core.analysis.blank_out import blank_out
from attention_core.analysis.head_atlas import head_atlas
from attention_core.analysis.rollout import attention_rollout, mean_over_heads
from attention_core.models.registry import scores
from tests.browser.driver import cell_centre, in_link, leave, open_page, settle, shown, until

pytestmark = pytest.mark.browser
ADDRESS = "head_atlas?lang=en&s=我吃柠檬&p=I+eat+lemons.&layer=0&head=0&q=2"


def test_a_cell_and_a_row_open_their_head_and_a_link_leads_to_it(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/{ADDRESS}")
    page.mouse.click(*cell_centre(page, "atlas-map", 2, 3))
    settle(page)
    expect(page.get_by_text("Layer 3, head 4 on your sentence")).to_be_visible()
    in_link(page, "layer=2", "head=3")
    table = page.locator(".st-key-atlas canvas").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    # 35-pixel rows below a header of the same height; the fourth is head 2 of layer 2; its marker comes first.
    page.mouse.click(box["x"] + 20, box["y"] + 35 * 4 + 17)
    settle(page)
    expect(page.get_by_text("Layer 2, head 2 on your sentence")).to_be_visible()
    in_link(page, "layer=1", "head=1")
    link = box["x"] + 52, box["y"] + 35 * 3 + 17
    page.mouse.move(*link)  # a link is one only once the pointer rests on it
    page.wait_for_timeout(400)
    with page.context.expect_page() as opened:
        page.mouse.click(*link)
    linked = opened.value
    settle(linked)
    assert linked.url.startswith(f"{server}/multi_head?")
    expect(linked.get_by_text("Enlarged: layer 2, head 1")).to_be_visible()
    expect(linked.locator(".st-key-s input")).to_have_value("我吃柠檬")
    expect(linked.locator(".st-key-p input")).to_have_value("I eat lemons.")
    linked.close()
    page.get_by_role("link", name="This head step by step among the others").click()
    settle(page)
    expect(page.get_by_text(re.compile("Enlarged: layer 2, head 2"))).to_be_visible()
    expect(page.locator(".st-key-s input")).to_have_value("我吃柠檬")
    leave(page)


def column(table: Locator, index: int) -> list[str]:
    """The cells of a column from the top, as the table tells them to a screen reader."""
    return table.locator(f'[role="gridcell"][aria-colindex="{index}"]').all_text_contents()


def test_a_click_on_a_column_sorts_the_heads_by_it_and_rows_still_open_theirs(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/{ADDRESS}")
    table = page.locator(".st-key-atlas canvas").first
    table.scroll_into_view_if_needed()
    assert table.locator('[role="columnheader"]').nth(2).text_content() == "Aligns words"
    measured = [entry.measures["alignment"] * 100 for entry in head_atlas(scores("text"))]
    assert [float(cell) for cell in column(table, 3)] == pytest.approx(measured[: len(column(table, 3))])
    box = table.bounding_box()
    assert box is not None
    for descending in (False, True):
        top = column(table, 3)[0]
        page.mouse.click(box["x"] + 400, box["y"] + 17)
        until(page, "before => document.querySelector('.st-key-atlas #glide-cell-3-0').textContent !== before", top)
        found = [float(cell) for cell in column(table, 3)]
        assert found == pytest.approx(sorted(measured, reverse=descending)[: len(found)])
    first = parse_qs(urlsplit(column(table, 1)[0]).query)
    page.mouse.click(box["x"] + 20, box["y"] + 35 + 17)
    in_link(page, f"layer={first['layer'][0]}", f"head={first['head'][0]}")
    leave(page)


def test_rollout_and_hiding_in_turn_paint_what_was_computed(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/{ADDRESS}", locale="en-GB")
    model = load_text_model()
    trace = model.trace("我吃柠檬", "I eat lemons.")
    means = mean_over_heads(trace)
    np.testing.assert_allclose(shown(page, "rollout-raw"), means[-1].numpy(), atol=1e-5)
    rolled = attention_rollout(means, len(trace.tokens))[-1]
    np.testing.assert_allclose(shown(page, "rollout"), rolled.numpy(), atol=1e-5)
    effect = blank_out(model, trace)
    painted_effect = np.array(shown(page, "rollout-effect"), dtype=float)
    np.testing.assert_allclose(painted_effect[:, list(effect.hidden)], effect.change[:, list(effect.hidden)], atol=1e-4)
    expect(page.get_by_text("rollout knows the weights alone")).to_be_visible()
    leave(page)
