"""Turns, without a clock: threads meet where the test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from attention_core.errors import BusyError
from attention_core.runtime.lanes import Lanes


def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it does not come to that")


class Holder:
    """Somebody in a lane, in a thread of their own, until told to leave."""

    def __init__(self, lanes: Lanes, name: str = "", order: list[str] | None = None) -> None:
        self.inside, self._leave = threading.Event(), threading.Event()
        self._lanes, self._name, self._order = lanes, name, order
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with self._lanes.lane():
            if self._order is not None:
                self._order.append(self._name)
            self.inside.set()
            self._leave.wait(30)

    def leave(self) -> None:
        self._leave.set()
        self._thread.join(30)


def test_as_many_as_there_are_lanes_are_in_them() -> None:
    lanes, lock, now, most = Lanes(2, 100), threading.Lock(), [0], [0]

    def work() -> None:
        with lanes.lane():
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.01)
            with lock:
                now[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == [2] and now == [0]
    assert lanes.ahead == 0


def test_they_come_in_the_order_in_which_they_asked() -> None:
    lanes, order = Lanes(1, 100), list[str]()
    first = Holder(lanes, "first", order)
    assert first.inside.wait(30)
    others = []
    for number, name in enumerate("abcd", start=1):
        others.append(Holder(lanes, name, order))
        until(lambda number=number: lanes.ahead == number + 1)  # type: ignore[misc]
    first.leave()
    for other in others:
        assert other.inside.wait(30)
        other.leave()
    assert order == ["first", *"abcd"]


def test_how_many_are_ahead() -> None:
    lanes = Lanes(2, 100)
    assert lanes.ahead == 0
    one = Holder(lanes)
    assert one.inside.wait(30)
    assert lanes.ahead == 0  # there is another lane
    two = Holder(lanes)
    assert two.inside.wait(30)
    assert lanes.ahead == 1
    three = Holder(lanes)
    until(lambda: lanes.ahead == 2)
    for holder in (one, two, three):
        holder.leave()
    assert lanes.ahead == 0


def test_a_line_that_is_full_takes_nobody() -> None:
    lanes = Lanes(1, 1)
    inside = Holder(lanes)
    assert inside.inside.wait(30)
    waits = Holder(lanes)
    until(lambda: lanes.ahead == 2)
    with pytest.raises(BusyError) as caught, lanes.lane():
        pass
    assert (caught.value.key, caught.value.values) == ("busy.full", {"waiting": 1, "most": 1})
    inside.leave()
    assert waits.inside.wait(30)
    waits.leave()
    with lanes.lane():
        pass


def test_without_a_line_a_free_lane_is_taken() -> None:
    with Lanes(1, 0).lane():
        pass


def test_who_gives_up_waiting_holds_nobody_up() -> None:
    class GoneAway(BaseException):
        pass

    def look() -> None:
        raise GoneAway

    lanes = Lanes(1, 100)
    inside = Holder(lanes)
    assert inside.inside.wait(30)
    with pytest.raises(GoneAway), lanes.lane(look):
        pass
    assert lanes.ahead == 1
    inside.leave()
    with lanes.lane():
        assert lanes.ahead == 1


def test_an_error_frees_the_lane() -> None:
    lanes = Lanes(1, 0)
    with pytest.raises(KeyError), lanes.lane():
        raise KeyError
    with lanes.lane():
        pass


def test_a_lane_within_a_lane_is_a_mistake() -> None:
    lanes = Lanes(2, 100)
    with lanes.lane(), pytest.raises(RuntimeError), lanes.lane():
        pass
    assert lanes.ahead == 0
