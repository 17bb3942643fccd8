"""Where a map lands: spatial masks against object boxes, with the baselines that any claim has to beat.

Maps are brought to the side of the photo bilinearly. *Pointing*: is the highest pixel inside the box (ties counted in
parts; no tolerance)? *Energy*: the share of the map's sum that lies inside, to hold against the box's share of the
area; of a signed map, its positive part. *Pixel AUC*: the chance that a pixel inside is higher than one outside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from attention_core.analysis.mask_trial import centred_gaussian
from attention_core.analysis.saliency import class_activation_maps, grad_cams, resized, weighted_sum
from attention_core.analysis.stages import FLAT
from attention_core.models.vision import StageTrace, VisionModel, masked_mean
from training.passes import kept
from training.shares import Scores, measured, rank_auc, rounded

LARGEST_BOX = 0.6  # of the frame


def box_pixels(boxes: Tensor, side: int, photo_side: int, inclusive: bool = True) -> Tensor:
    """Boxes (N, 4) x1, y1, x2, y2 in a photo of `photo_side` → bool (N, side, side): pixels whose centre is inside.

    inclusive: the corners are whole pixels that belong to the box, not lines.
    """
    scale = side / photo_side
    x1, y1, x2, y2 = (boxes.double() + torch.tensor([0.0, 0.0, 1.0, 1.0]) * inclusive).mul(scale).unbind(dim=1)
    centre = torch.arange(side) + 0.5
    across = (centre >= x1[:, None]) & (centre < x2[:, None])  # (N, side)
    down = (centre >= y1[:, None]) & (centre < y2[:, None])
    return down[:, :, None] & across[:, None, :]


def pointing(maps: Tensor, inside: Tensor) -> Tensor:
    """Whether the highest pixel is inside, (N, S, S) → (N,); among equally high ones, the share that is."""
    highest = maps == maps.amax(dim=(1, 2), keepdim=True)
    return (highest & inside).sum(dim=(1, 2)).double() / highest.sum(dim=(1, 2))


def energy(maps: Tensor, inside: Tensor) -> Tensor:
    """Share of the sum of a map's positive part that is inside, (N, S, S) → (N,); 0 where nothing is positive."""
    maps = maps.double().clamp_min(0)
    return (maps * inside).sum(dim=(1, 2)) / maps.sum(dim=(1, 2)).clamp_min(1e-12)


def pixel_auc(maps: Tensor, inside: Tensor) -> Tensor:
    """Chance that a pixel inside is higher than one outside, (N, S, S) → (N,)."""
    return rank_auc(maps.flatten(1), inside.flatten(1))


def map_scores(maps: Tensor, inside: Tensor) -> Scores:
    """The three scores with their standard errors; maps (N, h, w) of any size, inside bool (N, S, S)."""
    maps = resized(maps, inside.shape[-1])
    return {
        "pointing": measured(pointing(maps, inside)),
        "energy": measured(energy(maps, inside)),
        "pixel_auc": measured(pixel_auc(maps, inside)),
    }


def auc_gains(maps: dict[str, Tensor], inside: Tensor) -> Scores:
    """How much higher the mask's pixel AUC is than that of each other map and of a centred Gaussian, paired."""
    S = inside.shape[-1]
    compared = {kind: values for kind, values in maps.items() if kind != "mask"}
    compared["centred_gaussian"] = centred_gaussian(S).expand(len(inside), S, S)
    mask = pixel_auc(resized(maps["mask"], S), inside)
    return {kind: measured(mask - pixel_auc(resized(values, S), inside)) for kind, values in compared.items()}


def value_range(maps: Tensor) -> Scores:
    """Lowest, mean and highest value over all photos, and `spread`: highest minus lowest within a photo, on average."""
    within = (maps.amax(dim=(1, 2)) - maps.amin(dim=(1, 2))).mean().item()
    lowest, mean, highest = maps.min().item(), maps.mean().item(), maps.max().item()
    tidy: Scores = rounded({"min": lowest, "mean": mean, "max": highest, "spread": within, "flat": within < FLAT})
    return tidy


