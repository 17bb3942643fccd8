"""Measured shares with their standard errors, in the form in which every scores file holds them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

Scores = dict[str, Any]


def measured(values: Tensor) -> Scores:
    """Mean over independent cases (N,) with its standard error, s/√N."""
    values = values.double()
    error = values.std().item() / math.sqrt(len(values)) if len(values) > 1 else float("nan")
    return _score(value=values.mean().item(), standard_error=error)


def clustered(hits: Sequence[float], counts: Sequence[int]) -> Scores:
    """Σ hits / Σ counts over clusters such as sentences, whose members are not independent.

    The standard error is that of a ratio with whole clusters drawn: √Σ (hᵢ − r nᵢ)² / Σ nᵢ.
    """
    total = sum(counts)
    if not total:
        return {"value": float("nan"), "standard_error": float("nan"), "count": 0}
    ratio = sum(hits) / total
    error = math.sqrt(sum((h - ratio * n) ** 2 for h, n in zip(hits, counts, strict=True))) / total
    return _score(value=ratio, standard_error=error, count=total)


def _score(**numbers: float) -> Scores:
    tidy: Scores = rounded(numbers)
    return tidy


def rounded(scores: Any, digits: int = 5) -> Any:
    """The same structure with its floats at `digits` decimals, so that a scores file can be read."""
    if isinstance(scores, dict):
        return {key: rounded(value, digits) for key, value in scores.items()}
    if isinstance(scores, list | tuple):
        return [rounded(value, digits) for value in scores]
    return round(scores, digits) if isinstance(scores, float) and math.isfinite(scores) else scores


def percent(score: Scores | float | None, digits: int = 1) -> str:
    """A share as people read it: "41.3 ± 0.9" where there is a standard error, "–" where there is no score."""
    if score is None:
        return "–"
    if isinstance(score, dict):
        return f"{100 * score['value']:.{digits}f} ± {100 * score['standard_error']:.{digits}f}"
    return f"{100 * score:.{digits}f}"


def rank_auc(values: Tensor, inside: Tensor) -> Tensor:
    """Chance that a pixel inside has a higher value than one outside, ties counted half; (N, P) → (N,).

    inside: bool (N, P). NaN where a row is all inside or all outside. The Mann–Whitney form of the area under
    the ROC curve.
    """
    ordered = values.sort(dim=-1).values
    below = torch.searchsorted(ordered, values.contiguous())
    up_to = torch.searchsorted(ordered, values.contiguous(), right=True)
    rank = (below + up_to + 1).double() / 2  # ties share the mean of their ranks
    positive = inside.sum(dim=-1).double()
    negative = inside.shape[-1] - positive
    return ((rank * inside).sum(dim=-1) - positive * (positive + 1) / 2) / (positive * negative)
