"""Markdown tables, and the words that cards and documents share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from training.shares import Scores

TRAINING = ("photos", "epochs", "steps", "minutes", "threads", "hardware", "loss")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def training_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """What the manifest says about the training; "–" for what it leaves out, as one of unfinished weights does."""
    known: dict[str, Any] = dict.fromkeys(("pairs", *TRAINING), "–") | manifest["training"]
    return known


def head_name(place: Scores) -> str:
    return f"layer {place['layer'] + 1}, head {place['head'] + 1}"


MAP_NAMES = {
    "mask": "mask",
    "inverted": "1 − mask",
    "features": "mean |feature|",
    "cam": "CAM",
    "grad_cam": "Grad-CAM",
    "random": "random patches",
    "centred_gaussian": "centred Gaussian",
}
DIRECTION_NAMES = {"en_zh": "English → Chinese", "zh_en": "Chinese → English", "product": "product of both"}
