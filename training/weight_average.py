"""A running mean of a network's weights and statistics, which is steadier than any of them.

Step by step, with the factor min(0.998, (1 + step) / (10 + step)), so that the first steps are soon forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

MOST = 0.998


def factor(step: int) -> float:
    """How much of the mean stays at this step, counted from 0."""
    return min(MOST, (1 + step) / (10 + step))


class WeightAverage:
    """The mean of everything in a network's state dict that is not a counter; counters are those of the network."""

    def __init__(self, model: nn.Module) -> None:
        self.state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Takes the network after `step` into the mean."""
        stays = factor(step)
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                self.state[name].lerp_(tensor, 1 - stays)
            else:
                self.state[name].copy_(tensor)

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from a mean that was saved."""
        for name, tensor in self.state.items():
            tensor.copy_(state[name])
