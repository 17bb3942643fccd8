"""A server as one would host it, watched: what it logs, and which files it opens to write."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.hall import free_port
from tests.browser.driver import CUT, ROOT

# Python runs this before the server: each file opened to be written is noted down, unnamed ones as their folder.
WATCH = """
import os, sys

_notes = os.open(os.environ["OPENED_TO_WRITE"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def _watch(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        os.write(_notes, f"{arguments[0]}\\n".encode())

sys.addaudithook(_watch)
"""


@dataclass
class Hosted:
    """A running server. folder: its home, with its temporary files, its log and the notes of what it opens to write."""

    address: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        """All that it has said."""
        return (self.folder / "server.log").read_text(encoding="utf-8")

    @property
    def opened_to_write(self) -> list[str]:
        """All files so far."""
        return (self.folder / "opened").read_text(encoding="utf-8").splitlines()

    def kill(self) -> None:
        """At once, as a machine that loses its power."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)


@contextmanager
def hosted(folder: Path, port: int | None = None, settings: Mapping[str, str] | None = None) -> Iterator[Hosted]:
    """`streamlit run app.py`, ready to answer; settings: of its environment."""
    port = port or free_port()
    temporary = folder / "temporary"
    temporary.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(CUT + WATCH, encoding="utf-8")
    places = {"PYTHONPATH": str(folder), "TMPDIR": str(temporary), "OPENED_TO_WRITE": str(folder / "opened")}
    with (folder / "server.log").open("ab") as stream:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "streamlit", "run", "app.py"),
                *("--server.port", str(port), "--server.address", "127.0.0.1"),
            ],
            cwd=ROOT,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **places, **(settings or {})},
        )
    try:
        running = Hosted(f"http://127.0.0.1:{port}", folder, process)
        wait_for(f"{running.address}/_stcore/health")
        assert process.poll() is None, running.log
        yield running
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(address: str, seconds: float = 120) -> None:
    """Until something answers there with success."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < end, f"no answer from {address}"
            time.sleep(0.2)


def nginx() -> str:
    """Where it is; the test is left out where it is not, and fails in CI."""
    found = shutil.which("nginx")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs nginx: apt-get install nginx-light")
        pytest.skip("no nginx here: apt-get install nginx-light")
    return found
