"""Accuracy, cost and masks of the vision networks on the dev photos."""

from __future__ import annotations

import csv
import io
import statistics
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from attention_core.inputs.image import to_square_tensor
from attention_core.models.vision import VisionModel
from training import masks, profiles, removal_scores
from training.shares import Scores, measured, rank_auc, rounded
from training.vision_data import dev_photos

SIZES = (64, 96, 128)
KEPT = 0.9  # of the rightly named dev photos stay above the threshold for "outside the 100 things I know"


@dataclass(frozen=True)
class DevPhotos:
    """The dev photos at every size, and the large ones of other classes.

    images, outside: size → (N, 3, size, size) in 0…1; boxes, outside_boxes: bool (N, 64, 64).
    """

    images: dict[int, Tensor]
    labels: Tensor
    boxes: Tensor
    outside: dict[int, Tensor]
    outside_boxes: Tensor


def read_photos(data: Path) -> DevPhotos:
    """All photos that the scores need, resized as the app resizes an upload."""
    photos, corners = dev_photos(data)
    arrays = [image.permute(1, 2, 0).numpy() for image in photos.images]
    images = {size: torch.stack([to_square_tensor(array, size)[0] for array in arrays]) for size in SIZES}
    folder = data / "photos"
    with (folder / "large_dev_boxes.csv").open(encoding="utf-8") as stream:
        found: dict[str, list[list[float]]] = {}
        for row in csv.DictReader(stream):
            found.setdefault(row["file"], []).append([float(row[k]) for k in ("x1", "y1", "x2", "y2")])
    large = [(name, photo) for name, photo in _photos(folder / "large_dev.zip") if name in found]
    outside = {size: torch.stack([to_square_tensor(photo, size)[0] for _, photo in large]) for size in SIZES}
    boxes = masks.union(
        masks.box_pixels(torch.tensor(found[name]), 64, photo.width, inclusive=False) for name, photo in large
    )
    return DevPhotos(images, photos.labels, masks.box_pixels(corners, 64, 64), outside, boxes)


def _photos(archive: Path) -> Iterator[tuple[str, Image.Image]]:
    with zipfile.ZipFile(archive) as opened:
        for name in sorted(opened.namelist()):
            if name.endswith(".JPEG"):
                yield name, Image.open(io.BytesIO(opened.read(name))).convert("RGB")


@torch.inference_mode()
def probabilities(model: VisionModel, images: Tensor, batch: int = 100) -> Tensor:
    """Images (N, 3, S, S) → (N, classes)."""
    device = model.classifier.weight.device
    logits = [model(images[at : at + batch].to(device)).float().cpu() for at in range(0, len(images), batch)]
    return torch.cat(logits).softmax(dim=-1)


def accuracy(chances: Tensor, labels: Tensor, groups: list[str]) -> Scores:
    """Top-1 and top-5 of classes and of groups, a group's probability being the sum over its classes."""
    names = sorted(set(groups))
    member = torch.tensor([names.index(group) for group in groups])  # class → group
    summed = torch.zeros(len(chances), len(names)).index_add_(1, member, chances)
    scores: Scores = {}
    for kind, table, right in (("class", chances, labels), ("group", summed, member[labels])):
        rank = (table > table.gather(1, right[:, None])).sum(dim=1)
        for k in (1, 5):
            scores[f"{kind}_top{k}"] = measured(rank < k)
    return scores


def constant_guess(labels: Tensor, groups: list[str]) -> Scores:
    """The baseline of naming the commonest classes, or groups, whatever the photo shows."""
    names = sorted(set(groups))
    member = torch.tensor([names.index(group) for group in groups])
    scores: Scores = {}
    for kind, found in (("class", labels), ("group", member[labels])):
        shares = found.bincount().sort(descending=True).values / len(found)
        scores |= {f"{kind}_top{k}": round(shares[:k].sum().item(), 5) for k in (1, 5)}
    return scores


def unknown(chances: Tensor, labels: Tensor, outside: Tensor) -> Scores:
    """When to say "outside the 100 things I know": the largest probability is `below` a threshold.

    The threshold keeps 90% of the rightly named dev photos. flagged_*: share of photos below it: of rightly and wrongly
    named dev photos, and of photos of other classes. auc: chance that a dev photo has the larger probability.
    """
    best, named = chances.max(dim=1)
    right = named == labels
    below = torch.quantile(best[right], 1 - KEPT).item() if bool(right.any()) else 0.0
    foreign = outside.max(dim=1).values
    both = torch.cat([best, foreign])
    inside = torch.arange(len(both)) < len(best)
    tidy: Scores = rounded(
        {
            "below": below,
            "kept_right": KEPT,
            "flagged_right": (best[right] < below).float().mean().item(),
            "flagged_wrong": (best[~right] < below).float().mean().item(),
            "flagged_outside": (foreign < below).float().mean().item(),
            "photos_outside": len(foreign),
            "auc": rank_auc(both[None], inside[None]).item(),
        }
    )
    return tidy


