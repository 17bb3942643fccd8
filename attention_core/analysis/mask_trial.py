"""Does a stage's mask mark what the network goes by? It is tried beside maps that need no attention at all.

    mask       M, the stage's spatial mask
    inverted   1 − M
    grad_cam   Grad-CAM of the same stage, for the class that the network names
    gaussian   a centred Gaussian: the guess of somebody who has not seen the photo
    random     uniform numbers, as coarse as the mask, so that they take away patches, too; several draws

Each map only gives the pixels an order; `removal` defines the curves.

h × w a map's own size, S side of the square photo, n steps, m draws of a kind of map (1 but for random).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from attention_core.analysis.removal import RemovalCurve, deletion_curve, insertion_curve
from attention_core.analysis.saliency import grad_cam
from attention_core.errors import ControlError, KindError
from attention_core.mechanisms.trace import Trace
from attention_core.models.hub.vision import HubVisionModel, StagedTrace
from attention_core.models.vision import VisionModel

TriedKind = Literal["mask", "inverted", "grad_cam", "gaussian", "random"]
TRIED_KINDS: tuple[TriedKind, ...] = get_args(TriedKind)
STEPS = 16  # as in the scores over the dev photos, so that the areas compare
DRAWS = 4
SEED = 0
GAUSSIAN_SPREAD = 0.25  # of the side


@dataclass(frozen=True, eq=False)
class TriedMap(Trace):
    """One kind of map, and what becomes of the class when pixels go, or come, in its order."""

    kind: TriedKind
    shown: Tensor  # (h, w) in 0…1; of random maps the first, Grad-CAM divided by its largest value
    shares: Tensor  # (n+1,) of the pixels that were changed
    deletion: Tensor  # (m, n+1) probability of the class
    insertion: Tensor  # (m, n+1)
    deletion_areas: Tensor  # (m,)
    insertion_areas: Tensor  # (m,)


def centred_gaussian(side: int) -> Tensor:
    """(side, side), highest in the middle, with a spread of a quarter of the side."""
    axis = (2 * torch.arange(side) + 1 - side) / (2 * side)  # exactly symmetric, so that the middle pixels tie
    return torch.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / (2 * GAUSSIAN_SPREAD**2))


def tried_maps(model: VisionModel | HubVisionModel, trace: StagedTrace, stage: str, kind: TriedKind) -> Tensor:
    """The maps of one kind, (m, h, w), for a stage with CBAM and the class that `trace` names.

    Raises `ControlError` for an unknown stage or kind, `KindError` for a stage without a spatial mask.
    """
    mask = _mask(trace, stage)  # (h, w)
    if kind == "mask":
        return mask[None]
    if kind == "inverted":
        return 1 - mask[None]
    if kind == "grad_cam":
        return grad_cam(model, trace, stage)[None]
    if kind == "gaussian":
        return centred_gaussian(trace.image.shape[-1])[None]
    if kind == "random":
        return torch.rand(DRAWS, *mask.shape, generator=torch.Generator().manual_seed(SEED))
    raise ControlError("analysis.map_kind", f"kind is {kind!r}; expected one of {', '.join(TRIED_KINDS)}.", came=kind)


def try_map(
    model: VisionModel | HubVisionModel, trace: StagedTrace, stage: str, kind: TriedKind, *, steps: int = STEPS
) -> TriedMap:
    """Deletion and insertion in the order of one kind of map, for the class that `trace` names.

    model: that of the trace, in evaluation mode. Errors as in `tried_maps` and `removal`.
    """
    maps = tried_maps(model, trace, stage, kind)
    target = int(trace.logits.argmax())
    deletion, insertion = (
        [curve(model, trace.image, values, target, steps=steps) for values in maps]
        for curve in (deletion_curve, insertion_curve)
    )
    highest = maps[0].max().clamp_min(1e-12) if kind == "grad_cam" else 1.0
    return TriedMap(
        kind=kind,
        shown=maps[0] / highest,
        shares=deletion[0].shares,
        deletion=torch.stack([curve.probabilities for curve in deletion]),
        insertion=torch.stack([curve.probabilities for curve in insertion]),
        deletion_areas=_areas(deletion),
        insertion_areas=_areas(insertion),
    )


def _areas(curves: list[RemovalCurve]) -> Tensor:
    return torch.tensor([curve.area for curve in curves], dtype=torch.float64)


def _mask(trace: StagedTrace, stage: str) -> Tensor:
    found = {each.name: each for each in trace.stages}
    if stage not in found:
        raise ControlError(
            "control.stage",
            f"stage is {stage!r}; expected one of {', '.join(found)}.",
            came=stage,
            expected=tuple(found),
        )
    mask = found[stage].spatial_mask
    if mask is None:
        raise KindError("analysis.no_mask", f"{stage} has no spatial mask; a stage with CBAM is needed.")
    return mask[0, 0].detach()
