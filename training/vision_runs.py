"""What a folder of photo-network trainings holds: the weights of each build and seed, and how they were made."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from attention_core.models.vision import VisionConfig
from training import curves, run_folder
from training.seeds import RUNS

SOURCE = "by `python -m training.vision`"
PASSED_ON = ("data", "run", "threads", "device", "epochs", "batch", "rate", "cache")


def shared_arguments(options: argparse.Namespace) -> list[str]:
    """The command line of one of several trainings, but for its build and seed."""
    given = [(name, getattr(options, name)) for name in PASSED_ON]
    written = [part for name, value in given if value is not None for part in (f"--{name}", str(value))]
    if options.auxiliary:
        written += ["--auxiliary", str(options.auxiliary)]
    return [*written, *(["--reflect"] if options.reflect else [])]


def described(
    config: VisionConfig, recipe: dict[str, Any], last: dict[str, Any], photos: int, device: str
) -> dict[str, Any]:
    """`recipe` and `result` of a finished training, in the form that `training.seeds` reads."""
    return {
        "recipe": {
            **{name: list(getattr(config, name)) for name in ("widths", "strides", "depths", "dilations", "borders")},
            "stem": config.stem_stride,
            "reduction": config.reduction,
            "attention": config.attention,
            **recipe,
        },
        "result": {
            "photos": photos,
            "steps": last["step"],
            "epochs": recipe["epochs"],
            "seconds": round(60 * last["minutes"], 1),
            "loss": last["loss"],
            "threads": torch.get_num_threads(),
            "hardware": run_folder.hardware(device),
            "source": SOURCE,
        },
    }


def keep_run(folder: Path, name: str, state: dict[str, torch.Tensor], told: dict[str, Any]) -> None:
    """Writes `{build}-{seed}.safetensors`, in float16, and what it was made by, and renews `runs.json`."""
    run_folder.save_weights(state, folder / f"{name}.safetensors")
    (folder / name / "run.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    collect(folder)


def collect(folder: Path) -> None:
    """`runs.json` from what every finished training left in its own folder."""
    found = {}
    for path in sorted(folder.glob("*/run.json")):
        log = curves.read_log(path.parent / "log.csv")
        found[path.parent.name] = {**json.loads(path.read_text(encoding="utf-8")), "log": log}
    partial = folder / f"{RUNS}.partial"
    partial.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    partial.replace(folder / RUNS)
