"""Do gates and masks depend on the photo, and does the answer depend on that?

*Spread*: the standard deviation of a gate, or of a mask's cell, between photos, mean over channels or cells. *Fixed
share*: of the variance over photos and channels together, the part that the channels' means account for, which is the
same for every photo. *Frozen*: every gate, or every mask, is held at its mean over the photos. *Rim*: whether a mask's
brightest cell lies in the outermost ring.

N photos, C channels or cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from attention_core.models.vision import VisionModel
from training.masks import pointing
from training.passes import Passed, kept
from training.shares import Scores, measured, rounded

Frozen = Literal["gates", "masks"]
BAND = (0.05, 0.5, 0.95)  # quantiles over photos between which a page draws a gate


def spread(values: Tensor) -> float:
    """Standard deviation between photos, mean over the rest; values (N, …)."""
    return values.std(dim=0, correction=0).mean().item()


def fixed_share(values: Tensor) -> float:
    """Share of the variance of (N, …) that lies between the means over photos: 1 = every photo has the same values."""
    means = values.mean(dim=0)
    between = means.var(correction=0)
    within = values.var(dim=0, correction=0).mean()
    return (between / (between + within).clamp_min(1e-12)).item()


def rim(side: int) -> Tensor:
    """The outermost ring of cells, bool (side, side)."""
    cells = torch.ones(side, side, dtype=torch.bool)
    cells[1:-1, 1:-1] = False
    return cells


def on_the_rim(masks: Tensor) -> Tensor:
    """Whether the highest cell of each mask (N, h, h) lies on the rim, (N,); among equally high ones, the share."""
    return pointing(masks, rim(masks.shape[-1]).expand_as(masks))


def band(gates: Tensor) -> Tensor:
    """The quantiles `BAND` of each gate over the photos, (N, C) → (3, C)."""
    return gates.quantile(torch.tensor(BAND, dtype=gates.dtype), dim=0)


def controls(seen: Passed, frozen: Frozen) -> dict[str, dict[str, Tensor]]:
    """Overrides that hold every gate, or every mask, at its mean over the photos of a pass."""
    name, maps = ("gate_override", seen.gates) if frozen == "gates" else ("mask_override", seen.masks)
    return {stage: {name: values.mean(dim=0)} for stage, values in maps.items()}


@torch.inference_mode()
def named_under(model: VisionModel, images: Tensor, overrides: Mapping[str, Mapping[str, Tensor]]) -> Tensor:
    """The class that each photo is named with these overrides, (N,); images (N, 3, S, S) in 0…1."""
    device = model.classifier.weight.device
    held = {
        stage: {control: value.to(device) for control, value in found.items()} for stage, found in overrides.items()
    }
    named = []
    for some in torch.split(images, 50):
        last = model.stage_traces(some.to(device), held)[-1]
        named.append(model.from_stage(last).argmax(dim=1).cpu())
    return torch.cat(named)


def frozen_scores(seen: Passed, named: Tensor, labels: Tensor) -> Scores:
    """What freezing costs. named: the answers with frozen values; `same`: share of answers that stay.

    `cost` is the accuracy that goes, paired over photos.
    """
    live, frozen = seen.named == labels, named == labels
    return {
        "top1": measured(frozen),
        "cost": measured(live.double() - frozen.double()),
        "same": measured(named == seen.named),
    }


def life_scores(model: VisionModel, images: Tensor, labels: Tensor, seen: Passed, keep: Path | None = None) -> Scores:
    """Of a build with attention: `stages` by name, and `frozen` gates and, with CBAM, masks.

    seen: its pass over `images`; keep: folder for what takes minutes.
    """
    stages: Scores = {
        stage: {"gates": {"spread": spread(gates), "fixed_share": fixed_share(gates)}}
        for stage, gates in seen.gates.items()
    }
    for stage, masks in seen.masks.items():
        stages[stage]["masks"] = {
            "spread": spread(masks),
            "fixed_share": fixed_share(masks),
            "rim": measured(on_the_rim(masks)),
            "rim_cells": rim(masks.shape[-1]).float().mean().item(),
        }
    held: tuple[Frozen, ...] = ("gates", "masks") if seen.masks else ("gates",)
    frozen = {}
    for what in held:
        overrides = controls(seen, what)
        found = kept(
            keep,
            model,
            images,
            f"frozen-{what}",
            lambda overrides=overrides: {"named": named_under(model, images, overrides)},  # type: ignore[misc]
        )
        frozen[what] = frozen_scores(seen, found["named"], labels)
    tidy: Scores = rounded({"photos": len(labels), "stages": stages, "frozen": frozen})
    return tidy
