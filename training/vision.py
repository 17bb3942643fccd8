"""Trains one build: `python -m training.vision --attention plain|se|cbam --data … --run runs/cbam --start runs/trunk`.

The builds share recipe, seed, data order and length; photos are seen small first and larger later. `--trunk` trains
the first part of the plain build, from which every build goes on with `--start`; without it a build starts at random.
"""

from __future__ import annotations

import argparse
import sys
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
# Up to this share of the steps: the side of the photos. Cheap ones first. A crop shows things larger than the whole
# photo does, by 8/7 on average: seen last at 56 pixels, they have the size that they have in a whole photo of 64
# (Touvron et al. 2019, "Fixing the train-test resolution discrepancy").
SIDES = ((0.75, 32), (0.9, 48), (1.0, 56))
TRUNK = 0.45  # share of the steps that the builds have in common


@dataclass(frozen=True)
class Schedule:
    """How long and in what order a build sees the photos. until: share of the steps after which the training stops."""

    epochs: float = 20
    batch: int = 128
    seed: int = 0
    minutes: float | None = None  # instead of epochs
    until: float = 1.0


def side_at(step: int, steps: int) -> int:
    """Pixels of the photos' side at this step."""
    return next((side for share, side in SIDES if step < share * steps), SIDES[-1][1])


def full_length(steps: int, minutes: float, wanted: float) -> int:
    """Steps that take `wanted` minutes when the first `steps` took `minutes`: time goes with the photos' area."""
    shares = [share - before for (share, _), (before, _) in zip(SIDES, ((0.0, 0), *SIDES), strict=False)]
    slower = sum(share * (side / SIDES[0][1]) ** 2 for share, (_, side) in zip(shares, SIDES, strict=True))
    return max(int(steps * wanted / minutes / slower), 300)


def take_trunk(model: nn.Module, trunk: dict[str, Any]) -> None:
    """Loads the plain network's weights into a build; only its attention stays as it was made."""
    missing, unexpected = model.load_state_dict(trunk["model"], strict=False)
    other = [name for name in missing if not name.startswith("attentions.")] + unexpected
    if other:
        raise ValueError(f"the trunk and the build differ in {', '.join(other)}; expected them to differ in attention.")


def train(
    model: nn.Module,
    config: dict[str, Any],
    photos: Photos,
    run: run_folder.RunFolder,
    schedule: Schedule,
    device: str,
    trunk: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Trains `model`, or goes on where `run` stopped; returns the last checkpoint.

    model: images (B, 3, S, S) in 0…1 → logits (B, classes); config: what to build it from, kept in the checkpoint;
    trunk: checkpoint of the common part, at whose step and in whose schedule a new run begins.
    """
    per_epoch = len(photos.labels) // schedule.batch
    model = model.to(device).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(run_folder.parameter_groups(model, WEIGHT_DECAY), lr=PEAK_RATE)
    step, steps, minutes, first = 0, int(schedule.epochs * per_epoch), 0.0, 0
    mean, right = None, 0.0
    state = run.load()
    if trunk is not None:
        first = step = trunk["step"]
        steps, minutes, mean, right = trunk["steps"], trunk["minutes"], trunk["loss"], trunk["right"]
        take_trunk(model, trunk)
    if state is not None:
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, steps, minutes = state["step"], state["steps"], state["minutes"]
        mean, right = state["loss"], state["right"]
    fresh = state is None and trunk is None
    last = int(schedule.until * steps)

    began = time.monotonic() - 60 * minutes
    bar = tqdm(total=last, initial=step, mininterval=5)
    model.train()
    while step < last:
        epoch, index = divmod(step, per_epoch)
        rows = vision_data.order(len(photos.labels), epoch, schedule.seed)[index * schedule.batch :][: schedule.batch]
        generator = torch.Generator().manual_seed(schedule.seed * 7_919 + step)
        size = side_at(step, steps)
        images = vision_data.augmented(photos.images[rows].to(device), size, generator)
        labels = photos.labels[rows].to(device)
        for group in optimiser.param_groups:
            # The attention that joins a trunk begins gently; from scratch this multiplies the schedule's own warm-up.
            joined = min((step - first + 1) / WARMUP, 1.0)
            group["lr"] = joined * run_folder.learning_rate(step, steps, PEAK_RATE, WARMUP if first == 0 else 0)
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
            steps = full_length(step, minutes, schedule.minutes)
            last = bar.total = int(schedule.until * steps)
        bar.update()
        bar.set_postfix(loss=f"{mean:.3f}", right=f"{right:.2f}", size=size)
        if step % 50 == 0:
            row = {"step": step, "minutes": minutes, "loss": mean, "right": right, "size": size}
            run.log(row | {"rate": optimiser.param_groups[0]["lr"]})
        if run.due() or step == last:
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
    checkpoint = run.load()
    assert checkpoint is not None
    return checkpoint


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
    parser.add_argument("--batch", type=int, default=Schedule.batch)
    parser.add_argument("--cache", type=Path, default=Path("runs/photos.pt"), help="decoded photos")
    parser.add_argument("--trunk", action="store_true", help="only the part that the builds have in common, of plain")
    parser.add_argument("--start", type=Path, help="run folder of the trunk to go on from, in its schedule")
    options = parser.parse_args()
    if options.trunk and (options.attention != "plain" or options.start):
        parser.error("--trunk is for --attention plain, without --start: what the builds have in common is plain.")
    if options.start and not run_folder.has_checkpoint(options.start):
        sys.exit(f"{options.start} holds no checkpoint: train the trunk first, with --trunk (docs/training.md).")
    if options.threads:
        torch.set_num_threads(options.threads)
    photos, classes = read_photos(options), vision_classes()
    torch.manual_seed(options.seed)
    model = VisionModel(VisionConfig(options.attention, len(classes)), classes)
    until = TRUNK if options.trunk else 1.0
    schedule = Schedule(options.epochs, options.batch, options.seed, options.minutes, until)
    trunk = run_folder.RunFolder(options.start).load() if options.start else None
    run = run_folder.RunFolder(options.run)
    last = train(model, asdict(model.config), photos, run, schedule, options.device, trunk)
    if options.trunk:
        return
    run_folder.ship(
        last["model"],
        run_folder.ASSETS / "vision" / f"{options.attention}.safetensors",
        {
            "config": last["config"],
            "training": {
                "photos": len(photos.labels),
                "epochs": round(last["steps"] * schedule.batch / len(photos.labels), 2),
                "steps": last["steps"],
                "trunk_steps": trunk["step"] if trunk else 0,
                "minutes": round(last["minutes"], 1),
                "loss": round(last["loss"], 3),
                "threads": torch.get_num_threads(),
                "hardware": run_folder.hardware(options.device),
            },
        },
    )


if __name__ == "__main__":
    main()
