"""The builds of the ablations: what the papers vary, each as attention inserted into the plain build.

Hu et al. 2018, "Squeeze-and-Excitation Networks", §6, for SE; Woo et al. 2018, "CBAM", §4.1, for CBAM. All of them pool
by a plain average before the classifier, so that only the attention differs; `cbam-masked` is the build that ships.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from attention_core.mechanisms.cbam import CBAM
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation
from attention_core.models.insertion import insert_attention
from attention_core.models.vision import VisionConfig, VisionModel

BUILD = VisionConfig("plain", 1)
STAGES = tuple(f"stages.{number}" for number in range(len(BUILD.depths)))
BLOCKS = tuple(f"{stage}.{n}" for stage, depth in zip(STAGES, BUILD.depths, strict=True) for n in range(depth))
BRANCHES = tuple(f"{block}.norm2" for block in BLOCKS)  # where both papers put it in a residual network
CONVOLUTIONS = ("stem.1", *(f"{block}.norm{i}" for block in BLOCKS for i in (1, 2)))


class OneBranchCBAM(CBAM):
    """CBAM with one pooling instead of two; the kernel's other plane sees zeros."""

    def __init__(self, channels: int, branch: Literal["avg", "max"]) -> None:
        super().__init__(channels, BUILD.reduction)
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) → (B, C, H, W)."""
        channel, spatial = self.channel, self.spatial
        pooled = x.mean(dim=(2, 3)) if self.branch == "avg" else x.amax(dim=(2, 3))  # (B, C)
        x = x * channel.expand(channel.reduce(pooled).relu()).sigmoid()[:, :, None, None]
        seen = x.mean(dim=1, keepdim=True) if self.branch == "avg" else x.amax(dim=1, keepdim=True)
        planes = (torch.zeros_like(seen), seen) if self.branch == "avg" else (seen, torch.zeros_like(seen))
        mask: Tensor = spatial.norm(spatial.conv(torch.cat(planes, dim=1))).sigmoid()
        return x * mask


class SpatialFirstCBAM(CBAM):
    """CBAM in the other order."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, BUILD.reduction)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) → (B, C, H, W)."""
        attended: Tensor = self.channel(self.spatial(x))
        return attended


SE = partial(SqueezeExcitation, reduction=BUILD.reduction)
BOTH_BRANCHES = partial(CBAM, reduction=BUILD.reduction)


@dataclass(frozen=True)
class Variant:
    """Attention made for C channels, and the parts of the plain build that it stands behind."""

    attention: Callable[[int], SqueezeExcitation | CBAM] | None
    after: tuple[str, ...] = STAGES


VARIANTS: dict[str, Variant] = {
    "plain": Variant(None, ()),
    "se": Variant(SE),
    "se-last": Variant(SE, STAGES[-1:]),
    "se-convolutions": Variant(SE, CONVOLUTIONS),
    "se-branch": Variant(SE, BRANCHES),
    "se-r16": Variant(partial(SqueezeExcitation, reduction=16)),
    "se-r4": Variant(partial(SqueezeExcitation, reduction=4)),
    "se-max": Variant(partial(SE, pooling="max")),
    "se-relu": Variant(partial(SE, gate=nn.ReLU)),
    "cbam": Variant(BOTH_BRANCHES),
    "cbam-branch": Variant(BOTH_BRANCHES, BRANCHES),
    "cbam-3x3": Variant(partial(BOTH_BRANCHES, kernel_size=3)),
    "cbam-avg": Variant(partial(OneBranchCBAM, branch="avg")),
    "cbam-max": Variant(partial(OneBranchCBAM, branch="max")),
    "cbam-spatial-first": Variant(SpatialFirstCBAM),
    "cbam-masked": Variant(None, ()),
}


def build(name: str, classes: int) -> nn.Module:
    """The untrained network of a variant: images (B, 3, S, S) in 0…1 → logits (B, classes)."""
    if name == "cbam-masked":
        return VisionModel(VisionConfig("cbam", classes))
    plain = VisionModel(VisionConfig("plain", classes))
    variant = VARIANTS[name]
    return insert_attention(plain, variant.attention, variant.after) if variant.attention else plain
