"""Several servers on this machine behind one address: `python -m deploy.hall`. Needs nginx.

Python does one thing at a time, so that one server uses little more than one core, however many the machine has.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = ROOT / "deploy" / "nginx.conf"
READY_SECONDS = 120.0  # until a server must answer
LOOK_EVERY = 1.0  # seconds between two looks at whether all still run
STOP_SECONDS = 30.0  # until what does not end by itself is killed


@dataclass(frozen=True)
class Certificate:
    """For HTTPS: the files of the certificate, with those between it and the root, and of its key, both PEM."""

    chain: Path
    key: Path


def configuration(replicas: Sequence[str], port: int, folder: Path, certificate: Certificate | None = None) -> str:
    """deploy/nginx.conf for servers at `replicas` (host:port) on this machine. folder: for what nginx writes itself."""
    text = CONFIGURATION.read_text(encoding="utf-8").replace("/tmp/", f"{folder}/")
    [server] = {re.sub(r"app\d+:8501", "{}", line) for line in re.findall(r"^ *server app.*$", text, re.MULTILINE)}
    servers = "\n".join(server.format(replica) for replica in replicas)
    text = re.sub(r"(^ *server app.*\n)+", servers + "\n", text, flags=re.MULTILINE)
    secure = ""
    if certificate:
        secure = f" ssl;\n    ssl_certificate {certificate.chain};\n    ssl_certificate_key {certificate.key}"
    return text.replace("listen 8080", f"listen {port}{secure}")


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def healthy(address: str) -> bool:
    """Whether the server at http://host:port answers."""
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


class Replica:
    """A server at a port of its own, which only this machine reaches; it is started again when it dies."""

    def __init__(self) -> None:
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        """Returns at once; whether it answers, `wait` says."""
        place = ["--server.port", str(self._port), "--server.address", "127.0.0.1"]
        self.process = subprocess.Popen([sys.executable, "-m", "streamlit", "run", "app.py", *place], cwd=ROOT)

    def wait(self) -> None:
        """Until it answers. RuntimeError where it does not."""
        end = time.monotonic() + READY_SECONDS
        while not healthy(f"http://{self.address}"):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("a server did not come up: its last lines above say why")
            time.sleep(0.1)


def serve(servers: int, port: int, certificate: Certificate | None = None) -> None:
    """Until SystemExit or KeyboardInterrupt. RuntimeError where something is missing or does not come up."""
    nginx = shutil.which("nginx")
    if nginx is None:
        raise RuntimeError("needs nginx (Debian: apt-get install nginx-light)")
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o711)  # started by root, nginx works as nobody
        replicas = [Replica() for _ in range(servers)]
        running.callback(lambda: end([replica.process for replica in replicas]))
        for replica in replicas:
            replica.wait()
        file = folder / "nginx.conf"
        file.write_text(configuration([replica.address for replica in replicas], port, folder, certificate))
        proxy = subprocess.Popen([nginx, "-c", str(file), "-g", "daemon off;"])
        running.callback(end, [proxy])
        print(f"{servers} servers at {'https' if certificate else 'http'}://localhost:{port}", flush=True)
        while proxy.poll() is None:
            time.sleep(LOOK_EVERY)
            for replica in replicas:
                if replica.process.poll() is not None:
                    replica.start()
        raise RuntimeError("nginx has ended: its last lines above say why")


def end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Asks them to end, all at once, and ends those that do not."""
    for process in processes:
        process.terminate()
    latest = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(latest - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def leave(_: int, __: FrameType | None) -> None:
    """At SIGTERM: everything that was started ends first."""
    sys.exit(0)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.hall", description=__doc__)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parser.add_argument("--servers", type=int, default=cores, help="one a core unless given")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--certificate", type=Path, help="PEM file, for HTTPS; needs --key")
    parser.add_argument("--key", type=Path, help="PEM file of the certificate's key")
    chosen = parser.parse_args(arguments)
    if chosen.servers < 1 or (chosen.certificate is None) != (chosen.key is None):
        parser.error("one server at least, and --certificate and --key together or neither")
    secure = Certificate(chosen.certificate.resolve(), chosen.key.resolve()) if chosen.key else None
    # The servers share the cores anyway: more threads would only wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    signal.signal(signal.SIGTERM, leave)
    try:
        serve(chosen.servers, chosen.port, secure)
    except RuntimeError as error:
        parser.exit(1, f"{error}\n")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