def stage_maps(model: VisionModel, images: Tensor, batch: int = 50) -> dict[str, dict[str, Tensor]]:
    """Images (N, 3, S, S) → stage name → kind of map → (N, h, w).

    `mask`, where there is one; `features`: mean |feature| before attention; `grad_cam`; in the last stage `cam`,
    signed. The last two are of the class that the network names, rightly or not: the app has no label to go by either.
    """
    found: dict[str, dict[str, list[Tensor]]] = {name: defaultdict(list) for name in model.stage_names}
    device = model.classifier.weight.device
    for some in torch.split(images, batch):
        stages, logits, gradients = _with_gradients(model, some.to(device))
        *earlier, last = stages
        named = logits.argmax(dim=1)  # (B,)
        for stage in stages:
            kinds = found[stage.name]
            if stage.spatial_mask is not None:
                kinds["mask"].append(stage.spatial_mask[:, 0].detach().cpu())
            kinds["features"].append(stage.features.detach().abs().mean(dim=1).cpu())
        for stage, gradient in zip(earlier, gradients, strict=True):
            found[stage.name]["grad_cam"].append(weighted_sum(gradient, stage.output).cpu())
        # Behind the last stage the mask that divides stays as traced, so that its gradient is not that of the logits.
        found[last.name]["grad_cam"].append(grad_cams(model, last, named).cpu())
        found[last.name]["cam"].append(class_activation_maps(model, last, named).detach().cpu())
    return {name: {kind: torch.cat(parts) for kind, parts in maps.items()} for name, maps in found.items()}


def _with_gradients(model: VisionModel, images: Tensor) -> tuple[tuple[StageTrace, ...], Tensor, tuple[Tensor, ...]]:
    """The stages, the logits, and the gradient of the named class's logit at the output of each stage but the last.

    One way forth and one back for all stages together.
    """
    with torch.enable_grad():
        stages = model.stage_traces(images.clone().requires_grad_())
        logits: Tensor = model.classifier(masked_mean(stages[-1].output, stages[-1].spatial_mask))
        chosen = logits.amax(dim=1).sum()
        outputs = [stage.output for stage in stages[:-1]]
        gradients = torch.autograd.grad(chosen, outputs) if outputs else ()
    return stages, logits.detach(), gradients


def fair(inside: Tensor) -> Tensor:
    """Which photos are scored, bool (N,): those whose boxes, bool (N, S, S), cover at most 60% of the frame."""
    area = inside.float().mean(dim=(1, 2))
    return (area <= LARGEST_BOX) & (area > 0)


def mask_scores(model: VisionModel, images: Tensor, inside: Tensor, keep: Path | None = None) -> Scores:
    """Masks of a CBAM network against boxes; images (N, 3, S, S), inside bool (N, S, S), box or boxes of each photo.

    Per stage: `mask`, `inverted` (1 − mask), `features` (mean |feature| before attention), `grad_cam`, in the last one
    `cam`, `range` of the mask, and `mask_minus`: `auc_gains`; for all stages: `uniform` and `centred_gaussian`. Photos
    whose boxes cover over 60% of the frame are left out, and counted in `photos_in_all`. keep: folder for what takes
    minutes.
    """
    scored = fair(inside)
    boxes, photos = inside[scored], images[scored]
    N, S = len(boxes), inside.shape[-1]
    scores: Scores = {
        "photos": N,
        "photos_in_all": len(images),
        "largest_box": LARGEST_BOX,
        "box_area": measured(boxes.float().mean(dim=(1, 2))),
        "uniform": map_scores(torch.ones(N, S, S), boxes),
        "centred_gaussian": map_scores(centred_gaussian(S).expand(N, S, S), boxes),
    }
    for name, maps in kept(keep, model, photos, "maps", lambda: stage_maps(model, photos)).items():
        scores[name] = {
            "side": maps["mask"].shape[-1],
            "inverted": map_scores(1 - maps["mask"], boxes),
            **{kind: map_scores(values, boxes) for kind, values in maps.items()},
            "range": value_range(maps["mask"]),
            "mask_minus": auc_gains(maps, boxes),
        }
    stages = model.stage_names
    best = max(stages, key=lambda stage: scores[stage]["mask"]["pixel_auc"]["value"])
    scores["best"] = {"stage": best} | {k: v["value"] for k, v in scores[best]["mask"].items()}
    return scores


def union(boxes: Iterable[Tensor]) -> Tensor:
    """Pixels in any of a photo's boxes: an iterable of bool (k, S, S) → (N, S, S)."""
    return torch.stack([each.any(dim=0) for each in boxes])
