"""What a stage's mask follows: the rim of the map, the photo's brightness, its edges, or the object.

    rim          chance that a cell of the outermost ring is brighter than one inside it
    brightness   correlation of the mask with the photo's brightness, both at the mask's size
    edges        correlation with the strength of the photo's edges
    object       pixel AUC against the boxes, and how much more that is than a centred Gaussian's, paired over photos

Each is a mean over photos. The word follows from them by `word`: "object" where the mask beats the Gaussian by more
than two standard errors; otherwise the largest of |2 · rim − 1|, |brightness| and |edges| if it is at least 0.3: rim or
middle, bright or dark, edges or smooth; otherwise "nothing".

N photos, h × h the mask, S side of the photos.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from attention_core.analysis.mask_trial import centred_gaussian
from attention_core.analysis.saliency import resized
from training.gate_life import rim
from training.masks import fair, pixel_auc
from training.shares import Scores, measured, rank_auc

Followed = Literal["object", "rim", "middle", "bright", "dark", "edges", "smooth", "nothing"]
LEAST = 0.3
CLEAR = 2.0  # standard errors
POLES: dict[str, tuple[Followed, Followed]] = {
    "rim": ("rim", "middle"),
    "brightness": ("bright", "dark"),
    "edges": ("edges", "smooth"),
}


def brightness(images: Tensor) -> Tensor:
    """Photos (N, 3, S, S) → the mean of their colours (N, S, S)."""
    return images.mean(dim=1)


def edges(images: Tensor) -> Tensor:
    """Photos (N, 3, S, S) → strength of the edges of their brightness (N, S, S): the length of its gradient."""
    padded = F.pad(brightness(images)[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    return torch.hypot(down, across)


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson's of each pair of maps, (N, h, w) both → (N,); 0 where one of them is flat."""
    x, y = (maps.flatten(1).double() for maps in (first, second))
    x, y = x - x.mean(dim=1, keepdim=True), y - y.mean(dim=1, keepdim=True)
    size = x.norm(dim=1) * y.norm(dim=1)
    return torch.where(size > 1e-9, (x * y).sum(dim=1) / size.clamp_min(1e-9), 0.0)


def follow_scores(masks: Tensor, images: Tensor, inside: Tensor) -> Scores:
    """masks (N, h, h), images (N, 3, S, S), inside bool (N, S, S) → the four measures, and the word for them."""
    side = masks.shape[-1]
    ring = rim(side).flatten().expand(len(masks), -1)
    scored = fair(inside)
    boxes = inside[scored]
    object_auc = pixel_auc(resized(masks[scored], boxes.shape[-1]), boxes)
    gaussian = pixel_auc(centred_gaussian(boxes.shape[-1]).expand(len(boxes), -1, -1), boxes)
    found: Scores = {
        "rim_auc": measured(rank_auc(masks.flatten(1), ring)),
        "brightness": measured(correlation(masks, F.adaptive_avg_pool2d(brightness(images), side))),
        "edges": measured(correlation(masks, F.adaptive_avg_pool2d(edges(images), side))),
        "object": measured(object_auc),
        "object_minus_gaussian": measured(object_auc - gaussian),
    }
    return {**found, "follows": word(found)}


def word(found: Scores) -> Followed:
    """The word for measured scores, by the rule above."""
    gain = found["object_minus_gaussian"]
    if gain["value"] > CLEAR * gain["standard_error"]:
        return "object"
    strength = {
        "rim": 2 * found["rim_auc"]["value"] - 1,
        "brightness": found["brightness"]["value"],
        "edges": found["edges"]["value"],
    }
    most = max(strength, key=lambda name: abs(strength[name]))
    if abs(strength[most]) < LEAST:
        return "nothing"
    along, against = POLES[most]
    return along if strength[most] > 0 else against
