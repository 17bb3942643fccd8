"""Two traces of one photo beside each other: as trained, and with something changed.

C channels, H × W the map.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from attention_core.models.vision import ClassifiedPhoto, VisionClass


@dataclass(frozen=True)
class ClassChange:
    """One class that the network may name, and how likely it is in either trace."""

    entry: VisionClass
    before: float
    after: float


def classes_beside(before: ClassifiedPhoto, after: ClassifiedPhoto, k: int = 5) -> list[ClassChange]:
    """The k likeliest classes of `before`, then those of `after` that are new, each with both probabilities."""
    likeliest = [trace.probabilities.topk(min(k, len(before.classes))).indices.tolist() for trace in (before, after)]
    return [
        ClassChange(before.classes[index], before.probabilities[index].item(), after.probabilities[index].item())
        for index in dict.fromkeys([*likeliest[0], *likeliest[1]])
    ]


def extreme_channels(weights: Tensor, strongest: int, weakest: int) -> list[int]:
    """The `strongest` channels of largest weight and the `weakest` of smallest, weights (C,); each named once."""
    falling: list[int] = weights.argsort(descending=True, stable=True).tolist()
    return sorted({*falling[:strongest], *falling[max(len(falling) - weakest, 0) :]})


def mean_map(features: Tensor) -> Tensor:
    """How much there is at each position: features (1, C, H, W) → their mean over the channels (H, W)."""
    return features[0].mean(dim=0)
