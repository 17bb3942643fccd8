"""What the server holds of the files that a visitor brought, for as long as the page is open."""

from __future__ import annotations

import asyncio
import re
import urllib.request

from benchmarks.server import ROOT, running
from benchmarks.visitor import Visitor
from benchmarks.worst import clip
from tests.benchmarks.test_load import waited
from tests.benchmarks.test_worst import small_photo


def test_only_the_file_that_a_control_still_shows_is_held() -> None:
    photo, (name, film) = small_photo(), clip(0)

    async def visit(address: str) -> int:
        looks, films = (Visitor(address, page, {}) for page in ("cbam", "clips"))
        for visitor in (looks, films):
            assert not (await visitor.open()).error
        for number in range(3):  # each another file: what follows a picture is none of it
            uploader = "photo-file" if number == 0 else f"photo-file-{number}"
            assert not (await looks.upload(uploader, "photo.png", photo + str(number).encode())).error
            del looks.controls[uploader]  # the page has put a new one in its place
            assert not (await films.upload("clip-file", name, film + str(number).encode())).error
        bytes_held = await asyncio.to_thread(held, address)
        for visitor in (looks, films):
            await visitor.leave()
        return bytes_held

    with running(ROOT / "app.py") as server:
        # A control for clips shows the last; photos are kept beside theirs.
        assert waited(visit(server.address)) == len(film) + 1


def held(address: str) -> int:
    """Bytes of uploads in the server's memory, as it says itself."""
    with urllib.request.urlopen(f"{address}/_stcore/metrics?families=cache_memory_bytes") as answer:
        [said] = re.findall(r'"UploadedFileManager",cache=""} (\d+)', answer.read().decode())
    return int(said)
