"""Two traces of one photo beside each other: as trained, and with something changed.

C channels, H × W the map.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from attention_core.analysis.stages import channel_weights
from attention_core.models.vision import ClassifiedPhoto, VisionClass, VisionModel, VisionTrace

DRAWS = 8  # of channels that are switched off at random


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


def without_random(
    model: VisionModel, image: Image.Image, trained: VisionTrace, stage: str, count: int
) -> tuple[float, ...]:
    """How likely the first answer of `trained` is with `count` channels of a stage off that were drawn at random, DRAWS
    times."""
    [channels] = [len(channel_weights(each)) for each in trained.stages if each.name == stage]
    first = int(trained.logits.argmax())
    drawn = []
    for seed in range(DRAWS):
        gates = torch.full((channels,), torch.nan)
        gates[torch.randperm(channels, generator=torch.Generator().manual_seed(seed))[:count]] = 0.0
        changed = model.trace(image, overrides={stage: {"gate_override": gates}})
        drawn.append(changed.probabilities[first].item())
    return tuple(drawn)


def mean_map(features: Tensor) -> Tensor:
    """How much there is at each position: features (1, C, H, W) → their mean over the channels (H, W)."""
    return features[0].mean(dim=0)
