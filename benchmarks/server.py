"""A Streamlit server of its own for a measurement, and what the system says of its process (Linux: /proc)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 180.0  # seconds until a server must answer


@dataclass(frozen=True)
class Server:
    """A running server. started: `time.perf_counter()` at which its process began."""

    address: str
    pid: int
    started: float

    def cpu_seconds(self) -> float:
        """What all its threads have had of the processors so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime, proc(5)

    def resident_mb(self) -> float:
        return self._status("VmRSS") / 1024

    def threads(self) -> int:
        return self._status("Threads")

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        found = [int(line.split()[1]) for line in lines if line.startswith(f"{name}:")]
        if not found:  # what has ended has no memory
            raise RuntimeError(f"the server, process {self.pid}, has ended")
        return found[0]


@contextmanager
def running(script: Path, threads: int = 1) -> Iterator[Server]:
    """`streamlit run script` on a free port of this machine, from the folder of the script, once it is healthy.

    threads: of one computation, `OMP_NUM_THREADS`. RuntimeError with what the server said where it does not come up.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    flags = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", script.name, *flags, "--browser.gatherUsageStats", "false"],
        cwd=script.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
    )
    try:
        while not _healthy(address):
            if process.poll() is not None or time.perf_counter() - started > PATIENCE:
                raise RuntimeError(f"`streamlit run {script.name}` in {script.parent} did not come up")
            time.sleep(0.02)
        yield Server(address, process.pid, started)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:  # it still works off what the visitors have left behind
            process.kill()
            process.wait()


def _healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False
