"""When to say "outside the things I know": four rules on photos of other classes, and the best of them.

`attention_core.analysis.familiarity` defines the rules. Each gets the threshold that keeps 95% of the dev photos; the
rule that then refuses the most photos of other classes is the build's. A dev photo is measured against the mean of its
class without itself, so that it is no nearer to its class than a new photo would be.

N photos, K classes, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from attention_core.analysis.familiarity import RULES, ClassDirections, Rule, familiarity, unit
from training.passes import Passed
from training.shares import Scores, measured, rank_auc, rounded

KEPT = 0.95  # of all dev photos look familiar enough
SURE = 0.9  # of the rightly named dev photos are sure enough
STEPS = 101
FAR = 1e4
RIDGE = 1e-3  # of the mean variance: directions in which nothing varies have none to divide by


def class_directions(pooled: Tensor, labels: Tensor, classes: int) -> ClassDirections:
    """From pooled features (N, C) and labels (N,), in the precision in which they ship.

    Classes without photos get a mean that nothing is near.
    """
    features = unit(pooled.double())
    counts = labels.bincount(minlength=classes)[:, None]
    means = torch.zeros(classes, features.shape[1], dtype=torch.float64).index_add_(0, labels, features) / counts
    within = features - means[labels]
    covariance = within.T @ within / max(len(features) - classes, 1)
    ridge = RIDGE * covariance.diagonal().mean().clamp_min(1e-12) * torch.eye(len(covariance), dtype=torch.float64)
    whitening = torch.linalg.cholesky(torch.linalg.inv(covariance + ridge))
    return ClassDirections((means @ whitening).nan_to_num(FAR).half().float(), whitening.half().float())


def without_itself(directions: ClassDirections, pooled: Tensor, labels: Tensor) -> Tensor:
    """Familiarity by distance of the photos that `directions` come from, each against its class's other photos, (N,).

    With n photos in a class, x − (n μ − x) / (n − 1) = (x − μ) · n / (n − 1).
    """
    distances = directions.distances(pooled)
    counts = labels.bincount(minlength=len(directions.means))[labels]  # (N,)
    own = distances.gather(1, labels[:, None])[:, 0] * counts / (counts - 1)  # infinite for the only one of its class
    return -distances.scatter(1, labels[:, None], own[:, None]).amin(dim=1)


def known_familiarity(rule: Rule, seen: Passed, labels: Tensor, directions: ClassDirections) -> Tensor:
    """Of the dev photos, (N,)."""
    if rule == "distance":
        return without_itself(directions, seen.pooled, labels)
    return familiarity(rule, seen.logits, seen.pooled)


def rule_scores(known: Tensor, foreign: Tensor, right: Tensor) -> Scores:
    """One rule: familiarity of known (N,) and of foreign things; right: which known ones are named rightly.

    `auc`: chance that a known thing looks more familiar than a foreign one; `refused_…`: shares below the threshold.
    """
    threshold = torch.quantile(known, 1 - KEPT).item()
    both = torch.cat([known, foreign])
    inside = torch.arange(len(both)) < len(known)
    return {
        "threshold": threshold,
        "auc": rank_auc(both[None], inside[None]).item(),
        "refused_outside": measured(foreign < threshold),
        "refused_right": (known[right] < threshold).float().mean().item(),
        "refused_wrong": (known[~right] < threshold).float().mean().item(),
    }


def unsure_scores(seen: Passed, outside: Passed, right: Tensor) -> Scores:
    """When to say "not sure": the largest probability is `below` what 90% of the rightly named dev photos exceed.

    flagged_*: share of photos below it.
    """
    best, foreign = (passed.probabilities.amax(dim=1) for passed in (seen, outside))
    below = torch.quantile(best[right], 1 - SURE).item() if bool(right.any()) else 0.0
    return {
        "below": below,
        "kept_right": SURE,
        "flagged_right": (best[right] < below).float().mean().item(),
        "flagged_wrong": (best[~right] < below).float().mean().item(),
        "flagged_outside": (foreign < below).float().mean().item(),
    }


def unknown_scores(seen: Passed, outside: Passed, labels: Tensor, classes: int) -> Scores:
    """`rules`, the best `rule`, the `quantiles` of its familiarity over the dev photos, and `unsure_scores`.

    `either_…`: share of photos that are refused by the best rule or unsure.
    """
    directions = class_directions(seen.pooled, labels, classes)
    right = seen.named == labels
    known = {rule: known_familiarity(rule, seen, labels, directions) for rule in RULES}
    foreign = {rule: familiarity(rule, outside.logits, outside.pooled, directions) for rule in RULES}
    rules = {rule: rule_scores(known[rule], foreign[rule], right) for rule in RULES}
    best = max(RULES, key=lambda rule: (rules[rule]["refused_outside"]["value"], rules[rule]["auc"]))
    unsure = unsure_scores(seen, outside, right)
    threshold, below = rules[best]["threshold"], unsure["below"]
    refused = (known[best] < threshold) | (seen.probabilities.amax(dim=1) < below)
    elsewhere = (foreign[best] < threshold) | (outside.probabilities.amax(dim=1) < below)
    tidy: Scores = rounded(
        {
            "kept": KEPT,
            "photos_outside": len(outside.logits),
            "rules": rules,
            "rule": best,
            "quantiles": known[best].quantile(torch.linspace(0, 1, STEPS, dtype=known[best].dtype)).tolist(),
            **unsure,
            "either_outside": elsewhere.float().mean().item(),
            "either_right": refused[right].float().mean().item(),
            "either_wrong": refused[~right].float().mean().item(),
        }
    )
    return tidy
