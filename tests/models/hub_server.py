"""As much of a hub as fetching a network needs, on this machine; it can be slow, and break in the middle of a file."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0" * 40
Answers = dict[str, tuple[int, dict[str, str], bytes]]


@dataclass
class Manners:
    """How a server gives out files. breaks: after so many bytes of an answer, for each of the next answers to a GET of
    a large file; gate: waited for before the last byte of one; ranges: whether it knows parts of files."""

    breaks: list[int] = field(default_factory=list)
    gate: threading.Event | None = None
    ranges: bool = True
    asked: list[tuple[str, int]] = field(default_factory=list)  # of large files: name, first byte; in order


class _Hub(BaseHTTPRequestHandler):
    """`answers`: path → (status, headers, body)."""

    answers: Answers
    manners: Manners

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        status, headers, body = self.answers.get(path, (404, {"X-Error-Code": "EntryNotFound"}, b""))
        large = status == 200 and path.endswith(".safetensors") and self.command == "GET"
        if large:
            wanted = self.headers.get("Range") if self.manners.ranges else None
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
            self.manners.asked.append((path.rpartition("/")[2], start))
            if wanted:
                status = 206
                headers = {**headers, "Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
                body = body[start:]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if large and self.manners.breaks:
            self.wfile.write(body[: self.manners.breaks.pop(0)])
            self.close_connection = True
        elif large and self.manners.gate is not None:
            self.wfile.write(body[:-1])
            self.wfile.flush()
            self.manners.gate.wait(10)
            self.wfile.write(body[-1:])
        else:
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, *args: object) -> None:
        pass  # who asked may leave before the end


@contextmanager
def hub(answers: Answers, manners: Manners | None = None) -> Iterator[str]:
    """The address of a hub that gives `answers`."""
    server = _Server(("127.0.0.1", 0), type("Hub", (_Hub,), {"answers": answers, "manners": manners or Manners()}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def served(folder: Path, large: tuple[str, ...] = (".safetensors",), **about: Any) -> Answers:
    """The files of a folder as a hub gives them out, under the name "team/model".

    large: endings of the files that it keeps in its large storage, under their SHA-256; about: what it says of the
    network besides.
    """
    bodies = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items() if name.endswith(large or "\0")}
    listed = [
        {"type": "file", "oid": f"{number:040}", "size": len(body), "path": name}
        | ({"lfs": {"oid": digests[name], "size": len(body), "pointerSize": 130}} if name in digests else {})
        for number, (name, body) in enumerate(bodies.items())
    ]
    siblings = [
        {"rfilename": name, "size": len(body), "blobId": f"{number:040}"}
        | ({"lfs": {"sha256": digests[name], "size": len(body), "pointerSize": 130}} if name in digests else {})
        for number, (name, body) in enumerate(bodies.items())
    ]
    described = json.dumps({"id": "team/model", "sha": COMMIT, "siblings": siblings, **about}).encode()
    answers: Answers = {
        f"/api/models/team/model{ending}": (200, {"Content-Type": "application/json"}, described)
        for ending in ("", "/revision/main", f"/revision/{COMMIT}")
    }
    for revision in ("main", COMMIT):
        answers[f"/api/models/team/model/tree/{revision}"] = (200, {}, json.dumps(listed).encode())
        for number, (name, body) in enumerate(bodies.items()):
            headers = {"ETag": f'"{digests.get(name, f"{number:040}")}"', "X-Repo-Commit": COMMIT}
            answers[f"/team/model/resolve/{revision}/{name}"] = (200, headers, body)
    return answers
