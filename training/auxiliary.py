"""Classifiers on early stages, for training alone: a mask that only later stages profit from learns little else.

    loss += weight · mean over stages of cross-entropy(linear(Σ M·F / Σ M), label)

of every stage but the last, whose classifier the network has already; M ≡ 1 in a stage without a mask. They are dropped
afterwards (Lee et al. 2015, "Deeply-Supervised Nets").
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from attention_core.models.vision import VisionModel, masked_mean

LabelLoss = Callable[[Tensor], Tensor]


class Auxiliary(nn.Module):
    """One linear classifier for every stage of `model` but the last. weight: of their mean loss."""

    def __init__(self, model: VisionModel, weight: float) -> None:
        super().__init__()
        self.weight = weight
        widths = model.config.widths[:-1]
        self.classifiers = nn.ModuleList(nn.Linear(width, model.config.classes) for width in widths)

    def losses(self, model: VisionModel, images: Tensor, loss_of: LabelLoss) -> tuple[Tensor, Tensor]:
        """(the network's own loss, the weighted mean of the others); loss_of: logits (B, classes) → loss."""
        *early, last = (masked_mean(output, mask) for output, mask in model.attended(images))
        others = [loss_of(linear(pooled)) for linear, pooled in zip(self.classifiers, early, strict=True)]
        return loss_of(model.classifier(last)), self.weight * torch.stack(others).mean()
