"""The program of a clip: the masks of its frames, and self-attention between them."""

from __future__ import annotations

from torch import Tensor

from attention_core.analysis.temporal import ClipTrace
from attention_core.programs.snippets import compared


def clip_snippet(
    trace: ClipTrace,
    weights: Tensor,
    *,
    build: str,
    stage: str,
    frame: int,
    temperature: float,
    sample: str | None,
    archive: str = "attention-explorer.npz",
) -> str:
    """A program for the mask of `stage` at `frame`, counted from 0, and for this frame's row of `weights` (T, T).

    sample: the photo that the clip was made from; None for a clip of one's own, whose frames are then read from the
    NPZ file. archive: the name of that file.
    """
    if sample is None:
        imports = ["import numpy as np", "import torch", "", "import attention_core as ac"]
        frames = [
            "# The clip itself stays with whoever took it; what the network saw of it is in the file of all arrays.",
            f'frames = list(torch.from_numpy(np.load({archive!r})["frames"]))',
        ]
    else:
        imports = ["import torch", "", "import attention_core as ac"]
        frames = [f"frames = panned_clip(ac.load_image(sample_photo({sample!r}))).frames"]
    made = [
        "from attention_core.inputs.clip import panned_clip",
        "from attention_core.inputs.samples import sample_photo",
    ]
    lines = [
        *imports,
        "from attention_core.analysis.temporal import clip_trace, temporal_attention",
        *(made if sample else []),
        "",
        *frames,
        f"trace = clip_trace(ac.load_vision_model({build!r}), frames)",
        "",
        f"# Frame {frame}, counted from 0: the mean of each row of its mask.",
        f"mask = trace.masks[{stage!r}][{frame}].mean(dim=1)",
        "print(mask)",
        *compared("mask", trace.masks[stage][frame].mean(dim=1)),
        "",
        f"attention = temporal_attention(trace.pooled, temperature={temperature!r})",
        f"weights = attention.weights[0, {frame}]",
        "print(weights)",
        *compared("weights", weights[frame]),
    ]
    return "\n".join(lines) + "\n"
