"""The server's first seconds: it answers before it is ready, and whoever has come by then gets the whole page."""

from __future__ import annotations

import threading

import pytest

from tests.ui.driver import opened
from ui.inputs import networks
from ui.shell import warming


def test_a_run_waits_until_the_networks_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(networks, "warm", go_on.wait)
    warming.start()
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
