"""What is read from one stage of a vision network: its channel weights, which channels to show, and its spatial
convolution taken apart.

C channels, H × W the map, k the kernel size. B = 1 throughout.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from attention_core.errors import KindError
from attention_core.mechanisms.cbam import BOTH_POOLINGS, CBAMTrace, SpatialAttention, SpatialAttentionTrace
from attention_core.mechanisms.squeeze_excitation import Pooling
from attention_core.mechanisms.trace import Trace
from attention_core.models.vision import StageTrace

FLAT = 0.1  # a mask, or a set of gates, whose highest and lowest value differ less than this is called flat
FAINT = 0.1  # of the highest value of all channels


def is_flat(values: Tensor) -> bool:
    """Whether weights in 0…1 hardly differ, so that they scale everything nearly alike."""
    return (values.max() - values.min()).item() < FLAT


def channel_weights(stage: StageTrace) -> Tensor:
    """(C,) of one photo's stage with SE, or with CBAM's channel attention. Raises `KindError` for one with neither."""
    attention = stage.attention
    if attention is None:
        raise KindError("analysis.no_weights", f"{stage.name} has no attention; SE or CBAM is needed.", came=stage.name)
    return (attention.channel if isinstance(attention, CBAMTrace) else attention).weights[0].detach()


def most_selective(stages: Sequence[StageTrace]) -> StageTrace:
    """The stage whose channel weights differ most from one another (standard deviation), so that there is most to see.

    Raises `KindError` for a stage without channel weights.
    """
    return max(stages, key=lambda stage: channel_weights(stage).std().item())


def most_active(features: Tensor, count: int) -> list[int]:
    """The `count` channels with the largest mean; features (1, C, H, W)."""
    means = features[0].mean(dim=(1, 2))
    found: list[int] = means.topk(min(count, len(means))).indices.tolist()
    return found


def strongest_and_weakest(weights: Tensor, features: Tensor, count: int) -> tuple[list[int], list[int]]:
    """The `count` channels with the largest and with the smallest weight, among those that respond to the photo.

    weights (1, C), features (1, C, H, W). A channel whose highest value is below a tenth of the highest of all shows
    nothing on a common scale, whatever its weight, and is left out.
    """
    peaks = features[0].amax(dim=(1, 2))  # (C,)
    fires = (peaks >= FAINT * peaks.max()).nonzero().flatten()  # (n,)
    falling = fires[weights[0, fires].argsort(descending=True, stable=True)].tolist()
    return falling[:count], falling[count:][-count:]


@dataclass(frozen=True, eq=False)
class SpatialConvolution(Trace):
    """The convolution of spatial attention with its norm folded in: logits = K_max ⋆ max + K_mean ⋆ mean + offset."""

    kernel: Tensor  # (2, k, k) for the maximum and for the mean
    offset: float
    from_max: Tensor  # (H, W) what the map of maxima adds
    from_mean: Tensor  # (H, W) what the map of means adds
    summed: Tensor  # (H, W) both and the offset
    difference: float  # largest absolute difference of `summed` from the logits of the network


def spatial_convolution(
    module: SpatialAttention, trace: SpatialAttentionTrace, pooling: Collection[Pooling] = BOTH_POOLINGS
) -> SpatialConvolution:
    """The logits of the mask as a sum of two convolutions and a constant; `module` in evaluation mode.

    pooling: the maps that the trace was made with; the convolution saw 0 in place of the other.

    A BatchNorm that does not train multiplies and adds the same numbers everywhere, so it can be put into the kernel.
    Raises `KindError` for a norm without running statistics.
    """
    norm = module.norm
    if norm.training or norm.running_mean is None or norm.running_var is None:
        raise KindError(
            "analysis.norm",
            "the norm after the convolution takes its statistics from the batch; call eval() on the network first.",
        )
    slope = norm.weight / (norm.running_var + norm.eps).sqrt()  # (1,)
    kernel = module.conv.weight[0] * slope  # (2, k, k)
    offset = (norm.bias - norm.running_mean * slope).item()
    reach = (kernel.shape[-1] // 2,) * 4
    mode = "constant" if module.conv.padding_mode == "zeros" else module.conv.padding_mode
    maps = (
        trace.max_map if "max" in pooling else torch.zeros_like(trace.max_map),
        trace.mean_map if "avg" in pooling else torch.zeros_like(trace.mean_map),
    )
    parts = [
        F.conv2d(F.pad(values, reach, mode), plane[None, None])[0, 0]
        for values, plane in zip(maps, kernel, strict=True)
    ]
    summed = parts[0] + parts[1] + offset
    difference = (summed - trace.logits[0, 0]).abs().max().item()
    return SpatialConvolution(kernel, offset, parts[0], parts[1], summed, difference)
