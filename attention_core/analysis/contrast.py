"""How far a photo's gates or masks lie from those of other photos. N photos, C channels or cells."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from attention_core.analysis.stages import channel_weights
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models.vision import VisionTrace


def contrast(values: Tensor) -> Tensor:
    """Root mean square distance of each photo from the mean over photos, (N, C) → (N,)."""
    distances: Tensor = (values - values.mean(dim=0)).square().mean(dim=1).sqrt()
    return distances


def stage_contrasts(traces: Sequence[VisionTrace]) -> dict[str, dict[str, Tensor]]:
    """Stage → "gates" and, with CBAM, "masks" → the contrast of each photo, (N,).

    traces: of N photos by one build with attention. Raises `KindError` for a build without.
    """
    found: dict[str, dict[str, Tensor]] = {}
    for stages in zip(*(trace.stages for trace in traces), strict=True):
        gates = contrast(torch.stack([channel_weights(stage) for stage in stages]))
        masks = [s.attention.spatial.mask.flatten() for s in stages if isinstance(s.attention, CBAMTrace)]
        found[stages[0].name] = {"gates": gates} | ({"masks": contrast(torch.stack(masks))} if masks else {})
    return found
