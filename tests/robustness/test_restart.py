"""A server that dies in use and comes back, and visitors whose network goes away: the link restores what was there."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Error, Page, WebSocket, expect

from deploy.hall import free_port
from tests.browser.driver import ROOT, in_link, settle
from tests.robustness.hosting import Hosted, hosted

pytestmark = pytest.mark.browser

LINK = "self_attention?lang=zh&s=猫喝牛奶&p=&layer=1&head=2"
STATE = ("self_attention?", "lang=zh", "layer=1", "head=2")
MARKS = ["[CLS]", "猫", "喝", "牛", "奶", "[SEP]"]


def visitor(browser: Browser) -> tuple[Page, list[WebSocket]]:
    """In a tab of their own, which no later visitor gets, and the connections that it has opened so far."""
    page = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(90_000)
    opened: list[WebSocket] = []
    page.on("websocket", lambda socket: opened.append(socket))
    return page, opened


def open_at(page: Page, address: str) -> None:
    """By a link that says what to show."""
    page.goto(f"{address}/{LINK}")
    settle(page)
    in_link(page, *STATE)


def as_it_was(page: Page) -> None:
    """The page, its language, sentence, layer and head, and that it answers."""
    settle(page)
    expect(page.locator(".st-key-weights .ytick text")).to_have_text(MARKS)
    expect(page.get_by_role("heading", level=1)).to_contain_text("自注意力")
    in_link(page, *STATE)
    for _ in range(5):  # a click while the session is being restored is overtaken by that
        page.locator(".st-key-head [role=radio]").nth(0).click()
        settle(page)
        page.wait_for_timeout(2000)
        if "head=0" in page.url:
            break
    in_link(page, "head=0")
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)


def wait_for_another(page: Page, opened: list[WebSocket], before: int) -> None:
    """Until the page has connected anew by itself."""
    for _ in range(900):
        if len(opened) > before and not opened[-1].is_closed():
            return
        page.wait_for_timeout(100)
    raise AssertionError("the page does not connect again")


def nothing_broken(host: Hosted) -> None:
    """It has written nothing in the checkout, nor left anything that is half written."""
    assert [name for name in host.opened_to_write if Path(name).is_relative_to(ROOT)] == []
    assert [path for path in (host.folder / "temporary").rglob("*") if path.is_file()] == []


def test_a_killed_server_is_back_and_the_page_goes_on_by_itself(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    page, opened = visitor(browser)
    with hosted(tmp_path / "first", port) as first:
        open_at(page, first.address)
        page.locator(".st-key-q [role=radio]").nth(3).click()  # and while that is computed:
        first.kill()
    before = len(opened)
    nothing_broken(first)
    with hosted(tmp_path / "second", port) as second:
        wait_for_another(page, opened, before)
        as_it_was(page)
        nothing_broken(second)
    page.context.close()


def test_a_part_of_a_page_answers_after_the_server_has_begun_anew(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    page, opened = visitor(browser)
    with hosted(tmp_path / "first", port) as first:
        open_at(page, first.address)
        before = len(opened)
        first.kill()
    with hosted(tmp_path / "second", port):
        wait_for_another(page, opened, before)
        settle(page)
        page.wait_for_timeout(2000)
        page.locator(".st-key-head [role=radio]").nth(0).click()
        in_link(page, "head=0")
    page.context.close()


def test_a_visitor_who_reloads_while_the_server_is_away_has_the_page_afterwards(
    browser: Browser, tmp_path: Path
) -> None:
    port = free_port()
    page, _ = visitor(browser)
    with hosted(tmp_path / "first", port) as first:
        open_at(page, first.address)
        first.kill()
    with pytest.raises(Exception, match=re.compile("ERR_CONNECTION_REFUSED")):
        page.reload()
    with hosted(tmp_path / "second", port):
        with suppress(Error):  # Chromium reloads what it could not reach by itself, and has been quicker
            page.reload()
        as_it_was(page)
    page.context.close()


class Network:
    """What lies between visitors and a server, and can fail: Playwright's own `set_offline` spares WebSockets."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._server, self._port = (parts.hostname, parts.port), free_port()
        self._sockets: list[socket.socket] = []
        self.address = f"http://127.0.0.1:{self._port}"

    def begin(self) -> None:
        """From now on it carries what comes."""
        listener = socket.create_server(("127.0.0.1", self._port))
        self._sockets = [listener]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def fail(self) -> None:
        """Every connection breaks, and none can be made."""
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # it has failed
            while True:
                visitor, _ = listener.accept()
                server = socket.create_connection(self._server)
                self._sockets += [visitor, server]
                for ends in ((visitor, server), (server, visitor)):
                    threading.Thread(target=carry, args=ends, daemon=True).start()


def carry(source: socket.socket, target: socket.socket) -> None:
    """All bytes from one to the other, until either ends."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


def test_a_network_that_drops_and_comes_back_leaves_the_page_as_it_was(browser: Browser, host: Hosted) -> None:
    network = Network(host.address)
    page, opened = visitor(browser)
    network.begin()
    open_at(page, network.address)
    before = len(opened)
    network.fail()
    page.context.set_offline(True)
    page.wait_for_timeout(5000)
    assert opened[before - 1].is_closed()
    network.begin()
    page.context.set_offline(False)
    wait_for_another(page, opened, before)
    as_it_was(page)
    page.context.close()
    network.fail()
