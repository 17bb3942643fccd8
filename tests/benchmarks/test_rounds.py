"""Ratios, their spread and their order; no test asserts how long anything takes."""

from __future__ import annotations

import pytest

from benchmarks.rounds import Row, Spread, clock, geometric_mean, measure


class Watch:
    """A clock that stands still until somebody works."""

    def __init__(self) -> None:
        self.time = 0.0
        self.calls: list[str] = []

    def work(self, name: str, seconds: float) -> None:
        self.time += seconds
        self.calls.append(name)


def test_each_round_runs_every_side_and_turns_the_order_round() -> None:
    watch = Watch()
    sides = {"a": lambda: watch.work("a", 0.5), "b": lambda: watch.work("b", 1.5), "c": lambda: watch.work("c", 1.0)}
    seconds = measure(sides, 4, lambda: watch.time)
    assert seconds == {"a": [0.5] * 4, "b": [1.5] * 4, "c": [1.0] * 4}
    assert "".join(watch.calls[6:]) == "abccbaabccba"  # after two calls of each, which set how many a round takes


def test_a_fast_side_is_called_until_it_can_be_timed() -> None:
    watch = Watch()
    seconds = measure({"fast": lambda: watch.work("fast", 0.004)}, 2, lambda: watch.time)
    assert len(watch.calls) == 2 + 2 * 8  # 8 · 4 ms reach the least that a round times
    assert seconds["fast"] == pytest.approx([0.004, 0.004])


def test_what_slows_a_whole_round_leaves_the_ratio_as_it_is() -> None:
    row = Row("case", "cpu", {"ours": [1.0, 5.0, 1.0], "theirs": [2.0, 10.0, 3.0]})
    assert (row.ours, row.ratios("theirs")) == ("ours", [2.0, 2.0, 3.0])
    assert Spread.of(row.ratios("theirs")) == Spread(2.0, 2.0, 3.0)
    assert row.median_ms("ours") == 1000.0 and str(Spread(1.234, 1, 2.5)) == "1.23 (1.00 … 2.50)"


def test_the_geometric_mean_is_taken_round_by_round() -> None:
    rows = [
        Row("one", "cpu", {"ours": [1.0, 1.0, 1.0], "theirs": [2.0, 1.0, 4.0]}),
        Row("two", "cpu", {"ours": [1.0, 1.0, 1.0], "theirs": [0.5, 4.0, 9.0]}),
    ]
    mean = geometric_mean(rows, "theirs")
    assert (mean.median, mean.low, mean.high) == pytest.approx((2.0, 1.0, 6.0))


@pytest.mark.parametrize("threads", [1, 2])
def test_clocks_go_forward_with_work(threads: int) -> None:
    now = clock("cpu", threads)
    start = now()
    assert sum(range(200_000)) > 0 and now() > start
