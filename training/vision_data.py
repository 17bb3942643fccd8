"""Photos → uint8 tensors in memory, and the same stream of batches for every build."""

from __future__ import annotations

import csv
import io
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
    """Random crops of 55 to 100% of the area, flips, brightness and contrast: uint8 → (B, 3, size, size) in 0…1."""
    B = len(images)
    draw = torch.rand((B, 6), generator=generator)
    x = images.float() / 255
    if size * 2 <= images.shape[-1]:
        x = F.avg_pool2d(x, 2)  # so that sampling at half the size does not alias
    scale = (0.55 + 0.45 * draw[:, 0]).sqrt()
    flip = torch.where(draw[:, 1] < 0.5, -1.0, 1.0)
    shift = (draw[:, 2:4] * 2 - 1) * (1 - scale)[:, None]
    theta = torch.zeros(B, 2, 3)
    theta[:, 0, 0], theta[:, 0, 2] = scale * flip, shift[:, 0]
    theta[:, 1, 1], theta[:, 1, 2] = scale, shift[:, 1]
    grid = F.affine_grid(theta, [B, 3, size, size], align_corners=False)
    x = F.grid_sample(x, grid.to(x.device), padding_mode="reflection", align_corners=False)
    contrast = (0.75 + 0.5 * draw[:, 4])[:, None, None, None].to(x.device)
    brightness = (0.3 * draw[:, 5] - 0.15)[:, None, None, None].to(x.device)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return ((x - mean) * contrast + mean + brightness).clamp(0, 1)
