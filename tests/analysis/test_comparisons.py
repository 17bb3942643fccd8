"""What may be said of measured differences."""

from __future__ import annotations

import math

import pytest

from attention_core.analysis.comparisons import Difference, difference, overfitting


def score(value: float, error: float = 0.01) -> dict[str, float]:
    return {"value": value, "standard_error": error}


@pytest.mark.parametrize(
    ("value", "error", "verdict"),
    [
        (0.03, 0.01, "more"),
        (-0.03, 0.01, "less"),
        (0.02, 0.01, "unclear"),  # two standard errors are not more than two
        (-0.001, 0.01, "unclear"),
        (0.0, 0.0, "unclear"),
        (0.5, math.nan, "unclear"),
    ],
)
def test_a_difference_is_one_beyond_two_standard_errors(value: float, error: float, verdict: str) -> None:
    assert Difference(value, error).verdict == verdict


def test_what_is_not_measured_is_none() -> None:
    assert difference(None) is None
    assert difference(score(0.2, 0.05)) == Difference(0.2, 0.05)


def test_overfitting_by_hand() -> None:
    found = {
        "variants": {
            "plain": {"train_top1": score(0.70, 0.003), "dev_top1": score(0.60)},
            "se": {"train_top1": score(0.80, 0.004), "dev_top1": score(0.61)},
        },
        "differences": {"plain": {}, "se": {"plain": score(0.01, 0.012)}},
    }
    plain, se = overfitting(found)
    assert (plain.name, plain.minus_plain, plain.gap_minus_plain) == ("plain", None, None)
    assert plain.gap == pytest.approx(0.10)
    assert se.gap == pytest.approx(0.19)
    assert se.minus_plain == Difference(0.01, 0.012)
    assert se.gap_minus_plain is not None
    assert se.gap_minus_plain.value == pytest.approx(0.09)  # (0.80 − 0.61) − (0.70 − 0.60)
    assert se.gap_minus_plain.standard_error == pytest.approx(0.013)  # √(0.003² + 0.004² + 0.012²)


def test_a_run_that_is_not_finished_has_what_it_has() -> None:
    only = {"variants": {"se": {"train_top1": score(0.8), "dev_top1": score(0.6)}}, "differences": {"se": {}}}
    [row] = overfitting(only)
    assert row.gap == pytest.approx(0.2)
    assert row.minus_plain is None and row.gap_minus_plain is None
