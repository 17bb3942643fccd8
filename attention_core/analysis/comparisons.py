"""Measured scores of several networks against each other: what may be said of a difference, and over-fitting."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["more", "less", "unclear"]
CLEAR = 2.0  # standard errors beyond which a difference is called one


@dataclass(frozen=True)
class Difference:
    """A mean difference and its standard error."""

    value: float
    standard_error: float

    @property
    def verdict(self) -> Verdict:
        """Whether it is more than 0, less, or within `CLEAR` standard errors of it."""
        if not abs(self.value) > CLEAR * self.standard_error:  # an error that is NaN makes nothing clear
            return "unclear"
        return "more" if self.value > 0 else "less"


@dataclass(frozen=True)
class Overfitting:
    """What one variant learns of its training photos beyond what helps it on new ones. Shares in 0…1."""

    name: str
    train: float
    dev: float
    minus_plain: Difference | None  # dev accuracy − that of the network without attention, over the same photos
    gap_minus_plain: Difference | None  # (train − dev) − that of the network without attention

    @property
    def gap(self) -> float:
        """train − dev."""
        return self.train - self.dev


def difference(measured: Mapping[str, Any] | None) -> Difference | None:
    """From a scores file's {"value", "standard_error"}; None where that is not measured."""
    if measured is None:
        return None
    return Difference(float(measured["value"]), float(measured["standard_error"]))


def overfitting(found: Mapping[str, Any], reference: str = "plain") -> list[Overfitting]:
    """Every variant of `python -m training.ablations`, in its order; `reference`: the network without attention.

    The gaps differ by (train − train') − (dev − dev'). The dev photos are paired in the file; the training photos are
    not, and adding their variances as if they were drawn apart makes the error too large rather than too small.
    """
    variants = found["variants"]
    rows = []
    for name, scores in variants.items():
        train, dev = difference(scores["train_top1"]), difference(scores["dev_top1"])
        assert train is not None and dev is not None
        against = difference(found["differences"].get(name, {}).get(reference))
        gap = None
        if against is not None:
            other = difference(variants[reference]["train_top1"])
            assert other is not None
            error = math.hypot(train.standard_error, other.standard_error, against.standard_error)
            gap = Difference(train.value - other.value - against.value, error)
        rows.append(Overfitting(name, train.value, dev.value, against, gap))
    return rows
