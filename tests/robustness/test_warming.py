"""The server's first seconds: it answers before it is ready, and whoever has come by then gets the whole page."""

from __future__ import annotations

import threading

from tests.ui.driver import opened
from ui.shell import warming


def test_a_run_waits_until_the_networks_are_there() -> None:
    go_on = threading.Event()

    def get_ready() -> None:
        go_on.wait()

    warming.start(get_ready)
    pages: list[object] = []
    visitor = threading.Thread(target=lambda: pages.append(opened("home")))
    visitor.start()
    visitor.join(1)
    assert visitor.is_alive() and not pages
    go_on.set()
    visitor.join(60)
    assert len(pages) == 1


def test_where_nothing_was_started_nobody_waits() -> None:
    warming.wait()
