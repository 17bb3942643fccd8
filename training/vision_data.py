"""Photos → uint8 tensors in memory, and the same stream of batches for every build."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from attention_core.models.registry import vision_classes

ARCHIVES = ("train-1.zip", "train-2.zip")
ASPECT = math.log(1.25)  # a crop is at most 5 : 4 or 4 : 5


@dataclass(frozen=True)
class Photos:
    """images: (N, 3, 64, 64) uint8; labels: (N,)."""

    images: Tensor
    labels: Tensor


def training_photos(data: Path, cache: Path) -> Photos:
    """All training photos, decoded once and kept in `cache`."""
    if cache.exists():
        saved = torch.load(cache, weights_only=True)
        return Photos(saved["images"], saved["labels"])
    index = {entry.wnid: i for i, entry in enumerate(vision_classes())}
    images, labels = [], []
    for archive in ARCHIVES:
        for name, pixels in _decoded(data / "photos" / archive):
            images.append(pixels)
            labels.append(index[name.split("/")[1]])
    photos = Photos(torch.stack(images), torch.tensor(labels))
    cache.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"images": photos.images, "labels": photos.labels}, cache)
    return photos


def dev_photos(data: Path) -> tuple[Photos, Tensor]:
    """The dev photos and their boxes (N, 4): x1, y1, x2, y2, inclusive pixel corners."""
    index = {entry.wnid: i for i, entry in enumerate(vision_classes())}
    with (data / "photos" / "dev_boxes.csv").open(encoding="utf-8") as stream:
        boxes = {row["file"]: [int(row[k]) for k in ("x1", "y1", "x2", "y2")] for row in csv.DictReader(stream)}
    images, labels, corners = [], [], []
    for name, pixels in _decoded(data / "photos" / "dev.zip"):
        images.append(pixels)
        labels.append(index[name.split("/")[1]])
        corners.append(boxes[name])
    return Photos(torch.stack(images), torch.tensor(labels)), torch.tensor(corners)


def _decoded(archive: Path) -> Iterator[tuple[str, Tensor]]:
    with zipfile.ZipFile(archive) as opened:
        for name in sorted(opened.namelist()):
            if name.endswith(".JPEG"):
                photo = Image.open(io.BytesIO(opened.read(name))).convert("RGB")
                pixels = torch.frombuffer(bytearray(photo.tobytes()), dtype=torch.uint8)
                yield name, pixels.view(photo.height, photo.width, 3).permute(2, 0, 1)


def order(count: int, epoch: int, seed: int) -> Tensor:
    """The order of the photos in an epoch: it depends on the seed alone, not on the build."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))


def at_size(images: Tensor, size: int) -> Tensor:
    """uint8 (B, 3, 64, 64), whole and as they are → (B, 3, size, size) in 0…1."""
    x = images.float() / 255
    return x if size == x.shape[-1] else F.interpolate(x, (size, size), mode="bilinear", antialias=True)


def augmented(images: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Random crops, flips, contrast, brightness and saturation: uint8 (B, 3, 64, 64) → (B, 3, size, size) in 0…1.

    A crop has 45 to 100% of the area and an aspect of 0.8 to 1.25; what it shows beyond the rim is reflected.
    """
    B = len(images)
    draw = torch.rand((B, 8), generator=generator)
    x = images.float() / 255
    if size * 2 <= images.shape[-1]:
        x = F.avg_pool2d(x, 2)  # so that sampling at half the size does not alias
    side = (0.45 + 0.55 * draw[:, 0]).sqrt()
    stretch = (ASPECT * (2 * draw[:, 1] - 1)).exp().sqrt()
    across, down = side * stretch, side / stretch
    flip = torch.where(draw[:, 2] < 0.5, -1.0, 1.0)
    shift = 2 * draw[:, 3:5] - 1
    theta = torch.zeros(B, 2, 3)
    theta[:, 0, 0], theta[:, 0, 2] = across * flip, shift[:, 0] * (1 - across)
    theta[:, 1, 1], theta[:, 1, 2] = down, shift[:, 1] * (1 - down)
    grid = F.affine_grid(theta, [B, 3, size, size], align_corners=False)
    x = F.grid_sample(x, grid.to(x.device), padding_mode="reflection", align_corners=False)
    contrast, brightness, saturation = (
        (low + (high - low) * draw[:, at])[:, None, None, None].to(x.device)
        for at, (low, high) in enumerate(((0.7, 1.3), (-0.18, 0.18), (0.6, 1.4)), start=5)
    )
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * contrast + mean + brightness
    grey = x.mean(dim=1, keepdim=True)
    return (grey + (x - grey) * saturation).clamp(0, 1)


def cut_mixed(images: Tensor, generator: torch.Generator) -> tuple[Tensor, float]:
    """CutMix (Yun et al. 2019): one box of every photo comes from the photo before it in the batch.

    images (B, 3, S, S) → (mixed images, share of a photo that is its own). The box's share of the area is drawn evenly,
    its middle anywhere; what lies beyond the rim is cut off. The labels are to be mixed by that share.
    """
    S = images.shape[-1]
    share, row, column = torch.rand(3, generator=generator).tolist()
    half = S * share**0.5 / 2
    top, bottom, left, right = (
        round(min(max(edge, 0), S)) for edge in (row * S - half, row * S + half, column * S - half, column * S + half)
    )
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images.roll(1, dims=0)[:, :, top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / S**2
