"""Short work of many takes turns: a few at a time are all done sooner than hundreds at once.

Where everybody works at the same time, everybody is ready at the end; and whoever has gone away by then has been worked
for in vain.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOK_EVERY = 0.5  # seconds between two looks of somebody who waits


class Runs:
    """So many at a time, first come first served; who takes longer than expected stays, and no longer counts.

    places: at a time; patience: seconds after which one that still runs is taken for one that waits for something, and
    its place is given to the next: nobody who waits for somebody in the line can stop the line. Thread-safe.
    """

    def __init__(self, places: int, patience: float) -> None:
        self._places, self._patience = places, patience
        self._line: deque[threading.Event] = deque()
        self._running: dict[threading.Event, float] = {}  # until when each counts
        self._lock = threading.Lock()
        self._mine = threading.local()

    @contextmanager
    def run(self, look: Callable[[], None] = lambda: None) -> Iterator[None]:
        """For the time of one run, in the thread that asks; look: called now and then while it waits, may raise."""
        turn = threading.Event()
        with self._lock:
            self._line.append(turn)
            self._admit()
        try:
            while not turn.wait(self._until_a_place_may_be_free()):
                look()
                with self._lock:
                    self._admit()  # the time of somebody may be over
            self._mine.turn = turn
            yield
        finally:
            self._mine.turn = None
            self._end(turn)

    def step_aside(self) -> None:
        """The run of this thread goes on with something long: its place is free from now on."""
        turn = getattr(self._mine, "turn", None)
        if turn is not None:
            self._end(turn)

    def _end(self, turn: threading.Event) -> None:
        with self._lock:
            self._running.pop(turn, None)
            if not turn.is_set():  # it went away before its turn came
                self._line.remove(turn)
            self._admit()

    def _until_a_place_may_be_free(self) -> float:
        """Seconds: the time of somebody is over then, and nobody else would notice."""
        with self._lock:
            now = time.monotonic()
            return min([LOOK_EVERY, *(until - now for until in self._running.values() if until > now)])

    def _admit(self) -> None:
        now = time.monotonic()
        while self._line and sum(until > now for until in self._running.values()) < self._places:
            turn = self._line.popleft()
            self._running[turn] = now + self._patience
            turn.set()
