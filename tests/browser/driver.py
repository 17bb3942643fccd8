"""A real server, cut off from the network, and a real Chromium in front of it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from benchmarks.chromium import IDLE, WAITING

ROOT = Path(__file__).resolve().parents[2]

# Python runs this before the server: whatever is not this machine cannot be reached.
CUT = """
import socket

_connect = socket.socket.connect

def connect(self, address):
    here = ("127.", "::1", "localhost")
    if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(here):
        raise OSError("the network is cut")
    return _connect(self, address)

socket.socket.connect = connect
"""
_left: dict[str, list[Page]] = {}  # by language; a tab whose test fails is not among them


@contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """`streamlit run app.py` on a free port, ready to answer; its address."""
    (folder / "sitecustomize.py").write_text(CUT, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*command, "--server.address", "127.0.0.1"],
            cwd=ROOT,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(folder)},
        )
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            if process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        assert process.poll() is None, log.read_text(encoding="utf-8")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def open_page(browser: Browser, address: str, *, locale: str = "zh-CN", width: int = 1280, dark: bool = False) -> Page:
    """A fresh visitor at `address`, once the page has come to rest. `leave` ends the visit."""
    page = arrive(browser, locale=locale, width=width, dark=dark)
    page.goto(address)
    settle(page)
    return page


def arrive(browser: Browser, *, locale: str = "zh-CN", width: int = 1280, dark: bool = False) -> Page:
    """An empty tab for a fresh visitor.

    It may be one that somebody has left: there, Chromium has the scripts of the app compiled already, which is half of
    what a visit costs.
    """
    left = [page for page in _left.pop(locale, []) if not page.is_closed()]  # as all are whose browser has died
    page = left.pop() if left else browser.new_context(locale=locale).new_page()
    _left[locale] = left
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.set_default_timeout(30_000)
    return page


def leave(page: Page) -> None:
    """Ends a visit: nothing of it stays in the tab, which the next visitor of the same language may take."""
    locale: str = page.evaluate("localStorage.clear(), sessionStorage.clear(), navigator.language")
    page.goto("about:blank")
    _left.setdefault(locale, []).append(page)


def settle(page: Page) -> None:
    """Waits until the script has run and stays at rest, and all charts are drawn."""
    page.wait_for_selector(IDLE, timeout=60_000)
    page.wait_for_timeout(500)
    page.wait_for_selector(IDLE, timeout=60_000)
    page.wait_for_selector(WAITING, state="detached", timeout=60_000)


def until(page: Page, script: str, *arguments: object) -> None:
    """Waits until JavaScript says so. Playwright's own wait evaluates text, which the app's policy forbids."""
    for _ in range(600):
        if page.evaluate(script, *arguments):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"not within 30 s: {script}")


def in_link(page: Page, *parts: str) -> None:
    """Waits until the link says so: a run writes it at its end, when the picture may be there already."""
    for part in parts:
        expect(page).to_have_url(re.compile(re.escape(part)))


def painted(page: Page, key: str) -> None:
    """Waits until the figure with this key is on the screen."""
    page.locator(f".st-key-{key}").scroll_into_view_if_needed()
    page.locator(f".st-key-{key} .chart:not([data-waiting]) .main-svg").first.wait_for()


def shown(page: Page, key: str, trace: int = 0) -> Any:
    """The numbers of the figure with this key, as they are painted: z of a map, x of bars that lie, y of the others."""
    painted(page, key)
    return page.evaluate(
        """([key, trace]) => {
            const data = document.querySelector(`.st-key-${key} .js-plotly-plot`)._fullData[trace];
            if (data.z) return Array.from(data.z, row => Array.from(row));
            return Array.from(data.orientation === "h" ? data.x : data.y);
        }""",
        [key, trace],
    )


def bar_names(page: Page, key: str) -> list[str]:
    """The words beside the bars of `shown`, as the figure keeps them for a click."""
    painted(page, key)
    names: list[str] = page.evaluate(
        "key => Array.from(document.querySelector(`.st-key-${key} .js-plotly-plot`)._fullData[0].customdata)", key
    )
    return names


def cell_centre(page: Page, key: str, row: int, column: int) -> tuple[float, float]:
    """Where on the screen a cell of a painted heatmap is."""
    painted(page, key)
    x, y = page.evaluate(
        """([key, row, column]) => {
            const graph = document.querySelector(`.st-key-${key} .js-plotly-plot`);
            const layout = graph._fullLayout, box = graph.getBoundingClientRect();
            return [box.left + layout.xaxis._offset + layout.xaxis.d2p(column),
                    box.top + layout.yaxis._offset + layout.yaxis.d2p(row)];
        }""",
        [key, row, column],
    )
    return x, y
