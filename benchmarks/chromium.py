"""A real Chromium for measurements, and the moment at which something is on its screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

# Without a GPU, as most servers are: pixels are made by the processor.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PATIENCE = 120_000.0  # ms until a picture counts as missing
WAITING = ".chart[data-waiting]"  # those that have not had their turn yet
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'

# Of each pair of selector and text: milliseconds from `window.began` on until the text is in what the selector finds
# and the frame that has it is done; NaN where it does not come. A frame's own callbacks run before its pixels are made,
# a task that they leave behind after.
PAINTED = """([pairs, patience]) => Promise.all(pairs.map(([selector, text]) => new Promise((done) => {
    const look = () => {
        const found = [...document.querySelectorAll(selector)].some((node) => node.textContent.includes(text));
        if (found) requestAnimationFrame(() => setTimeout(() => done(performance.now() - window.began)));
        else if (performance.now() - window.began > patience) done(NaN);
        else requestAnimationFrame(look);
    };
    look();
})))"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """RuntimeError where there is none."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise RuntimeError("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def opened(browser: Browser, address: str) -> Page:
    """A page of a Streamlit server in a tab of its own, at rest."""
    page = browser.new_context(viewport={"width": 1280, "height": 1200}, locale="en-GB").new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    settle(page)
    return page


def settle(page: Page) -> None:
    """Waits until the script has run and stays at rest, and all charts are drawn."""
    page.wait_for_selector(IDLE)
    page.wait_for_timeout(500)
    page.wait_for_selector(IDLE)
    page.wait_for_selector(WAITING, state="detached")


def painted(page: Page, *pairs: tuple[str, str]) -> list[float]:
    """Seconds from `window.began` until a text stands where a selector finds it, on the screen; for each such pair.

    RuntimeError where one does not come.
    """
    ms: list[float] = page.evaluate(PAINTED, [pairs, PATIENCE])
    missing = [pair for pair, each in zip(pairs, ms, strict=True) if not each >= 0]
    if missing:
        raise RuntimeError(f"did not come up: {missing}")
    return [each / 1000 for each in ms]
