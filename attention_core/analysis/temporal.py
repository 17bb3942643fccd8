"""A clip through the vision network, frame by frame, and self-attention between its frames.

    f_t    the pooled features of frame t, from which the network names its class
    x_t    (f_t − mean) / spread, over the C channels (Ba et al. 2016, layer normalisation, without a learnt part)
    q = k = v = x        scores = x xᵀ / √C        weights = softmax(scores / τ)

Temporal attention weights the frames of a sequence. A network that was trained for time has learnt W^q, W^k and W^v;
here all three are the identity, so the weights say which frames look alike to this network, and nothing else. They do
not know the order of the frames: shuffled frames give the shuffled matrix.

T frames, C channels, h × w a mask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_core.errors import KindError, ShapeError
from attention_core.inputs.image import ImageLike
from attention_core.mechanisms.checks import check_shape
from attention_core.mechanisms.self_attention import SelfAttention, SelfAttentionTrace
from attention_core.mechanisms.trace import Trace
from attention_core.models.vision import VisionClass, VisionModel


@dataclass(frozen=True, eq=False)
class ClipTrace(Trace):
    """What is kept of the traces of a clip's frames; all of them would take some hundred megabytes."""

    masks: Mapping[str, Tensor]  # stage name → (T, h, w)
    pooled: Tensor  # (T, C)
    probabilities: Tensor  # (T, classes)
    classes: tuple[VisionClass, ...]

    def likeliest(self, k: int) -> list[int]:
        """k classes: those that some frame is named, then the rest, each by the mean probability over the frames."""
        named = set(self.probabilities.argmax(dim=1).tolist())
        falling: list[int] = self.probabilities.mean(dim=0).argsort(descending=True).tolist()
        return sorted(falling, key=lambda each: each not in named)[:k]


def clip_trace(model: VisionModel, frames: Sequence[ImageLike]) -> ClipTrace:
    """Every frame through the CBAM build, by `VisionModel.trace`.

    Raises `ShapeError` for no frame at all, `KindError` for a build without spatial masks, and the errors of `trace`.
    """
    if not frames:
        raise ShapeError("clip.no_frames", "no frame came; at least 1 is needed.", came=0)
    traces = [model.trace(frame) for frame in frames]
    masks: dict[str, Tensor] = {}
    for number, stage in enumerate(traces[0].stages):
        found = [mask[0, 0] for trace in traces if (mask := trace.stages[number].spatial_mask) is not None]
        if not found:
            raise KindError("analysis.no_mask", f"{stage.name} has no spatial mask; the CBAM build is needed.")
        masks[stage.name] = torch.stack(found).cpu()
    return ClipTrace(
        masks=masks,
        pooled=torch.stack([trace.pooled for trace in traces]).cpu(),
        probabilities=torch.stack([trace.probabilities for trace in traces]).cpu(),
        classes=model.classes,
    )


def temporal_attention(pooled: Tensor, *, temperature: float = 1.0) -> SelfAttentionTrace:
    """`SelfAttention` with identity projections over the normalised features of the frames, pooled (T, C); B = 1.

    temperature: finite, > 0. Raises `ShapeError`, `ControlError`.
    """
    _, C = check_shape("pooled", pooled, ("T", "C")).shape
    module = SelfAttention(C).to(pooled.device, pooled.dtype).requires_grad_(False)
    for projection in (module.query, module.key, module.value):
        nn.init.eye_(projection.weight)
    return module.trace(F.layer_norm(pooled, (C,))[None], temperature=temperature)
