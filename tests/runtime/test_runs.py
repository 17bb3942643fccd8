"""Turns of what is short, without a clock: threads meet where the test says."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from attention_core.runtime import runs as module
from attention_core.runtime.runs import Runs
from tests.runtime.test_lanes import until

LONG = 1000.0  # seconds: longer than any test


class Visitor:
    """A run in a thread of its own: it comes in, and goes on when it is told."""

    def __init__(self, runs: Runs, look: Callable[[], None] = lambda: None) -> None:
        self.inside, self.aside, self.told, self.ended = (threading.Event() for _ in range(4))
        self.error: BaseException | None = None
        self._runs, self._look = runs, look
        self.steps_aside = False
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self) -> None:
        try:
            with self._runs.run(self._look):
                self.inside.set()
                self.told.wait(30)
                if self.steps_aside:
                    self._runs.step_aside()
                    self.aside.set()
                    self.ended.wait(30)
        except BaseException as error:  # kept for the test
            self.error = error

    def leave(self) -> None:
        self.told.set()
        self.ended.set()
        self.thread.join(30)


def waiting(runs: Runs) -> int:
    return len(runs._line)


def test_so_many_at_a_time_and_the_others_in_their_order() -> None:
    runs = Runs(2, LONG)
    visitors: list[Visitor] = []
    for number in range(5):
        visitors.append(Visitor(runs))
        until(lambda number=number: waiting(runs) == max(0, number - 1))  # type: ignore[misc]
    for place, visitor in enumerate(visitors):
        assert visitor.inside.wait(30)
        visitor.leave()
        for later in visitors[: place + 3]:
            assert later.inside.wait(30)
        assert not any(one.inside.is_set() for one in visitors[place + 3 :])
    assert not runs._running and not runs._line


def test_a_place_is_given_away_when_its_time_is_over_and_not_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY", LONG)  # nobody looks by himself
    runs = Runs(1, 0.05)
    slow, quick = Visitor(runs), Visitor(runs)
    assert slow.inside.wait(30) and quick.inside.wait(30)
    for visitor in (quick, slow):
        visitor.leave()


def test_who_takes_too_long_stays_and_no_longer_counts() -> None:
    runs = Runs(1, 0.05)
    slow = Visitor(runs)
    assert slow.inside.wait(30)
    quick = Visitor(runs)
    assert quick.inside.wait(30)  # though the other is still there
    assert not slow.told.is_set()
    quick.leave()
    slow.leave()
    assert slow.error is None and quick.error is None and not runs._running


def test_who_goes_on_with_something_long_gives_the_place_away() -> None:
    runs = Runs(1, LONG)
    long = Visitor(runs)
    long.steps_aside = True
    assert long.inside.wait(30)
    short = Visitor(runs)
    until(lambda: waiting(runs) == 1)
    assert not short.inside.is_set()
    long.told.set()
    assert long.aside.wait(30) and short.inside.wait(30)
    long.leave()  # its end frees nothing that is another's
    third = Visitor(runs)
    until(lambda: waiting(runs) == 1)
    assert not third.inside.is_set()
    for one in (short, third):
        one.leave()
    assert not runs._running


def test_who_is_no_longer_wanted_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)
    runs = Runs(1, LONG)
    first = Visitor(runs)
    assert first.inside.wait(30)

    def gone() -> None:
        raise KeyboardInterrupt

    second = Visitor(runs, gone)
    second.thread.join(30)
    assert isinstance(second.error, KeyboardInterrupt) and not second.inside.is_set()
    assert waiting(runs) == 0
    first.leave()


def test_an_error_in_a_run_frees_its_place() -> None:
    runs = Runs(1, LONG)
    with pytest.raises(ZeroDivisionError), runs.run():
        raise ZeroDivisionError
    with runs.run():
        pass
    runs.step_aside()  # outside of a run it is nothing
    assert not runs._running and not runs._line
