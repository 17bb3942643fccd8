"""Long computations take turns, so that whoever asks for something short need not wait for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import BusyError

LOOK_EVERY = 0.2  # seconds between two looks of somebody who waits


class Lanes:
    """So many computations at a time; the others wait, and come in the order in which they asked.

    lanes: at a time; most_waiting: that may wait. Thread-safe: one for all sessions.
    """

    def __init__(self, lanes: int, most_waiting: int) -> None:
        self._free, self._most = lanes, most_waiting
        self._line: deque[object] = deque()
        self._changed = threading.Condition()
        self._inside = threading.local()

    @property
    def ahead(self) -> int:
        """How many would have to end before one that came now; 0 where it could start at once."""
        with self._changed:
            return max(0, len(self._line) + 1 - self._free)

    @contextmanager
    def lane(self, look: Callable[[], None] = lambda: None) -> Iterator[None]:
        """For the time of one computation, in the thread that asks.

        look: called now and then while it waits; what it raises ends the waiting. Raises `BusyError` where too many
        wait already, and `RuntimeError` inside another lane: of two such threads each could wait for the other.
        """
        if getattr(self._inside, "now", False):
            raise RuntimeError("a computation in a lane asks for a lane")
        self._enter(look)
        self._inside.now = True
        try:
            yield
        finally:
            self._inside.now = False
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def _enter(self, look: Callable[[], None]) -> None:
        me = object()
        with self._changed:
            if self._free <= len(self._line) and len(self._line) >= self._most:
                raise BusyError(
                    "busy.full",
                    f"{len(self._line)} computations are waiting already; at most {self._most} may. Try again later.",
                    waiting=len(self._line),
                    most=self._most,
                )
            self._line.append(me)
        try:
            while not self._got_one(me):
                look()
        except BaseException:
            with self._changed:
                self._line.remove(me)
                self._changed.notify_all()
            raise

    def _got_one(self, me: object) -> bool:
        """Waits until it is the turn of `me`, but not for long; whether it is."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._free > 0 and self._line[0] is me, LOOK_EVERY):
                return False
            self._line.popleft()
            self._free -= 1
            self._changed.notify_all()  # there may be a lane for the next, too
            return True
