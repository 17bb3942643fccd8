"""One pass of a network over all photos: everything that most scores read, so that no photo is computed twice.

Results are kept in a folder by the checksum of what they were computed from: 2,500 photos take minutes on one core.

N photos, K classes, C channels, h × w the map of a stage.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from attention_core.analysis.saliency import class_activation_maps
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models.vision import VisionModel, masked_mean


@dataclass(frozen=True)
class Passed:
    """What a network makes of N photos; stages by name."""

    logits: Tensor  # (N, K)
    pooled: Tensor  # (N, C) of the last stage: what the classifier reads
    cam: Tensor  # (N, h, w) of the class that it names, signed
    gates: dict[str, Tensor]  # (N, C); none in the plain build
    masks: dict[str, Tensor]  # (N, h, w); none without CBAM
    features: dict[str, Tensor]  # (N, h, w) mean |feature| before attention

    @property
    def named(self) -> Tensor:
        """Index of the class that each photo is named, (N,)."""
        return self.logits.argmax(dim=1)

    @property
    def probabilities(self) -> Tensor:
        """(N, K)."""
        return self.logits.softmax(dim=1)


@torch.inference_mode()
def passed(model: VisionModel, images: Tensor, batch: int = 50) -> Passed:
    """The pass itself; images (N, 3, S, S) in 0…1."""
    parts: dict[str, list[Tensor]] = defaultdict(list)
    stages: dict[str, dict[str, list[Tensor]]] = defaultdict(lambda: defaultdict(list))
    device = model.classifier.weight.device
    for some in torch.split(images, batch):
        traced = model.stage_traces(some.to(device))
        pooled = masked_mean(traced[-1].output, traced[-1].spatial_mask)
        logits = model.classifier(pooled)
        parts["logits"].append(logits)
        parts["pooled"].append(pooled)
        parts["cam"].append(class_activation_maps(model, traced[-1], logits.argmax(dim=1)))
        for stage in traced:
            stages["features"][stage.name].append(stage.features.abs().mean(dim=1))
            if stage.attention is not None:
                channel = stage.attention.channel if isinstance(stage.attention, CBAMTrace) else stage.attention
                stages["gates"][stage.name].append(channel.weights)
            if stage.spatial_mask is not None:
                stages["masks"][stage.name].append(stage.spatial_mask[:, 0])
    whole = {kind: torch.cat(tensors).float().cpu() for kind, tensors in parts.items()}
    gates, masks, features = (
        {name: torch.cat(maps).float().cpu() for name, maps in stages[kind].items()}
        for kind in ("gates", "masks", "features")
    )
    return Passed(whole["logits"], whole["pooled"], whole["cam"], gates, masks, features)


def kept(
    folder: Path | None, model: VisionModel, images: Tensor, name: str, compute: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """What `compute` gives, tensors by name, read from `folder` where that was computed before.

    name: what it is; model and images: all that it depends on. folder: None keeps nothing.
    """
    if folder is None:
        return compute()
    path = folder / f"{_fingerprint(model, images)}-{name}.pt"
    if path.exists():
        found: dict[str, Any] = torch.load(path, weights_only=True)
        return found
    found = compute()
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(found, partial)
    partial.replace(path)
    return found


def kept_pass(model: VisionModel, images: Tensor, folder: Path | None) -> Passed:
    """`passed`, read from `folder` where it was computed before."""
    return Passed(**kept(folder, model, images, "pass", lambda: asdict(passed(model, images))))


def _fingerprint(model: VisionModel, images: Tensor) -> str:
    """Of weights, sizes and photos."""
    digest = hashlib.sha256(repr(model.config).encode())
    for tensor in (*model.state_dict().values(), images):
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
