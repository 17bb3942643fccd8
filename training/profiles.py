"""Excitation profiles, as in Hu et al. 2018, "Squeeze-and-Excitation Networks", Figs. 6 and 7.

The mean channel weight of each class at each stage, and how far a stage's weights depend on the class: early stages
weight channels alike whatever the photo shows, later ones by what it shows.

N photos, K classes, C channels.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from training.shares import Scores, rounded


def class_means(weights: Tensor, labels: Tensor, classes: int) -> Tensor:
    """weights (N, C), labels (N,) → (K, C); NaN for a class without photos."""
    sums = torch.zeros(classes, weights.shape[1]).index_add_(0, labels, weights)
    return sums / labels.bincount(minlength=classes)[:, None]


def class_share(weights: Tensor, labels: Tensor, classes: int) -> float:
    """Between-class over total variance, summed over channels: 0 = no class differs, 1 = photos of a class do not."""
    centred = weights - weights.mean(dim=0)
    means = class_means(centred, labels, classes).nan_to_num()
    between = (labels.bincount(minlength=classes)[:, None] * means.square()).sum()
    return (between / centred.square().sum().clamp_min(1e-12)).item()


def profile_scores(weights: dict[str, Tensor], labels: Tensor, classes: int) -> Scores:
    """stage → class_share, what chance gives for shuffled labels, and the range of the weights."""
    chance = (len(set(labels.tolist())) - 1) / (len(labels) - 1)
    tidy: Scores = rounded(
        {
            name: {
                "class_share": class_share(stage, labels, classes),
                "chance": chance,
                "smallest": stage.min().item(),
                "largest": stage.max().item(),
                "spread": stage.std(dim=0).mean().item(),
            }
            for name, stage in weights.items()
        }
    )
    return tidy


def save_measured(tensors: dict[str, Tensor], path: Path, networks: dict[str, str]) -> None:
    """Writes "build.stage" → tensor as float16 safetensors, for the app to draw, and a manifest beside it.

    networks: build → checksum of the weights that they were measured on.
    """
    save_file({name: tensor.half().contiguous() for name, tensor in tensors.items()}, path)
    path.chmod(0o644)
    manifest = {
        "weights": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "networks": networks,
    }
    path.with_suffix(".json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
