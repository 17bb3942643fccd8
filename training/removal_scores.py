"""What becomes of the network's own answer when pixels go, or come, in the order of a map, over dev photos.

`attention_core.analysis.removal` defines the curves; scored is the area under them, for the class that the network
names, rightly or not. Maps are compared on the same photos, so each difference from the centred Gaussian is paired: a
good map has a smaller deletion area and a larger insertion area. `random` maps are as coarse as the mask, so that they
take away patches too; scattered single pixels would spoil a photo sooner than any map.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from attention_core.analysis.mask_trial import centred_gaussian
from attention_core.analysis.removal import deletion_curve, insertion_curve
from attention_core.models.vision import VisionModel
from training.masks import stage_maps
from training.passes import kept
from training.shares import Scores, measured

PHOTOS = 50  # a sample: with more, these curves would take longer than all other scores together
STEPS = 16
SEED = 0
CURVES = {"deletion": deletion_curve, "insertion": insertion_curve}


def compared_maps(model: VisionModel, images: Tensor) -> dict[str, Tensor]:
    """Images (N, 3, S, S) → kind of map → (N, h, w), of the last stage where no stage is named.

    Grad-CAM of the last stage is left out: where it is not 0 it orders the pixels as CAM does.
    """
    found = stage_maps(model, images)
    *earlier, last = model.stage_names
    mask = found[last]["mask"]
    return {
        "mask": mask,
        "inverted": 1 - mask,
        "cam": found[last]["cam"],
        **{f"grad_cam_{stage}": found[stage]["grad_cam"] for stage in earlier},
        "random": torch.rand(mask.shape, generator=torch.Generator().manual_seed(SEED)),
        "centred_gaussian": centred_gaussian(images.shape[-1]).expand(len(images), -1, -1),
    }


def removal_areas(model: VisionModel, images: Tensor, maps: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Images (N, 3, S, S) and maps (N, h, w) → kind of map → "deletion", "insertion" → areas (N,)."""
    device = model.classifier.weight.device
    areas = {kind: {curve: torch.zeros(len(images), dtype=torch.float64) for curve in CURVES} for kind in maps}
    for number, image in enumerate(images.to(device)):
        with torch.no_grad():
            named = int(model(image[None]).argmax())
        for kind, values in maps.items():
            for curve, of in CURVES.items():
                areas[kind][curve][number] = of(model, image, values[number], named, steps=STEPS).area
    return areas


def removal_scores(model: VisionModel, images: Tensor, keep: Path | None = None) -> Scores:
    """Mean areas of a CBAM network's last mask and of what it is held against; images (N, 3, S, S) in 0…1.

    `photos` of `photos_in_all` are drawn with `seed`; `maps`: kind → `deletion`, `insertion`, and of each
    `…_minus_gaussian`, paired over photos. keep: folder for what takes minutes.
    """
    drawn = torch.randperm(len(images), generator=torch.Generator().manual_seed(SEED))[:PHOTOS]
    photos = images[drawn]
    areas = kept(keep, model, photos, "removal", lambda: removal_areas(model, photos, compared_maps(model, photos)))
    baseline = areas["centred_gaussian"]
    return {
        "photos": len(photos),
        "photos_in_all": len(images),
        "seed": SEED,
        "steps": STEPS,
        "stage": model.stage_names[-1],
        "maps": {
            kind: {curve: measured(values) for curve, values in found.items()}
            | {f"{curve}_minus_gaussian": measured(values - baseline[curve]) for curve, values in found.items()}
            for kind, found in areas.items()
        },
    }
