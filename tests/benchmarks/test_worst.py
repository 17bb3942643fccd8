"""Those who ask for the worst get it, and the section tells what the others feel; no times are asserted."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from attention_core import load_text_model
from attention_core.inputs.clip import load_clip
from attention_core.inputs.image import load_image
from benchmarks.crowd import Crowd
from benchmarks.server import ROOT, running
from benchmarks.visitor import Answer, Visitor
from benchmarks.worst import FRAMES, SECTIONS, clip, felt, long_text, photo, summary
from tests.benchmarks.test_load import waited


def small_photo() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_files_arrive_and_are_shown() -> None:
    async def visit(address: str) -> list[str]:
        looks = Visitor(address, "squeeze_excitation", {})
        await looks.open()
        first = await looks.upload("photo-file", "small.png", small_photo())
        shown = looks.in_link("photo")
        refused = await looks.upload("photo-file-1", "text.txt", b"no photo")
        films = Visitor(address, "clips", {})
        await films.open()
        clips = await films.upload("clip-file", *clip(0))
        chosen = films.in_link("clip")
        for visitor in (looks, films):
            await visitor.leave()
        return [first.error, shown, refused.error[:18], clips.error, chosen]

    with running(ROOT / "app.py") as server:
        error, shown, refused, of_clip, chosen = waited(visit(server.address))
    assert (error, of_clip, chosen) == ("", "", "upload")
    assert shown not in ("", "cat")
    assert refused == "error on the page:"


def test_what_they_send_is_as_large_as_may_be() -> None:
    name, data = photo(1)
    assert name.endswith(".png") and np.prod(load_image(data).size) == 30_000_000
    assert len(load_clip(clip(1)[1]).frames) == FRAMES
    assert photo(1) == photo(1) != photo(2)
    trace = load_text_model().trace(long_text("a"))
    assert len(trace.tokens) == 256 and trace.truncated
    assert long_text("a") != long_text("b")


def test_each_page_has_its_own_answers() -> None:
    answers = [Answer("clips", 1.0), Answer("head_atlas", 3.0), Answer("clips", 2.0), Answer("clips", 9.0, "gone")]
    assert summary(answers, "clips") == {"right": 2, "wrong": 1, "median_s": 1.0}
    assert summary(answers, "head_atlas") == {"right": 1, "wrong": 0, "median_s": 3.0}


def test_the_section_says_how_much_longer_anybody_waits() -> None:
    def seen(*seconds: float, error: str = "") -> Crowd:
        return Crowd(1, 5.0, 60.0, [Answer("q", each, error) for each in seconds])

    data = {
        "sessions": 2,
        "every": 5.0,
        "alone": felt(seen(0.1, 0.2)),
        "beside": felt(seen(0.1, 1.1)),
        "worst": {"clips": {"right": 3, "wrong": 1, "median_s": 2.34}},
        "resident_mb": 900,
    }
    text = SECTIONS["worst"].text(data)
    assert "the slowest answer took 900 ms more; goal: ≤ 1000; reached" in text
    assert "| beside them | 2 | 100 | 1100 | 1100 | 1100 | 0 |" in text
    assert "| `clips` | a clip of 32 frames | 3 | 1 | 2.3 |" in text
    late = SECTIONS["worst"].text(data | {"beside": felt(seen(0.1, 1.3))})
    assert "the slowest answer took 1100 ms more; goal: ≤ 1000; **missed**" in late
    lost = SECTIONS["worst"].text(data | {"beside": felt(seen(0.1, error="no answer within 30 s"))})
    assert "**missed**" in lost
