"""Trains one build: `python -m training.vision --attention plain|se|cbam --data … --run runs/cbam`.

The builds share recipe, seed, data order and length; photos are seen small first and at full size last.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from tqdm import tqdm

from attention_core.models.registry import vision_classes
from attention_core.models.vision import VisionConfig, VisionModel
from training import run_folder, vision_data

PEAK_RATE, WARMUP, WEIGHT_DECAY, LABEL_SMOOTHING = 3e-3, 200, 0.05, 0.1


def size_at(step: int, steps: int, small: float, full_size: int) -> int:
    """Half the side during the first `small` share of the steps, then the full one."""
    return full_size // 2 if step < small * steps else full_size


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.vision", description=__doc__)
    run_folder.common_arguments(parser)
    parser.add_argument("--attention", choices=("plain", "se", "cbam"), required=True)
    parser.add_argument("--epochs", type=float, default=10)
    parser.add_argument("--small", type=float, default=0.6, help="share of the steps at half the side")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--cache", type=Path, default=Path("runs/photos.pt"), help="decoded photos")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    run = run_folder.RunFolder(options.run)
    needed = [f"photos/{name}" for name in vision_data.ARCHIVES]
    data = Path() if options.cache.exists() else run_folder.data_folder(options.data, needed)
    photos = vision_data.training_photos(data, options.cache)
    classes = vision_classes()
    per_epoch = len(photos.labels) // options.batch

    torch.manual_seed(options.seed)
    model = VisionModel(VisionConfig(options.attention, len(classes)), classes)
    model = model.to(options.device).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(run_folder.parameter_groups(model, WEIGHT_DECAY), lr=PEAK_RATE)
    step, steps, minutes = 0, int(options.epochs * per_epoch), 0.0
    state = run.load()
    if state is not None:
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, steps, minutes = state["step"], state["steps"], state["minutes"]

    began, mean, right = time.monotonic() - 60 * minutes, None, 0.0
    bar = tqdm(total=steps, initial=step, mininterval=5)
    model.train()
    while step < steps:
        epoch, index = divmod(step, per_epoch)
        rows = vision_data.order(len(photos.labels), epoch, options.seed)[index * options.batch :][: options.batch]
        generator = torch.Generator().manual_seed(options.seed * 7_919 + step)
        size = size_at(step, steps, options.small, model.config.image_size)
        images = vision_data.augmented(photos.images[rows].to(options.device), size, generator)
        labels = photos.labels[rows].to(options.device)
        for group in optimiser.param_groups:
            group["lr"] = run_folder.learning_rate(step, steps, PEAK_RATE, WARMUP)
        with torch.autocast(options.device, torch.bfloat16, enabled=options.device != "cpu"):
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
        if step == 50 and options.minutes and state is None:
            # The speed at the small size is known now; a photo at full size takes about 3.6 times as long.
            share = options.small + 3.6 * (1 - options.small)
            steps = bar.total = max(int(50 * options.minutes / minutes / share), 300)
        bar.update()
        bar.set_postfix(loss=f"{mean:.3f}", right=f"{right:.2f}", size=size)
        if step % 50 == 0:
            row = {"step": step, "minutes": minutes, "loss": mean, "right": right, "size": size}
            run.log(row | {"rate": optimiser.param_groups[0]["lr"]})
        if run.due() or step == steps:
            run.save(
                {
                    "config": asdict(model.config),
                    "model": model.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": step,
                    "steps": steps,
                    "minutes": minutes,
                }
            )
    bar.close()
    run_folder.ship(
        model.state_dict(),
        run_folder.ASSETS / "vision" / f"{options.attention}.safetensors",
        {
            "config": asdict(model.config),
            "training": {
                "photos": len(photos.labels),
                "epochs": round(steps / per_epoch, 2),
                "steps": steps,
                "minutes": round(minutes, 1),
                "loss": round(mean or 0.0, 3),
                "threads": torch.get_num_threads(),
                "hardware": run_folder.hardware(options.device),
            },
        },
    )


if __name__ == "__main__":
    main()
