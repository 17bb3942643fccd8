"""Times that can be compared on a machine that does other things as well.

All sides of a case run in turn, round after round, in an order that turns round each time; a ratio is that of two
times of one round. What slows the machine for a while then slows both sides, and what slows one shows as spread.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

Side = Callable[[], object]
LEAST = 0.03  # seconds that one side runs in one round
MOST_CALLS = 200


@dataclass(frozen=True)
class Spread:
    """The median of some numbers, the smallest and the largest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread:
        return cls(statistics.median(numbers), min(numbers), max(numbers))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} … {self.high:.2f})"


@dataclass(frozen=True)
class Row:
    """One case on one device. seconds: side → seconds a call, one number a round; the first side is the project's."""

    case: str
    device: str
    seconds: dict[str, list[float]]

    @property
    def ours(self) -> str:
        return next(iter(self.seconds))

    def ratios(self, other: str) -> list[float]:
        """How many times as long as ours the other side takes, one number a round."""
        return [theirs / own for theirs, own in zip(self.seconds[other], self.seconds[self.ours], strict=True)]

    def median_ms(self, side: str) -> float:
        return 1000 * statistics.median(self.seconds[side])


def geometric_mean(rows: Iterable[Row], other: str) -> Spread:
    """Of the rows' ratios, round by round: what its spread tells of is the rounds, not the rows."""
    logs = zip(*([math.log(ratio) for ratio in row.ratios(other)] for row in rows), strict=True)
    return Spread.of([math.exp(statistics.fmean(of_round)) for of_round in logs])


def clock(device: str, threads: int) -> Callable[[], float]:
    """Seconds from some moment on.

    In one thread of a processor: the time that the thread itself had, so that waiting for a turn does not count.
    Otherwise the time of the wall, on a GPU once its queue is empty.
    """
    if device == "cuda":

        def now() -> float:
            torch.cuda.synchronize()
            return time.perf_counter()

        return now
    return time.thread_time if threads == 1 else time.perf_counter


def measure(sides: Mapping[str, Side], rounds: int, now: Callable[[], float]) -> dict[str, list[float]]:
    """Seconds a call of each side, one number a round; each side is called once before."""
    calls = {name: _calls(side, now) for name, side in sides.items()}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides)
    for _ in range(rounds):
        for name in order:
            side, count = sides[name], calls[name]
            start = now()
            for _ in range(count):
                side()
            seconds[name].append((now() - start) / count)
        order.reverse()
    return seconds


def _calls(side: Side, now: Callable[[], float]) -> int:
    side()
    start = now()
    side()
    return min(max(math.ceil(LEAST / max(now() - start, 1e-6)), 1), MOST_CALLS)
