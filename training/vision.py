"""Trains one build: `python -m training.vision --attention plain|se|cbam --data … --run runs/cbam`.

The builds share recipe, seed, data order and length; photos are seen small first and at full size last.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from attention_core.models.registry import vision_classes
from attention_core.models.vision import VisionConfig, VisionModel
from training import run_folder, vision_data
from training.vision_data import Photos

PEAK_RATE, WARMUP, WEIGHT_DECAY, LABEL_SMOOTHING = 3e-3, 200, 0.05, 0.1
SHIPPED = VisionConfig("plain", 1)  # for the sizes that all builds have


@dataclass(frozen=True)
class Schedule:
    """How long and in what order a build sees the photos. small: share of the steps at half the side."""

    epochs: float = 24
    small: float = 0.75
    batch: int = 128
    seed: int = 0
    minutes: float | None = None  # instead of epochs


def size_at(step: int, steps: int, small: float, full_size: int) -> int:
    """Half the side during the first `small` share of the steps, then the full one."""
    return full_size // 2 if step < small * steps else full_size


def train(
    model: nn.Module, config: dict[str, Any], photos: Photos, run: run_folder.RunFolder, schedule: Schedule, device: str
) -> dict[str, Any]:
    """Trains `model`, or goes on where `run` stopped; returns the last checkpoint.

    model: images (B, 3, S, S) in 0…1 → logits (B, classes); config: what to build it from, kept in the checkpoint.
    """
    per_epoch = len(photos.labels) // schedule.batch
    model = model.to(device).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(run_folder.parameter_groups(model, WEIGHT_DECAY), lr=PEAK_RATE)
    step, steps, minutes = 0, int(schedule.epochs * per_epoch), 0.0
    mean, right = None, 0.0
    state = run.load()
    if state is not None:
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, steps, minutes = state["step"], state["steps"], state["minutes"]
        mean, right = state["loss"], state["right"]
    fresh = state is None

    began = time.monotonic() - 60 * minutes
    bar = tqdm(total=steps, initial=step, mininterval=5)
    model.train()
    while step < steps:
        epoch, index = divmod(step, per_epoch)
        rows = vision_data.order(len(photos.labels), epoch, schedule.seed)[index * schedule.batch :][: schedule.batch]
        generator = torch.Generator().manual_seed(schedule.seed * 7_919 + step)
        size = size_at(step, steps, schedule.small, SHIPPED.image_size)
        images = vision_data.augmented(photos.images[rows].to(device), size, generator)
        labels = photos.labels[rows].to(device)
        for group in optimiser.param_groups:
            group["lr"] = run_folder.learning_rate(step, steps, PEAK_RATE, WARMUP)
        with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
            logits = model(images.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=LABEL_SMOOTHING)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        step += 1
        hit = (logits.argmax(dim=1) == labels).float().mean().item()
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        right = 0.98 * right + 0.02 * hit
        minutes = (time.monotonic() - began) / 60
        if step == 50 and schedule.minutes and fresh:
            # The speed at the small size is known now; a photo at full size takes about 3.6 times as long.
            share = schedule.small + 3.6 * (1 - schedule.small)
            steps = bar.total = max(int(50 * schedule.minutes / minutes / share), 300)
        bar.update()
        bar.set_postfix(loss=f"{mean:.3f}", right=f"{right:.2f}", size=size)
        if step % 50 == 0:
            row = {"step": step, "minutes": minutes, "loss": mean, "right": right, "size": size}
            run.log(row | {"rate": optimiser.param_groups[0]["lr"]})
        if run.due() or step == steps:
            run.save(
                {
                    "config": config,
                    "model": model.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": step,
                    "steps": steps,
                    "minutes": minutes,
                    "loss": mean,
                    "right": right,
                }
            )
    bar.close()
    last = run.load()
    assert last is not None
    return last


def read_photos(options: argparse.Namespace) -> Photos:
    """The training photos, from the cache where they have been decoded before."""
    needed = [f"photos/{name}" for name in vision_data.ARCHIVES]
    data = Path() if options.cache.exists() else run_folder.data_folder(options.data, needed)
    return vision_data.training_photos(data, options.cache)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.vision", description=__doc__)
    run_folder.common_arguments(parser)
    parser.add_argument("--attention", choices=("plain", "se", "cbam"), required=True)
    parser.add_argument("--epochs", type=float, default=Schedule.epochs)
    parser.add_argument("--small", type=float, default=Schedule.small, help="share of the steps at half the side")
    parser.add_argument("--batch", type=int, default=Schedule.batch)
    parser.add_argument("--cache", type=Path, default=Path("runs/photos.pt"), help="decoded photos")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    photos, classes = read_photos(options), vision_classes()
    torch.manual_seed(options.seed)
    model = VisionModel(VisionConfig(options.attention, len(classes)), classes)
    schedule = Schedule(options.epochs, options.small, options.batch, options.seed, options.minutes)
    last = train(model, asdict(model.config), photos, run_folder.RunFolder(options.run), schedule, options.device)
    run_folder.ship(
        last["model"],
        run_folder.ASSETS / "vision" / f"{options.attention}.safetensors",
        {
            "config": last["config"],
            "training": {
                "photos": len(photos.labels),
                "epochs": round(last["steps"] * schedule.batch / len(photos.labels), 2),
                "steps": last["steps"],
                "minutes": round(last["minutes"], 1),
                "loss": round(last["loss"], 3),
                "threads": torch.get_num_threads(),
                "hardware": run_folder.hardware(options.device),
            },
        },
    )


if __name__ == "__main__":
    main()
