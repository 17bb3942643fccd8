"""Squeeze-and-excitation: one number per channel in, one gate per channel out.

    z = mean over space of U        s = σ(W₂ ReLU(W₁ z))        output_c = s_c · U_c

Hu et al. 2018, "Squeeze-and-Excitation Networks", §3.

B batch, C channels, r reduced channels, H × W the map.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from attention_core.errors import ControlError, KindError
from attention_core.mechanisms.checks import check_positive, check_shape, overridden
from attention_core.mechanisms.memory import room
from attention_core.mechanisms.trace import Trace

Pooling = Literal["avg", "max"]


def reduced_channels(channels: int, reduction: int, hidden_channels: int | None) -> int:
    """r: `hidden_channels` if given, else channels // reduction but at least 4.

    The floor is there because one or two hidden units can only turn all gates up or down together.
    """
    if hidden_channels is not None:
        return check_positive("hidden_channels", hidden_channels)
    return max(check_positive("channels", channels) // check_positive("reduction", reduction), 4)


@dataclass(frozen=True, eq=False)
class SqueezeExcitationTrace(Trace):
    """Every step of `SqueezeExcitation`."""

    input: Tensor  # (B, C, H, W)
    squeezed: Tensor  # (B, C)
    hidden: Tensor  # (B, r) after the activation
    logits: Tensor  # (B, C)
    weights: Tensor  # (B, C) in [0, 1] with a sigmoid gate
    output: Tensor  # (B, C, H, W)


class SqueezeExcitation(nn.Module):
    """Channel attention of SENet.

    channels: C; reduction: C // r; hidden_channels: r itself; activation, gate: modules without parameters, by
    class or factory; pooling: how a map becomes one number, "avg" in the paper, "max" for its ablation.
    """

    def __init__(
        self,
        channels: int,
        reduction: int = 16,
        *,
        hidden_channels: int | None = None,
        activation: Callable[[], nn.Module] = nn.ReLU,
        gate: Callable[[], nn.Module] = nn.Sigmoid,
        pooling: Pooling = "avg",
    ) -> None:
        super().__init__()
        if pooling not in ("avg", "max"):
            raise ControlError("control.pooling", f'pooling is {pooling!r}; expected "avg" or "max".', came=pooling)
        self.channels = check_positive("channels", channels)
        self.hidden_channels = reduced_channels(channels, reduction, hidden_channels)
        self.pooling = pooling
        self.reduce = nn.Linear(channels, self.hidden_channels)
        self.activation = activation()
        self.expand = nn.Linear(self.hidden_channels, channels)
        self.gate = gate()

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) → (B, C, H, W). Raises `ShapeError`, `KindError`."""
        check_shape("x", x, ("B", self.channels, "H", "W"), self.reduce.weight.dtype)
        weights: Tensor = self.gate(self.expand(self.activation(self.reduce(self._squeeze(x)))))
        return torch.mul(x, weights[:, :, None, None], out=room(x))

    def trace(self, x: Tensor, *, gate_override: Tensor | None = None) -> SqueezeExcitationTrace:
        """The same mathematics with every intermediate.

        x: (B, C, H, W); gate_override: (C,) gates in [0, 1] to use instead, NaN = leave as computed.
        Raises `ShapeError`, `KindError`, `ControlError`.
        """
        check_shape("x", x, ("B", self.channels, "H", "W"), self.reduce.weight.dtype)
        squeezed = self._squeeze(x)
        hidden = self.activation(self.reduce(squeezed))
        logits = self.expand(hidden)
        # A gate that works in place would overwrite the logits: it gets a copy.
        weights = overridden("gate_override", self.gate(logits.clone()), gate_override)
        return SqueezeExcitationTrace(x, squeezed, hidden, logits, weights, x * weights[:, :, None, None])

    @classmethod
    def from_torchvision(cls, module: nn.Module) -> SqueezeExcitation:
        """A copy of `torchvision.ops.SqueezeExcitation`, equal to rounding; keeps dtype, device, training mode.

        Told by its parts, so that torchvision itself is not needed. Raises `KindError` for anything else.
        """
        parts = ("avgpool", "fc1", "fc2", "activation", "scale_activation")
        pool, reduce, expand, activation, gate = (getattr(module, part, None) for part in parts)
        if not (
            isinstance(pool, nn.AdaptiveAvgPool2d)
            and isinstance(reduce, nn.Conv2d)
            and isinstance(expand, nn.Conv2d)
            and isinstance(activation, nn.Module)
            and isinstance(gate, nn.Module)
        ):
            raise KindError(
                "convert.kind",
                f"got a {type(module).__name__}; expected a torchvision.ops.SqueezeExcitation, "
                f"which has the parts {', '.join(parts)}.",
                came=type(module).__name__,
            )
        converted = cls(
            reduce.in_channels,
            hidden_channels=reduce.out_channels,
            activation=lambda: copy.deepcopy(activation),
            gate=lambda: copy.deepcopy(gate),
        ).to(reduce.weight.device, reduce.weight.dtype)
        copy_pointwise(reduce, converted.reduce)
        copy_pointwise(expand, converted.expand)
        return converted.train(module.training)

    def _squeeze(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3)) if self.pooling == "avg" else x.amax(dim=(2, 3))  # (B, C)


def copy_pointwise(source: nn.Conv2d, target: nn.Linear) -> None:
    """Copies a 1×1 convolution into the linear layer that it is on a 1×1 map; no bias becomes a bias of 0."""
    state = {"weight": source.weight.detach().flatten(1), "bias": source.bias}
    if source.bias is None:
        state["bias"] = source.weight.new_zeros(source.out_channels)
    target.load_state_dict(state)
