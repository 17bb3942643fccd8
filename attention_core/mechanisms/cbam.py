"""CBAM: attention over channels, then over positions.

    channel   s = σ(MLP(avg over space) + MLP(max over space))                 U' = s · U
    spatial   M = σ(norm(conv k×k [max over channels; mean over channels]))    output = M · U'

Woo et al. 2018, "CBAM: Convolutional Block Attention Module", §3. As in the authors' code, one MLP with bias serves
both branches, the convolution sees [max, mean] in this order, and a BatchNorm follows it. Unlike there, its γ
starts at 1: from 0 the mask starts flat at 0.5, and is slow to leave it.

Around the map the convolution sees zeros, which tell it where the rim is (Islam et al. 2020, "How Much Position
Information Do Convolutional Neural Networks Encode?"), or, with border="reflect", the map mirrored at its rim.

B batch, C channels, r reduced channels, H × W the map, k the kernel size.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_core.errors import ControlError, KindError, ShapeError
from attention_core.mechanisms.checks import check_positive, check_shape, overridden
from attention_core.mechanisms.memory import room, unwatched
from attention_core.mechanisms.squeeze_excitation import Pooling, copy_pointwise, reduced_channels
from attention_core.mechanisms.trace import Trace

Order = Literal["channel-first", "spatial-first"]
Border = Literal["zeros", "reflect"]
BOTH_POOLINGS: tuple[Pooling, Pooling] = ("avg", "max")
SMALL = 2 * 64 * 64  # numbers in two maps of 64 × 64


def check_pooling(pooling: Collection[str]) -> frozenset[str]:
    """The branches in use: a subset of "avg" and "max" that is not empty."""
    used = frozenset((pooling,) if isinstance(pooling, str) else pooling)
    if not used or not used <= set(BOTH_POOLINGS):
        raise ControlError(
            "control.pooling",
            f'pooling is {pooling!r}; expected "avg", "max" or both.',
            came=repr(pooling),
        )
    return used


@dataclass(frozen=True, eq=False)
class ChannelAttentionTrace(Trace):
    """Every step of `ChannelAttention`; both branches, whether or not both were used."""

    input: Tensor  # (B, C, H, W)
    avg_pooled: Tensor  # (B, C)
    max_pooled: Tensor  # (B, C)
    avg_hidden: Tensor  # (B, r) after the activation
    max_hidden: Tensor  # (B, r) after the activation
    avg_logits: Tensor  # (B, C)
    max_logits: Tensor  # (B, C)
    weights: Tensor  # (B, C) σ of the sum of the branches' logits
    output: Tensor  # (B, C, H, W)


class ChannelAttention(nn.Module):
    """CBAM's channel module. channels: C; reduction: C // r; hidden_channels: r itself."""

    def __init__(self, channels: int, reduction: int = 16, *, hidden_channels: int | None = None) -> None:
        super().__init__()
        self.channels = check_positive("channels", channels)
        self.hidden_channels = reduced_channels(channels, reduction, hidden_channels)
        self.reduce = nn.Linear(channels, self.hidden_channels)
        self.expand = nn.Linear(self.hidden_channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) → (B, C, H, W). Raises `ShapeError`, `KindError`."""
        check_shape("x", x, ("B", self.channels, "H", "W"), self.reduce.weight.dtype)
        pooled = torch.stack((x.mean(dim=(2, 3)), x.amax(dim=(2, 3))))  # (2, B, C)
        weights: Tensor = self.expand(self.reduce(pooled).relu()).sum(dim=0).sigmoid()  # (B, C)
        return torch.mul(x, weights[:, :, None, None], out=room(x))

    def trace(
        self,
        x: Tensor,
        *,
        gate_override: Tensor | None = None,
        pooling: Collection[Pooling] = BOTH_POOLINGS,
    ) -> ChannelAttentionTrace:
        """The same mathematics with every intermediate.

        x: (B, C, H, W); gate_override: (C,) gates in [0, 1] to use instead, NaN = leave as computed; pooling: the
        branches whose logits are added. Raises `ShapeError`, `KindError`, `ControlError`.
        """
        check_shape("x", x, ("B", self.channels, "H", "W"), self.reduce.weight.dtype)
        used = check_pooling(pooling)
        avg_pooled, max_pooled = x.mean(dim=(2, 3)), x.amax(dim=(2, 3))  # (B, C)
        avg_hidden, max_hidden = self.reduce(avg_pooled).relu(), self.reduce(max_pooled).relu()  # (B, r)
        avg_logits, max_logits = self.expand(avg_hidden), self.expand(max_hidden)  # (B, C)
        branches = {"avg": avg_logits, "max": max_logits}
        logits = torch.stack([branches[name] for name in BOTH_POOLINGS if name in used]).sum(dim=0)
        weights = overridden("gate_override", logits.sigmoid(), gate_override)
        return ChannelAttentionTrace(
            input=x,
            avg_pooled=avg_pooled,
            max_pooled=max_pooled,
            avg_hidden=avg_hidden,
            max_hidden=max_hidden,
            avg_logits=avg_logits,
            max_logits=max_logits,
            weights=weights,
            output=x * weights[:, :, None, None],
        )


@dataclass(frozen=True, eq=False)
class SpatialAttentionTrace(Trace):
    """Every step of `SpatialAttention`; both maps, whether or not both were used."""

    input: Tensor  # (B, C, H, W)
    max_map: Tensor  # (B, 1, H, W)
    mean_map: Tensor  # (B, 1, H, W)
    logits: Tensor  # (B, 1, H, W) after the norm
    mask: Tensor  # (B, 1, H, W) in [0, 1]
    output: Tensor  # (B, C, H, W)


class MapConv2d(nn.Conv2d):
    """nn.Conv2d, and as fast as it should be on the two maps of one small input."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, 2, H, W) → (B, 1, H, W)."""
        small = input.shape[0] == 1 and input.numel() <= SMALL and input.dtype == torch.float32
        if small and unwatched(input) and self.padding_mode == "zeros":
            # For maps this small oneDNN, the default of float32, takes longer to set up than torch's own to compute.
            convolved: Tensor = torch.ops.aten.thnn_conv2d(
                input, self.weight, self.kernel_size, self.bias, self.stride, self.padding
            )
            return convolved
        return super().forward(input)


