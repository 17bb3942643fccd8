"""A Streamlit server of its own for a measurement, or several, and what the system says of them (Linux: /proc)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.hall import free_port, healthy

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 180.0  # seconds until a server must answer


@dataclass(frozen=True)
class Server:
    """A running server: a process with those that it has started. started: `time.perf_counter()` at its start."""

    address: str
    pid: int
    started: float

    def cpu_seconds(self) -> float:
        """What all its threads have had of the processors so far."""
        ticks = [int(field) for pid in self.pids() for field in _stat(pid)[11:13]]  # utime and stime, proc(5)
        return sum(ticks) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """Memory that several processes share counts for each."""
        return self._status("VmRSS") / 1024

    def threads(self) -> int:
        return self._status("Threads")

    def _status(self, name: str) -> int:
        lines = [line for pid in self.pids() for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()]
        found = [int(line.split()[1]) for line in lines if line.startswith(f"{name}:")]
        if not found:  # what has ended has no memory
            raise RuntimeError(f"the server, process {self.pid}, has ended")
        return sum(found)

    def pids(self) -> list[int]:
        """Its process and all below it."""
        children: dict[int, list[int]] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(FileNotFoundError, ProcessLookupError):  # one that has just ended
                children.setdefault(int(_stat(int(folder.name))[1]), []).append(int(folder.name))
        found = [self.pid]
        for pid in found:
            found += children.get(pid, [])
        return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat behind the name."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


@contextmanager
def running(script: Path, threads: int = 1) -> Iterator[Server]:
    """`streamlit run script` on a free port of this machine, from the folder of the script, once it is healthy.

    threads: of one computation, `OMP_NUM_THREADS`. RuntimeError where it does not come up.
    """
    port = free_port()
    flags = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
    command = ["streamlit", "run", script.name, *flags, "--browser.gatherUsageStats", "false"]
    with _started(command, script.parent, port, threads) as server:
        yield server


@contextmanager
def several(servers: int) -> Iterator[Server]:
    """`python -m deploy.hall`: so many servers behind a proxy, one thread for each computation, as one server."""
    port = free_port()
    with _started(["deploy.hall", "--servers", str(servers), "--port", str(port)], ROOT, port, 1) as server:
        yield server


@contextmanager
def _started(module: Sequence[str], folder: Path, port: int, threads: int) -> Iterator[Server]:
    address = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *module],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
    )
    try:
        while not healthy(address):
            if process.poll() is not None or time.perf_counter() - started > PATIENCE:
                raise RuntimeError(f"`{' '.join(module)}` in {folder} did not come up")
            time.sleep(0.02)
        yield Server(address, process.pid, started)
    finally:
        process.terminate()
        try:
            process.wait(timeout=45)
        except subprocess.TimeoutExpired:  # it still works off what the visitors have left behind
            process.kill()
            process.wait()
