"""Many visitors of one server at once, each doing something every few seconds, and what it costs the server."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.server import Server
from benchmarks.visitor import Answer, Visitor

# A page, and the controls in its link that are moved there, in equal parts. "s" is the sentence.
PAGES: dict[str, tuple[str, ...]] = {
    "self_attention": ("q", "layer", "head", "s"),
    "multi_head": ("q", "layer", "head", "s"),
    "head_view": ("layer", "head", "s"),
    "cbam": ("stage", "photo"),
    "squeeze_excitation": ("stage", "photo"),
}
# What is typed: the same few sentences by all, so that most of them are in the server's cache after a while.
SENTENCES = (
    *(
        f"{who}吃{what}。"
        for who in ("我", "小狗", "老师", "学生", "妈妈")
        for what in ("柠檬", "苹果", "面包", "米饭")
    ),
    *(
        f"{who} {what}."
        for who in ("The cat", "My friend", "A child", "The old man", "The teacher")
        for what in ("eats lemons", "likes apples", "reads a book", "plays the piano")
    ),
)
AT_ONCE = 2  # visitors who arrive at the same time, before the measurement
STAY = 12  # interactions after which a visitor is replaced, where visitors come and go
MEMORY_EVERY = 1.0  # seconds between two looks at the server's memory


@dataclass
class Crowd:
    """What was measured. memory: (seconds, MB) of the server; cpu: seconds that the server and the driver had.

    opened: arrivals in the time of the measurement; those before it are not in here.
    """

    sessions: int
    every: float
    seconds: float
    answers: list[Answer] = field(default_factory=list)
    opened: list[Answer] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    threads: int = 0
    cpu: float = 0.0
    driver_cpu: float = 0.0

    def summary(self, before: Sequence[Answer]) -> dict[str, Any]:
        """As it is kept: latencies in ms, memory in MB, processor time in ms an interaction.

        before: the arrivals before the measurement.
        """
        opened = [*before, *self.opened]
        kinds = sorted({answer.kind for answer in self.answers})
        right = [answer for answer in self.answers if not answer.error]
        return {
            "sessions": self.sessions,
            "every": self.every,
            "seconds": round(self.seconds, 1),
            "interactions": len(self.answers),
            "expected": round(self.sessions * self.seconds / self.every),
            "all": asdict(Latency.of(right)),
            "kinds": {kind: asdict(Latency.of([a for a in right if a.kind == kind])) for kind in kinds},
            "opening": asdict(Latency.of([answer for answer in opened if not answer.error])),
            "errors": dict(Counter(answer.error for answer in opened + self.answers if answer.error)),
            "resident_mb": round(max(mb for _, mb in self.memory)),
            "threads": self.threads,
            "cpu_ms": round(1000 * self.cpu / max(len(self.answers) + len(self.opened), 1), 1),
            "busy": round(self.cpu / self.seconds, 2),
            "driver": round(self.driver_cpu / self.seconds, 2),
        }


@dataclass(frozen=True)
class Latency:
    """How long answers took, in ms; NaN where there are none."""

    count: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> Latency:
        ms = [1000 * answer.seconds for answer in answers]
        return cls(len(ms), *(round(percentile(ms, share), 1) for share in (0.5, 0.95, 0.99)))


def percentile(numbers: Sequence[float], share: float) -> float:
    """The smallest number that at least that share of them do not exceed (nearest rank); NaN of none."""
    if not numbers:
        return math.nan
    return sorted(numbers)[max(math.ceil(share * len(numbers)), 1) - 1]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of y against x, by least squares."""
    mean_x, mean_y = (math.fsum(point[axis] for point in points) / len(points) for axis in (0, 1))
    across = math.fsum((x - mean_x) ** 2 for x, _ in points)
    return math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / across


def newcomer(server: Server, number: int) -> Visitor:
    """Visitors take the pages in turn."""
    pages = list(PAGES)
    return Visitor(server.address, pages[number % len(pages)], {})


async def open_up(server: Server, visitors: Sequence[Visitor]) -> list[Answer]:
    """All of them arrive, a few at a time."""
    doors = asyncio.Semaphore(AT_ONCE)

    async def through(visitor: Visitor) -> Answer:
        async with doors:
            return await visitor.open()

    return list(await asyncio.gather(*(through(visitor) for visitor in visitors)))


async def interact(visitor: Visitor, chance: random.Random) -> Answer:
    """One of what can be done at the page, to another value than before."""
    acts = {key: options for key in PAGES[visitor.page] if (options := _others(visitor, key))}
    if not acts:  # the page has not come up: its visitor loads it again
        return await visitor.open()
    key = chance.choice([*acts])
    option = chance.choice(acts[key])
    return await (visitor.type(key, option) if isinstance(option, str) else visitor.pick(key, option))


def _others(visitor: Visitor, key: str) -> Sequence[str | int]:
    """What can be chosen or typed there that is not in force; the camera is no photo."""
    if key not in visitor.controls:
        return ()
    if key == "s":
        return [sentence for sentence in SENTENCES if sentence != visitor.in_link("s")]
    count = len(visitor.controls[key].options) - (key == "photo")
    return [option for option in range(count) if option != visitor.picked(key)]


async def crowd(
    server: Server, visitors: list[Visitor], seconds: float, every: float, *, seed: int = 0, changing: bool = False
) -> Crowd:
    """Visitors who have arrived do something every so many seconds, each in a rhythm of its own.

    Nobody acts before the last answer has come: then the next act waits for it. changing: a visitor leaves after
    `STAY` acts, and another comes.
    """
    seen = Crowd(len(visitors), every, seconds)
    start, cpu, own = time.perf_counter(), server.cpu_seconds(), time.process_time()
    end = start + seconds

    async def stay(number: int) -> None:
        chance = random.Random(f"{seed} {number}")
        at, left = start + chance.uniform(0, every), STAY
        while at < end:
            await asyncio.sleep(max(at - time.perf_counter(), 0))
            if changing and left == 0:
                await visitors[number].leave()
                visitors[number] = newcomer(server, number)
                seen.opened.append(await visitors[number].open())
                left = STAY
            else:
                seen.answers.append(await interact(visitors[number], chance))
                left -= 1
            at = max(at + every, time.perf_counter())

    async def watch() -> None:
        while (now := time.perf_counter()) < end:
            seen.memory.append((now - start, server.resident_mb()))
            seen.threads = max(seen.threads, server.threads())
            await asyncio.sleep(MEMORY_EVERY)

    await asyncio.gather(watch(), *(stay(number) for number in range(len(visitors))))
    seen.seconds = time.perf_counter() - start
    seen.cpu, seen.driver_cpu = server.cpu_seconds() - cpu, time.process_time() - own
    return seen
