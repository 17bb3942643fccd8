"""Does a network know the thing in a photo? How familiar it looks, by one of four rules.

    probability   the largest probability, as Hendrycks & Gimpel 2017 use it
    energy        log Σ exp over the logits: Liu et al. 2020, "Energy-based Out-of-distribution Detection"
    logit         the largest logit: Hendrycks et al. 2022, "Scaling Out-of-Distribution Detection"
    distance      the negative distance of the pooled features, at length 1, from the nearest class, measured in the
                  spread of photos within a class: Lee et al. 2018, "A Simple Unified Framework for Detecting
                  Out-of-Distribution Samples", with lengths taken out

Which rule a network uses was chosen on photos of other classes (`training/unknown.py`); its threshold is what 95% of
the photos of known things exceed.

N photos, K classes, C channels.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from attention_core.models import registry
from attention_core.models.vision import VisionTrace

Rule = Literal["probability", "energy", "logit", "distance"]
RULES: tuple[Rule, ...] = get_args(Rule)


@dataclass(frozen=True, eq=False)
class ClassDirections:
    """Where the pooled features of each class point."""

    means: Tensor  # (K, C) of features at length 1, times `whitening`
    whitening: Tensor  # (C, C) W with W Wᵀ = the inverse of the covariance within classes

    def placed(self, pooled: Tensor) -> Tensor:
        """Pooled features (N, C) at length 1, in the space in which distances are measured."""
        return unit(pooled) @ self.whitening

    def distances(self, pooled: Tensor) -> Tensor:
        """(N, C) → (N, K)."""
        distances: Tensor = torch.cdist(self.placed(pooled), self.means)
        return distances


def unit(pooled: Tensor) -> Tensor:
    """Rows at length 1; a row of zeros stays."""
    length: Tensor = pooled.norm(dim=1, keepdim=True).clamp_min(1e-12)
    return pooled / length


def familiarity(rule: Rule, logits: Tensor, pooled: Tensor, directions: ClassDirections | None = None) -> Tensor:
    """logits (N, K), pooled (N, C) → (N,), higher = more familiar; directions: for "distance" alone."""
    if rule == "probability":
        return logits.softmax(dim=1).amax(dim=1)
    if rule == "energy":
        return logits.logsumexp(dim=1)
    if rule == "logit":
        return logits.amax(dim=1)
    if directions is None:
        raise ValueError("the rule 'distance' needs the directions of the classes.")
    return -directions.distances(pooled).amin(dim=1)


@dataclass(frozen=True, eq=False)
class KnownThings:
    """The rule of one build, and what its familiarity is held against."""

    rule: Rule
    quantiles: tuple[float, ...]  # of the familiarity of the dev photos, from the lowest to the highest, evenly spaced
    threshold: float
    kept: float  # share of the dev photos above the threshold
    unsure_below: float  # the largest probability that 90% of the rightly named dev photos exceed
    directions: ClassDirections | None

    def familiarity(self, trace: VisionTrace) -> float:
        """Of one photo, by the rule of the build that was traced."""
        logits, pooled = (values[None].float().cpu() for values in (trace.logits, trace.pooled))
        return familiarity(self.rule, logits, pooled, self.directions).item()

    def knows(self, trace: VisionTrace) -> bool:
        """Whether the photo looks as familiar as those of known things."""
        return self.familiarity(trace) >= self.threshold

    def sure(self, trace: VisionTrace) -> bool:
        """Whether the likeliest class is as likely as it is on photos that are named rightly."""
        return float(trace.probabilities.max()) >= self.unsure_below

    def less_familiar(self, trace: VisionTrace) -> float:
        """Share of the photos of known things that look less familiar than this one, 0…1, to a step of the table."""
        return bisect.bisect_left(self.quantiles, self.familiarity(trace)) / len(self.quantiles)


def known_things(name: str) -> KnownThings:
    """The rule of a shipped build: "plain", "se" or "cbam". Raises `WeightsError` for files that do not fit it."""
    measured = registry.scores("vision")["builds"][name]["unknown"]
    rule: Rule = measured["rule"]
    directions = None
    if rule == "distance":
        tensors = registry.class_directions(name)
        directions = ClassDirections(tensors["means"], tensors["whitening"])
    return KnownThings(
        rule,
        tuple(measured["quantiles"]),
        measured["rules"][rule]["threshold"],
        measured["kept"],
        measured["below"],
        directions,
    )
