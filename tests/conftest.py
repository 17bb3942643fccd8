"""What all tests share: the threads of a process, and one browser."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator

# Tests run side by side, one process a core: a process that used all cores would only wait for the others. Set before
# torch is imported, and passed on to the servers that the browser tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import plotly.graph_objects as go
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from attention_core.figures.drawing import Drawing

expect.set_options(timeout=30_000)  # of a busy machine; what is there at once costs nothing
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    # Chromium ends its own process for pixels where a busy machine keeps it waiting for 15 s, and itself after a few.
    *("--disable-gpu-watchdog", "--disable-gpu-process-crash-limit"),
]


@pytest.fixture(scope="session", autouse=True)
def checked() -> Iterator[None]:
    """Every figure that a test comes by is one that Plotly accepts, property by property, and does not change."""
    unchecked = Drawing.figure

    def figure(drawing: Drawing) -> go.Figure:
        made = unchecked(drawing)
        assert json.loads(go.Figure(made.to_dict()).to_json()) == json.loads(made.to_json())
        assert go.Figure.to_dict(made) == made.to_dict()  # Plotly's own, with all its copies
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Drawing, "figure", figure)
        yield


@pytest.fixture(scope="session")
def alive() -> Iterator[Callable[[], Browser]]:
    """Gives the browser of this process: Playwright runs once in a process, whatever folder a test is in.

    One that has died is followed by another, so that it takes no test with it but its own.
    """
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs Chromium for the browser tests: apt-get install chromium")
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        running: list[Browser] = []

        def browser() -> Browser:
            if not running or not running[-1].is_connected():
                running.append(playwright.chromium.launch(executable_path=path, args=FLAGS))
            return running[-1]

        yield browser
        for each in running:
            each.close()


@pytest.fixture
def browser(alive: Callable[[], Browser]) -> Browser:
    return alive()