class SpatialAttention(nn.Module):
    """CBAM's spatial module. kernel_size: k, odd, so that the mask lies on the map; border: what lies around the map.

    With "reflect" a map has to be larger than half of the kernel.
    """

    def __init__(self, kernel_size: int = 7, border: Border = "zeros") -> None:
        super().__init__()
        if check_positive("kernel_size", kernel_size) % 2 == 0:
            raise ControlError(
                "control.kernel_size",
                f"kernel_size is {kernel_size}; expected an odd number, so that the kernel has a centre.",
                came=kernel_size,
            )
        if border not in get_args(Border):
            raise ControlError(
                "control.border",
                f"border is {border!r}; expected one of {', '.join(get_args(Border))}.",
                came=border,
            )
        self.conv = MapConv2d(2, 1, kernel_size, padding=kernel_size // 2, padding_mode=border, bias=False)
        self.norm = nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) → (B, C, H, W). Raises `ShapeError`, `KindError`."""
        return torch.mul(x, self.mask(x), out=room(x))

    def mask(self, x: Tensor) -> Tensor:
        """The spatial mask alone, x (B, C, H, W) → (B, 1, H, W), for a network that pools by it."""
        self._check(x)
        maps = torch.cat((x.amax(dim=1, keepdim=True), x.mean(dim=1, keepdim=True)), dim=1)  # (B, 2, H, W)
        mask: Tensor = self.norm(self.conv(maps)).sigmoid()
        return mask

    def trace(
        self,
        x: Tensor,
        *,
        mask_override: Tensor | None = None,
        pooling: Collection[Pooling] = BOTH_POOLINGS,
    ) -> SpatialAttentionTrace:
        """The same mathematics with every intermediate.

        x: (B, C, H, W); mask_override: (H, W) mask in [0, 1] to use instead, NaN = leave as computed; pooling: the
        maps that the convolution sees, 0 in place of the other. Raises `ShapeError`, `KindError`, `ControlError`.
        """
        self._check(x)
        used = check_pooling(pooling)
        max_map, mean_map = x.amax(dim=1, keepdim=True), x.mean(dim=1, keepdim=True)  # (B, 1, H, W)
        maps = torch.cat(
            (
                max_map if "max" in used else torch.zeros_like(max_map),
                mean_map if "avg" in used else torch.zeros_like(mean_map),
            ),
            dim=1,
        )  # (B, 2, H, W)
        logits = self._normalise(self.conv(maps))  # (B, 1, H, W)
        mask = logits.sigmoid()
        if mask_override is not None:
            mask = overridden("mask_override", mask[:, 0], mask_override)[:, None]
        return SpatialAttentionTrace(x, max_map, mean_map, logits, mask, x * mask)

    def _check(self, x: Tensor) -> None:
        H, W = check_shape("x", x, ("B", "C", "H", "W"), self.conv.weight.dtype).shape[2:]
        reach = self.conv.kernel_size[0] // 2
        if self.conv.padding_mode == "reflect" and min(H, W) <= reach:
            raise ShapeError(
                "tensor.shape",
                f"x has shape {tuple(x.shape)}; expected maps of at least {reach + 1} × {reach + 1}, which can be "
                'mirrored at their rim. Use larger maps, or border="zeros".',
                name="x",
                came=tuple(x.shape),
                expected=f"(B, C, H ≥ {reach + 1}, W ≥ {reach + 1})",
            )

    def _normalise(self, logits: Tensor) -> Tensor:
        # While training, BatchNorm2d would also move its running statistics: a trace leaves no mark on the module.
        norm = self.norm
        running = (None, None) if norm.training else (norm.running_mean, norm.running_var)
        return F.batch_norm(logits, *running, norm.weight, norm.bias, training=norm.training, eps=norm.eps)


@dataclass(frozen=True, eq=False)
class CBAMTrace(Trace):
    """Both halves of `CBAM`; `output` is that of whichever came second."""

    channel: ChannelAttentionTrace
    spatial: SpatialAttentionTrace
    output: Tensor  # (B, C, H, W)


class CBAM(nn.Module):
    """Channel attention, then spatial attention.

    channels: C; reduction: C // r; kernel_size: k; border: what lies around the maps.
    """

    def __init__(self, channels: int, reduction: int = 16, kernel_size: int = 7, border: Border = "zeros") -> None:
        super().__init__()
        self.channel = ChannelAttention(channels, reduction)
        self.spatial = SpatialAttention(kernel_size, border)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) → (B, C, H, W). Raises `ShapeError`, `KindError`."""
        attended: Tensor = self.channel(x)
        if (
            unwatched(attended)
            and _as_built(self.channel, ChannelAttention)
            and _as_built(self.spatial, SpatialAttention)
        ):
            return attended.mul_(self.spatial.mask(attended))  # nobody else has seen it: no third map of this size
        masked: Tensor = self.spatial(attended)
        return masked

    def trace(
        self,
        x: Tensor,
        *,
        gate_override: Tensor | None = None,
        mask_override: Tensor | None = None,
        order: Order = "channel-first",
        pooling: Collection[Pooling] = BOTH_POOLINGS,
    ) -> CBAMTrace:
        """The same mathematics with every intermediate.

        x: (B, C, H, W); gate_override (C,) and mask_override (H, W) as in the two modules; order: which comes first;
        pooling: the subset of ("avg", "max") that both modules use. Raises `ShapeError`, `KindError`, `ControlError`.
        """
        if order == "channel-first":
            channel = self.channel.trace(x, gate_override=gate_override, pooling=pooling)
            spatial = self.spatial.trace(channel.output, mask_override=mask_override, pooling=pooling)
            return CBAMTrace(channel, spatial, spatial.output)
        if order == "spatial-first":
            spatial = self.spatial.trace(x, mask_override=mask_override, pooling=pooling)
            channel = self.channel.trace(spatial.output, gate_override=gate_override, pooling=pooling)
            return CBAMTrace(channel, spatial, channel.output)
        raise ControlError(
            "control.order",
            f'order is {order!r}; expected "channel-first" or "spatial-first".',
            came=order,
        )

    @classmethod
    def from_timm(cls, module: nn.Module) -> CBAM:
        """A copy of timm's `CbamModule`, equal to rounding; keeps dtype, device and training mode.

        timm orders the maps [mean, max] and has no MLP bias: the kernel's two planes change places, and the biases
        become 0. Told by its parts, so that timm is not needed. Raises `KindError` for anything else, `LightCbam`
        (which pools before it branches) included, and `ControlError` for an activation or gate of another kind.
        """
        channel: Any = getattr(module, "channel", None)
        spatial: Any = getattr(module, "spatial", None)
        if (type(channel).__name__, type(spatial).__name__) != ("ChannelAttn", "SpatialAttn"):
            raise KindError(
                "convert.kind",
                f"got a {type(module).__name__}; expected timm's CbamModule, a ChannelAttn and a SpatialAttn.",
                came=type(module).__name__,
            )
        for part, wanted in ((channel.act, "ReLU"), (channel.gate, "Sigmoid"), (spatial.gate, "Sigmoid")):
            if type(part).__name__ != wanted:
                raise ControlError(
                    "convert.unequal",
                    f"this CbamModule has {type(part).__name__} where CBAM has {wanted}; build it with {wanted}.",
                    reason=type(part).__name__,
                )
        convolution, norm = spatial.conv.conv, spatial.conv.bn
        weight = channel.fc1.weight
        converted = cls(weight.shape[1], kernel_size=convolution.kernel_size[0])
        converted.channel = ChannelAttention(weight.shape[1], hidden_channels=weight.shape[0])
        converted.spatial.norm = nn.BatchNorm2d(1, eps=norm.eps, momentum=norm.momentum)
        converted = converted.to(weight.device, weight.dtype)
        copy_pointwise(channel.fc1, converted.channel.reduce)
        copy_pointwise(channel.fc2, converted.channel.expand)
        converted.spatial.conv.load_state_dict({"weight": convolution.weight.detach().flip(1)})
        converted.spatial.norm.load_state_dict(norm.state_dict())
        converted.train(module.training)
        converted.spatial.norm.train(norm.training)  # a frozen norm stays frozen
        return converted


def _as_built(part: nn.Module, kind: type[nn.Module]) -> bool:
    # A part that was put in place of ours may return its input, and a hook may keep what it sees.
    return type(part) is kind and not (part._forward_hooks or part._forward_pre_hooks)
