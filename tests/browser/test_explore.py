"""What `explore` gives, in a real browser without a server and without a network: a notebook's cells, a saved page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

import attention_core
from attention_core import Explored, explore
from attention_core import notebook as notebook_module
from tests.browser.driver import until

pytestmark = pytest.mark.browser
PAINTED = ".figure .main-svg"


@cache
def explored(text: str) -> Explored:
    return explore(attention_core.load_text_model(device="cpu"), text, layer=0, head=0)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    yield opened
    context.close()


def watched(page: Page, file: Path) -> list[str]:
    """Opens a file; the addresses that are asked for besides, from now on, fill the list."""
    asked: list[str] = []

    def note(url: str) -> None:
        if url != file.as_uri() and not url.startswith(("data:", "blob:")):
            asked.append(url)

    page.on("request", lambda request: note(request.url))
    page.goto(file.as_uri())
    return asked


def painted(page: Page, count: int) -> None:
    """Waits until so many figures are there."""
    until(page, "(n) => document.querySelectorAll('.js-plotly-plot .main-svg').length >= n", count)
    until(page, "(n) => document.querySelectorAll('.js-plotly-plot').length === n", count)


def numbers(page: Page, place: str) -> Any:
    """What Plotly holds in the first heatmap of an element, as it painted it."""
    script = "(div) => Array.from(div._fullData.find((one) => one.type === 'heatmap').z, (row) => Array.from(row))"
    return np.array(page.locator(place).evaluate(script))


def cells(folder: Path, *pieces: str) -> Path:
    """A notebook's page with one output after the other."""
    file = folder / "notebook.html"
    file.write_text(f'<meta charset="utf-8">{"".join(f"<section>{piece}</section>" for piece in pieces)}', "utf-8")
    return file


def pieces_of(cells_run: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Cell → text: what the cells show one after the other in one kernel of Jupyter."""
    running: dict[str, str] = {}
    shell = SimpleNamespace(get_parent=lambda: {"metadata": running})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(notebook_module, "_carriers", notebook_module._Carriers())
    shown = []
    for cell, text in cells_run.items():
        running["cellId"] = cell
        shown.append(explored(text)._repr_html_())
    return shown


def test_a_cell_paints_the_numbers_of_the_trace_and_asks_for_nothing(page: Page, tmp_path: Path) -> None:
    result = explored("我吃柠檬")
    asked = watched(page, cells(tmp_path, result._repr_html_()))
    painted(page, len(result.figures))
    trace: Any = result.trace
    for name, expected in {"weights": trace.layers[0].weights, "strip-query": trace.layers[0].query}.items():
        place = f".figure >> nth={list(result.figures).index(name)}"
        assert np.allclose(numbers(page, place), expected[0, 0].numpy(), atol=1e-6), name
    assert page.get_by_text(result.captions["weights"]).first.is_visible()
    assert page.locator(".missing").is_hidden()
    assert not asked


def test_figures_follow_the_width_of_the_page_and_keep_their_height(page: Page, tmp_path: Path) -> None:
    result = explored("我吃柠檬")
    watched(page, cells(tmp_path, result._repr_html_()))
    painted(page, len(result.figures))
    page.set_viewport_size({"width": 500, "height": 700})
    until(page, "document.querySelector('.figure .main-svg').getBoundingClientRect().width < 500")
    for place, figure in zip(page.locator(".figure").all(), result.figures.values(), strict=True):
        box = place.locator(".main-svg").first.bounding_box()
        assert box is not None and box["height"] == figure.layout.height and box["width"] > 300


def test_one_cell_carries_plotly_for_all_in_whatever_order_they_stand(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pieces_of({"a": "我吃柠檬", "b": "我吃鱼"}, monkeypatch)
    assert len(second) < len(first) / 3
    asked = watched(page, cells(tmp_path, second, first))
    count = len(explored("我吃柠檬").figures) + len(explored("我吃鱼").figures)
    painted(page, count)
    assert not asked


def test_a_cell_whose_carrier_is_gone_says_so(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, second = pieces_of({"a": "我吃柠檬", "b": "我吃鱼"}, monkeypatch)
    watched(page, cells(tmp_path, second))
    page.locator(".missing").wait_for(state="visible")


def test_another_plotly_of_the_page_stays(page: Page, tmp_path: Path) -> None:
    other = "<script>window.Plotly = {version: 'another'}</script>"
    watched(page, cells(tmp_path, other, explored("我吃柠檬")._repr_html_()))
    page.wait_for_selector(PAINTED, state="attached")
    assert page.evaluate("window.Plotly.version") == "another"


def test_a_saved_page_paints_and_asks_for_nothing(page: Page, tmp_path: Path) -> None:
    result = explored("我吃柠檬")
    asked = watched(page, result.save(tmp_path / "page.html"))
    painted(page, len(result.figures))
    trace: Any = result.trace
    place = f".js-plotly-plot >> nth={list(result.figures).index('weights')}"
    assert np.allclose(numbers(page, place), trace.layers[0].weights[0, 0].numpy(), atol=1e-6)
    assert not asked
