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
from training import gate_life, mask_follow, masks, profiles, removal_scores, unknown
from training.passes import Passed, kept_pass
from training.shares import Scores, measured
from training.vision_data import dev_photos

SIZES = (48, 64, 96)
OTHER_SIZES_EVERY = 10  # of the dev photos, which stand class by class, for the sizes that no build was made for
UNTRAINED_EVERY = 5  # of the dev photos, for the masks of a network that knows nothing


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


def read_photos(data: Path, sizes: tuple[int, ...] = SIZES) -> DevPhotos:
    """All photos that the scores need, resized as the app resizes an upload."""
    photos, corners = dev_photos(data)
    arrays = [image.permute(1, 2, 0).numpy() for image in photos.images]
    images = {size: torch.stack([to_square_tensor(array, size)[0] for array in arrays]) for size in sizes}
    folder = data / "photos"
    with (folder / "large_dev_boxes.csv").open(encoding="utf-8") as stream:
        found: dict[str, list[list[float]]] = {}
        for row in csv.DictReader(stream):
            found.setdefault(row["file"], []).append([float(row[k]) for k in ("x1", "y1", "x2", "y2")])
    large = [(name, photo) for name, photo in _photos(folder / "large_dev.zip") if name in found]
    outside = {size: torch.stack([to_square_tensor(photo, size)[0] for _, photo in large]) for size in sizes}
    boxes = masks.union(
        masks.box_pixels(torch.tensor(found[name]), 64, photo.width, inclusive=False) for name, photo in large
    )
    return DevPhotos(images, photos.labels, masks.box_pixels(corners, 64, 64), outside, boxes)


def _photos(archive: Path) -> Iterator[tuple[str, Image.Image]]:
    with zipfile.ZipFile(archive) as opened:
        for name in sorted(opened.namelist()):
            if name.endswith(".JPEG"):
                yield name, Image.open(io.BytesIO(opened.read(name))).convert("RGB")


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


def build_scores(model: VisionModel, photos: DevPhotos, seen: Passed, outside: Passed, keep: Path | None) -> Scores:
    """Scores of one build at its own size, and its accuracy at other sizes on some of the photos.

    seen, outside: its passes over the dev photos and over those of other classes; keep: as in `vision_scores`.
    """
    groups = [entry.group for entry in model.classes]
    size = model_size(model)
    return {
        **accuracy(seen.probabilities, photos.labels, groups),
        "photos": len(photos.labels),
        "parameters": sum(p.numel() for p in model.parameters()),
        "multiply_adds": multiply_adds(model, size),
        "milliseconds_cpu": cpu_milliseconds(model, size),
        "image_size": size,
        "sizes": _sizes(model, photos, seen, keep),
        "unknown": unknown.unknown_scores(seen, outside, photos.labels, len(model.classes)),
    }


def _sizes(model: VisionModel, photos: DevPhotos, seen: Passed, keep: Path | None) -> Scores:
    """Side → accuracy on every fifth photo, so that the sides compare, and cost."""
    groups = [entry.group for entry in model.classes]
    labels = photos.labels[::OTHER_SIZES_EVERY]
    found: Scores = {}
    for size, images in photos.images.items():
        some = images[::OTHER_SIZES_EVERY]
        own = size == model_size(model)
        chances = seen.probabilities[::OTHER_SIZES_EVERY] if own else kept_pass(model, some, keep).probabilities
        found[str(size)] = {
            **accuracy(chances, labels, groups),
            "multiply_adds": multiply_adds(model, size),
            "photos": len(labels),
        }
    return found


def model_size(model: VisionModel) -> int:
    """The side of the photos that it was made for."""
    return model.config.image_size


def paired_difference(first: Tensor, second: Tensor) -> Scores:
    """Mean of second − first over the same photos, bool (N,) each, with the standard error of the paired difference."""
    return measured(second.double() - first.double())


def vision_scores(
    models: dict[str, VisionModel], photos: DevPhotos, keep: Path | None = None, quick: bool = False
) -> Scores:
    """All builds, their differences from plain, the masks of the CBAM build, and when a photo is of other things.

    keep: folder for what takes minutes, so that the next evaluation of the same weights need not compute it again;
    quick: leaves out deletion and insertion, and the untrained network.
    """
    seen = {name: kept_pass(model, photos.images[model_size(model)], keep) for name, model in models.items()}
    outside = {name: kept_pass(model, photos.outside[model_size(model)], keep) for name, model in models.items()}
    scores: Scores = {
        "builds": {name: build_scores(model, photos, seen[name], outside[name], keep) for name, model in models.items()}
    }
    groups = [entry.group for entry in next(iter(models.values())).classes]
    scores["constant"] = constant_guess(photos.labels, groups)
    if "plain" in models:
        right = {name: passed.named == photos.labels for name, passed in seen.items()}
        scores["minus_plain"] = {
            name: paired_difference(right["plain"], right[name]) for name in models if name != "plain"
        }
    if "cbam" in models:
        scores |= _mask_scores(models["cbam"], photos, keep, quick)
    scores["profiles"] = {
        name: profiles.profile_scores(passed.gates, photos.labels, len(models[name].classes))
        for name, passed in seen.items()
        if passed.gates
    }
    scores["life"] = {
        name: gate_life.life_scores(models[name], photos.images[model_size(models[name])], photos.labels, passed, keep)
        for name, passed in seen.items()
        if passed.gates
    }
    if "cbam" in models:
        size = model_size(models["cbam"])
        for stage, values in seen["cbam"].masks.items():
            found = mask_follow.follow_scores(values, photos.images[size], _at(photos.boxes, size))
            scores["life"]["cbam"]["stages"][stage]["masks"] |= found
    return scores


def _mask_scores(model: VisionModel, photos: DevPhotos, keep: Path | None, quick: bool) -> Scores:
    """Its masks against boxes on both sets, those of an untrained network, and deletion and insertion."""
    size = model_size(model)
    images = photos.images[size]
    inside, outside = (_at(boxes, size) for boxes in (photos.boxes, photos.outside_boxes))
    found = {
        "masks": masks.mask_scores(model, images, inside, keep),
        "masks_large": masks.mask_scores(model, photos.outside[size], outside, keep),
    }
    if quick:
        return found
    torch.manual_seed(0)
    untrained = VisionModel(model.config, model.classes).eval().to(model.classifier.weight.device)
    return found | {
        "masks_untrained": masks.mask_scores(untrained, images[::UNTRAINED_EVERY], inside[::UNTRAINED_EVERY], keep),
        "removal": removal_scores.removal_scores(model, images, keep),
    }


def _at(boxes: Tensor, size: int) -> Tensor:
    """Box pixels (N, 64, 64) at another side, nearest."""
    return torch.nn.functional.interpolate(boxes[:, None].float(), (size, size))[:, 0] > 0.5
