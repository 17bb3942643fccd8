"""Several servers behind one address by one command: with HTTPS, a server that dies, and an end that leaves nothing."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from playwright.sync_api import Browser, expect

from attention_core.runtime.network import lan_address
from benchmarks.server import Server
from deploy.hall import Certificate, configuration, free_port
from tests.browser.driver import ROOT, settle
from tests.robustness.hosting import nginx
from tests.robustness.test_hosting import large_photo

pytestmark = pytest.mark.browser
SERVERS = 2


@dataclass
class Hall:
    """What `python -m deploy.hall` has started."""

    port: int
    process: subprocess.Popen[bytes]
    trusted: ssl.SSLContext

    @property
    def address(self) -> str:
        """Where visitors come to."""
        return f"https://localhost:{self.port}"

    def healthy(self) -> bool:
        """Whether somebody answers at the door."""
        try:
            with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=5, context=self.trusted) as answer:
                return bool(answer.read() == b"ok")
        except (urllib.error.URLError, OSError):
            return False

    def running(self) -> dict[int, str]:
        """The command of each process of it."""
        commands = {}
        for pid in Server(self.address, self.process.pid, 0).pids():
            with suppress(FileNotFoundError, ProcessLookupError):  # one that has just ended
                commands[pid] = Path(f"/proc/{pid}/cmdline").read_text("utf-8").replace("\0", " ")
        return commands

    def servers(self) -> set[int]:
        """The processes of its servers."""
        return {pid for pid, command in self.running().items() if "streamlit run app.py" in command}


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    nginx()
    folder = tmp_path_factory.mktemp("hall")
    authority = trustme.CA()
    made = authority.issue_cert("localhost")
    made.private_key_pem.write_to_path(folder / "key.pem")
    for blob in made.cert_chain_pems:
        blob.write_to_path(folder / "chain.pem", append=True)
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    port = free_port()
    secure = ["--certificate", str(folder / "chain.pem"), "--key", str(folder / "key.pem")]
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.hall", "--servers", str(SERVERS), "--port", str(port), *secure], cwd=ROOT
    )
    begun = Hall(port, process, trusted)
    try:
        until(begun.healthy)
        yield begun
    finally:
        process.terminate()
        process.wait(60)


def test_the_proxy_is_that_of_the_containers_with_other_addresses(tmp_path: Path) -> None:
    made = configuration(["127.0.0.1:1", "127.0.0.1:2"], 9000, tmp_path)
    as_written = (ROOT / "deploy" / "nginx.conf").read_text("utf-8").splitlines()
    changed = [line for line in made.splitlines() if line not in as_written]
    assert [line.strip() for line in changed if "temp_path" not in line and "pid" not in line] == [
        "server 127.0.0.1:1 max_fails=1 fail_timeout=10s;",
        "server 127.0.0.1:2 max_fails=1 fail_timeout=10s;",
        "listen 9000;",
    ]
    assert all(str(tmp_path) in line for line in changed if "temp_path" in line or "pid" in line)
    assert "/tmp/" not in made.replace(str(tmp_path), "") and "app1" not in made
    secure = configuration(["127.0.0.1:1"], 9000, tmp_path, Certificate(Path("/chain.pem"), Path("/key.pem")))
    for line in ("listen 9000 ssl;", "ssl_certificate /chain.pem;", "ssl_certificate_key /key.pem;"):
        assert line in secure


def test_by_https_a_visitor_uploads_a_photo_and_shares_the_page(browser: Browser, hall: Hall) -> None:
    page = browser.new_context(
        locale="en-GB", viewport={"width": 1280, "height": 900}, ignore_https_errors=True
    ).new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{hall.address}/cbam?lang=en")
    settle(page)
    assert page.evaluate("isSecureContext")  # without which a browser hands out no camera
    file = {"name": "photo.png", "mimeType": "image/png", "buffer": large_photo()}
    page.locator('[data-testid="stFileUploader"] input[type=file]').set_input_files([file])
    settle(page)
    expect(page.get_by_text(re.compile("1000 ?× ?1000")).first).to_be_visible()
    page.locator(".st-key-share button").first.click()
    settle(page)
    host = lan_address() or "localhost"  # as others on the network write it
    expect(page.locator("[data-testid=stPopoverBody] input").first).to_have_value(
        re.compile(f"^https://{re.escape(host)}:{hall.port}/cbam")
    )
    page.context.close()


def test_a_server_that_dies_is_started_again(hall: Hall) -> None:
    before = hall.servers()
    assert len(before) == SERVERS
    gone = min(before)
    os.kill(gone, signal.SIGKILL)
    until(lambda: len(hall.servers() - {gone}) == SERVERS)
    assert before - {gone} < hall.servers() and hall.healthy()


def test_it_ends_with_all_that_it_has_started(hall: Hall) -> None:
    started = hall.running()
    assert len(started) >= 1 + SERVERS + 2  # itself, the servers, and nginx with its workers
    hall.process.terminate()
    assert hall.process.wait(60) == 0
    until(lambda: not [pid for pid in started if Path(f"/proc/{pid}").exists()], 10)
    assert not hall.healthy()


def test_what_is_missing_is_named() -> None:
    command = [sys.executable, "-m", "deploy.hall"]
    tried = subprocess.run(command, cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, timeout=60)
    assert (tried.returncode, tried.stderr.partition(" (")[0]) == (1, "needs nginx")
    half = subprocess.run([*command, "--key", "key.pem"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert half.returncode == 2 and "--certificate and --key" in half.stderr
