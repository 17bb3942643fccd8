"""Visitors who do the worst that the app allows, one thing after the other, and what the others feel of it."""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict

import numpy as np
from PIL import Image

from benchmarks.crowd import Crowd, Latency, crowd, newcomer, open_up, percentile
from benchmarks.reliability import Measured, Section, outcome
from benchmarks.server import ROOT, Server, running
from benchmarks.visitor import Answer, Visitor
from training.tables import table

SESSIONS, EVERY = 10, 5.0
MORE_MS = 1000.0  # that anybody may wait longer
WORDS = ("the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "while", "someone", "reads", "books")
PHOTOS = 8  # that a session keeps
LONG, SIDES, FRAMES, FRAME_SIDE = 250, (6000, 5000), 32, 700
# A page, and what the name of the control begins with that is given another text or file each time.
PAGES = (("multi_head", "s"), ("head_atlas", "s"), ("squeeze_excitation", "photo-file"), ("clips", "clip-file"))


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="of the others")
    parser.add_argument("--minutes", type=float, default=2.0, help="that are measured, once without and once with them")


def measured(chosen: argparse.Namespace) -> tuple[str, Measured]:
    if chosen.sessions < 1 or chosen.minutes <= 0:
        raise RuntimeError("one session at least, and times above 0")
    with running(ROOT / "app.py") as server:
        return "worst", asyncio.run(beside(server, chosen.sessions, 60 * chosen.minutes))


async def beside(server: Server, sessions: int, seconds: float) -> Measured:
    """The others alone, then beside those who do the worst."""
    visitors = [newcomer(server, number) for number in range(sessions)]
    await open_up(server, visitors)
    await crowd(server, visitors, EVERY, EVERY, seed=-1)  # what the server does but once is done
    alone = await crowd(server, visitors, seconds, EVERY)
    async with busy(server) as worst:
        with_them = await crowd(server, visitors, seconds, EVERY, seed=1)
    await asyncio.gather(*(visitor.leave() for visitor in visitors))
    return {
        "sessions": sessions,
        "every": EVERY,
        "alone": felt(alone),
        "beside": felt(with_them),
        "worst": {page: summary(worst, page) for page, _ in PAGES},
        "resident_mb": round(max(mb for _, mb in with_them.memory)),
    }


def felt(seen: Crowd) -> Measured:
    """Of the answers that came: their latency with the slowest; and how many did not come."""
    right = [answer for answer in seen.answers if not answer.error]
    slowest = round(1000 * max((answer.seconds for answer in right), default=float("nan")), 1)
    return {**asdict(Latency.of(right)), "max": slowest, "errors": len(seen.answers) - len(right)}


def summary(answers: Sequence[Answer], page: str) -> Measured:
    """Of those at one page, which is the kind of their answers."""
    mine = [answer for answer in answers if answer.kind == page]
    right = [answer.seconds for answer in mine if not answer.error]
    return {"right": len(right), "wrong": len(mine) - len(right), "median_s": round(percentile(right, 0.5), 2)}


@asynccontextmanager
async def busy(server: Server) -> AsyncIterator[list[Answer]]:
    """One visitor a page, who ask again as soon as they are answered; the answers, each of the kind of its page."""
    worst: list[Answer] = []
    files = {"photo-file": [photo(seed) for seed in range(3)], "clip-file": [clip(seed) for seed in range(3)]}

    async def go_on(page: str, key: str) -> None:
        visitor = Visitor(server.address, page, {})
        await visitor.open()
        for number in itertools.count():
            if key == "photo-file" and number and number % PHOTOS == 0:  # a session takes no more
                await visitor.leave()
                visitor = Visitor(server.address, page, {})
                await visitor.open()
            control = next((name for name in visitor.controls if name.startswith(key)), None)
            if control is None:  # no answer came: the page is loaded again
                await visitor.open()
                continue
            if key == "s":
                answer = await visitor.type(control, long_text(f"{page} {number}"))
            else:
                name, data = files[key][number % len(files[key])]
                # Another file each time: what follows a picture in its file is none of it.
                answer = await visitor.upload(control, f"{number}-{name}", data + str(number).encode())
                if len([name for name in visitor.controls if name.startswith(key)]) > 1:
                    del visitor.controls[control]  # the page has put a new uploader in its place
            worst.append(Answer(page, answer.seconds, answer.error))

    going = [asyncio.create_task(go_on(page, key)) for page, key in PAGES]
    try:
        yield worst
    finally:
        for task in going:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def long_text(seed: str) -> str:
    """So many words that the network cuts off what is beyond its 256 tokens; another text for each seed."""
    chance = np.random.default_rng(list(seed.encode()))
    return " ".join(chance.choice(WORDS, LONG))


def photo(seed: int) -> tuple[str, bytes]:
    """Thirty million pixels."""
    noise = Image.fromarray(np.random.default_rng(seed).integers(0, 255, (500, 600, 3), np.uint8))
    return "photo.png", _encoded([noise.resize(SIDES, Image.Resampling.NEAREST)], "PNG")


def clip(seed: int) -> tuple[str, bytes]:
    """As many frames as are traced."""
    return "clip.gif", _encoded(list(_frames(seed)), "GIF")


def _frames(seed: int) -> Iterator[Image.Image]:
    chance = np.random.default_rng(seed)
    for _ in range(FRAMES):
        noise = Image.fromarray(chance.integers(0, 255, (35, 35, 3), np.uint8))
        yield noise.resize((FRAME_SIDE, FRAME_SIDE), Image.Resampling.NEAREST)


def _encoded(pictures: list[Image.Image], kind: str) -> bytes:
    stream = io.BytesIO()
    rest = {"save_all": True, "append_images": pictures[1:]} if len(pictures) > 1 else {}
    pictures[0].save(stream, kind, **rest)
    return stream.getvalue()


def _text(data: Measured) -> str:
    alone, beside = data["alone"], data["beside"]
    more = beside["max"] - alone["max"]
    rows = [
        (name, row["count"], *(f"{row[share]:.0f}" for share in ("p50", "p95", "p99", "max")), row["errors"])
        for name, row in (("alone", alone), ("beside them", beside))
    ]
    acts = {
        "multi_head": f"a text of {LONG} words, and which heads it needs",
        "head_atlas": f"a text of {LONG} words, all heads",
        "squeeze_excitation": f"a photo of {SIDES[0] * SIDES[1] // 10**6} million pixels",
        "clips": f"a clip of {FRAMES} frames",
    }
    worst = [
        (f"`{page}`", acts[page], row["right"], row["wrong"], f"{row['median_s']:.1f}")
        for page, row in data["worst"].items()
    ]
    reached = bool(more <= MORE_MS and not beside["errors"])
    why = (
        "Computations wait in a line of their own, and one core is left to what is short. But the pages of those who "
        "ask for the worst are drawn as those of anybody else, and Python does one thing at a time."
    )
    return "\n\n".join(
        (
            f"{data['sessions']} visitors do something every {data['every']:g} s, as in the hall, first alone and then "
            f"beside {len(worst)} who ask for the worst that the app allows, again as soon as they are answered. "
            f"Nobody may wait a second longer for it: the slowest answer took {more:.0f} ms more; goal: ≤ {MORE_MS:g}; "
            f"{outcome(reached)}. Memory: {data['resident_mb']} MB at most.",
            *([] if reached else [why]),
            table(("the others", "answers", "p50, ms", "p95, ms", "p99, ms", "slowest, ms", "errors"), rows),
            table(("who asks for the worst", "for what", "answers", "errors", "median, s"), worst),
        )
    )


SECTIONS = {"worst": Section("Beside the worst", _text)}
