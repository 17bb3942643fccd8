"""What every training shares: where its data is, and how it stops and goes on exactly where it was."""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from attention_core.runtime.device import processor_name

ASSETS = Path(__file__).resolve().parent.parent / "assets"


def data_folder(argument: str | None, needed: list[str]) -> Path:
    """The data folder from `--data` or `ATTENTION_DATA`; ends the program, naming what is missing."""
    named = argument or os.environ.get("ATTENTION_DATA")
    if not named:
        sys.exit("Where is the training data? Give its folder as --data or in ATTENTION_DATA (docs/training.md).")
    folder = Path(named)
    missing = [name for name in needed if not (folder / name).exists()]
    if missing:
        sys.exit(f"{folder} lacks {', '.join(missing)}. docs/training.md names the public sources.")
    return folder


def common_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that every training has."""
    parser.add_argument("--data", help="folder with text/ and photos/ (or the variable ATTENTION_DATA)")
    parser.add_argument("--run", type=Path, required=True, help="folder of checkpoint and log; give it again to resume")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")


def learning_rate(step: int, steps: int, peak: float, warmup: int, floor: float = 0.01) -> float:
    """Linear warm-up to `peak`, then half a cosine down to `floor` of it."""
    if step < warmup:
        return peak * (step + 1) / warmup
    along = min((step - warmup) / max(steps - warmup, 1), 1.0)
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * along)))


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices and kernels only: on a norm's γ it pulls a mask towards flat."""
    decayed = [p for p in model.parameters() if p.dim() > 1]
    kept = [p for p in model.parameters() if p.dim() <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]


class RunFolder:
    """Checkpoint and CSV log of one run. Data order and masks follow from (seed, step), so no generator is saved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint = folder / "checkpoint.pt"
        self._saved_at = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The last checkpoint, or None in a new folder."""
        if not self.checkpoint.exists():
            return None
        state: dict[str, Any] = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        return state

    def save(self, state: Mapping[str, Any]) -> None:
        """Replaces the checkpoint in one step, so that a kill leaves the old one or the new one."""
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(dict(state), partial)
        partial.replace(self.checkpoint)
        self._saved_at = time.monotonic()

    def due(self, every_s: float = 120.0) -> bool:
        """Whether the last checkpoint is older than this."""
        return time.monotonic() - self._saved_at > every_s

    def log(self, row: Mapping[str, float | int]) -> None:
        """Adds one line to log.csv."""
        path = self.folder / "log.csv"
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(row))
            if new:
                writer.writeheader()
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


def save_weights(state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Writes a state dict as float16 safetensors; counters stay whole numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, tensor in state.items()
    }
    save_file(tensors, path)
    path.chmod(0o644)


def ship(state: Mapping[str, torch.Tensor], path: Path, manifest: dict[str, Any]) -> None:
    """Writes float16 safetensors and, beside it, `<name>.json` with the manifest and the file's checksum."""
    save_weights(state, path)
    described = {**manifest, "weights": path.name, "sha256": checksum(path)}
    path.with_suffix(".json").write_text(json.dumps(described, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hardware(device: str) -> str:
    """The processor that trains, as the system names it, for the model card."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    return processor_name()