def multiply_adds(model: VisionModel, size: int) -> int:
    """Multiplications with addition of one photo, in convolutions and matrix products."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(torch.zeros(1, 3, size, size, device=model.classifier.weight.device))
    return int(counter.get_total_flops()) // 2


def cpu_milliseconds(model: VisionModel, size: int, photos: int = 30) -> Scores:
    """Median time of `trace` on one photo, in this process's threads; as information, not as a benchmark."""
    image = torch.rand(3, size, size)
    own = VisionModel(model.config, model.classes).eval()
    own.load_state_dict({name: tensor.cpu() for name, tensor in model.state_dict().items()})
    times = []
    for _ in range(photos + 5):
        began = time.perf_counter()
        own.trace(image)
        times.append(1000 * (time.perf_counter() - began))
    return {"trace": round(statistics.median(times[5:]), 2), "threads": torch.get_num_threads()}


def build_scores(model: VisionModel, photos: DevPhotos) -> Scores:
    """Scores of one build at its own size, and its accuracy at every size."""
    groups = [entry.group for entry in model.classes]
    size = model.config.image_size
    chances = probabilities(model, photos.images[size])
    return {
        **accuracy(chances, photos.labels, groups),
        "photos": len(photos.labels),
        "parameters": sum(p.numel() for p in model.parameters()),
        "multiply_adds": multiply_adds(model, size),
        "milliseconds_cpu": cpu_milliseconds(model, size),
        "image_size": size,
        "sizes": {
            str(other): {
                **accuracy(chances if other == size else probabilities(model, images), photos.labels, groups),
                "multiply_adds": multiply_adds(model, other),
            }
            for other, images in photos.images.items()
        },
        "unknown": unknown(chances, photos.labels, probabilities(model, photos.outside[size])),
    }


def paired_difference(first: Tensor, second: Tensor) -> Scores:
    """Mean of second − first over the same photos, bool (N,) each, with the standard error of the paired difference."""
    return measured(second.double() - first.double())


def vision_scores(
    models: dict[str, VisionModel], photos: DevPhotos, weights: dict[str, dict[str, Tensor]] | None = None
) -> Scores:
    """All builds, their differences from plain, the masks of the CBAM build, and the app's threshold.

    weights: `dev_channel_weights` of the same, where they are known already.
    """
    scores: Scores = {"builds": {name: build_scores(model, photos) for name, model in models.items()}}
    groups = [entry.group for entry in next(iter(models.values())).classes]
    scores["constant"] = constant_guess(photos.labels, groups)
    if "plain" in models:
        right = {
            name: probabilities(model, photos.images[model.config.image_size]).argmax(dim=1) == photos.labels
            for name, model in models.items()
        }
        scores["minus_plain"] = {
            name: paired_difference(right["plain"], right[name]) for name in models if name != "plain"
        }
    if "cbam" in models:
        model, size = models["cbam"], models["cbam"].config.image_size
        inside, outside = (_at(boxes, size) for boxes in (photos.boxes, photos.outside_boxes))
        scores["masks"] = masks.mask_scores(model, photos.images[size], inside)
        scores["masks_large"] = masks.mask_scores(model, photos.outside[size], outside)
        torch.manual_seed(0)
        untrained = VisionModel(model.config, model.classes).eval().to(model.classifier.weight.device)
        scores["masks_untrained"] = masks.mask_scores(untrained, photos.images[size], inside)
        scores["removal"] = removal_scores.removal_scores(model, photos.images[size])
    known = dev_channel_weights(models, photos) if weights is None else weights
    scores["profiles"] = {
        name: profiles.profile_scores(stages, photos.labels, len(models[name].classes))
        for name, stages in known.items()
    }
    shown = "cbam" if "cbam" in models else next(iter(models))
    scores["unknown_below"] = scores["builds"][shown]["unknown"]["below"]
    return scores


def dev_channel_weights(models: dict[str, VisionModel], photos: DevPhotos) -> dict[str, dict[str, Tensor]]:
    """build → stage → channel weights of the dev photos (N, C), for the builds that have them."""
    return {
        name: profiles.channel_weights(model, photos.images[model.config.image_size])
        for name, model in models.items()
        if model.config.attention != "plain"
    }


def _at(boxes: Tensor, size: int) -> Tensor:
    """Box pixels (N, 64, 64) at another side, nearest."""
    return torch.nn.functional.interpolate(boxes[:, None].float(), (size, size))[:, 0] > 0.5
