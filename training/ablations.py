"""What the papers vary, at this scale: `python -m training.ablations --data … --run runs/ablations`.

Every variant is trained alike on the first classes alone, and scored on the training photos, seen as the dev photos
are, and on the dev photos of these classes. Results so far stand in assets/vision/ablations.json; the same command
goes on with what is missing.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from attention_core.models.vision import VisionConfig
from training import run_folder, variants, vision_data
from training.shares import Scores, measured
from training.vision import Schedule, read_photos, train
from training.vision_data import Photos

RESULTS = run_folder.ASSETS / "vision" / "ablations.json"
REFERENCES = ("plain", "se", "cbam")
BATCH = 128  # of the few photos of the first classes there would be too few steps of a full batch


@torch.inference_mode()
def right(model: nn.Module, photos: Photos, size: int, device: str) -> Tensor:
    """Which photos a build names rightly, bool (N,)."""
    model = model.eval().to(device)
    hits = []
    for images, labels in zip(torch.split(photos.images, 250), torch.split(photos.labels, 250), strict=True):
        x = vision_data.at_size(images, size).to(device)
        hits.append(model(x).argmax(dim=1).cpu() == labels)
    return torch.cat(hits)


def of_classes(photos: Photos, classes: int) -> Photos:
    """The photos of the first `classes` classes."""
    kept = photos.labels < classes
    return Photos(photos.images[kept], photos.labels[kept])


def variant_scores(
    name: str, training: Photos, dev: Photos, classes: int, folder: Path, schedule: Schedule, device: str
) -> tuple[Scores, Tensor]:
    """Trains one variant and scores it: (scores, which dev photos it names rightly)."""
    torch.manual_seed(schedule.seed)
    model = variants.build(name, classes)
    run = run_folder.RunFolder(folder / f"{name}-{schedule.seed}")
    last = train(model, {"variant": name}, training, run, schedule, device)
    size = VisionConfig("plain", classes).image_size
    seen, unseen = (right(model, photos, size, device) for photos in (training, dev))
    scores: Scores = {
        "train_top1": measured(seen),
        "dev_top1": measured(unseen),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "minutes": round(last["minutes"], 1),
        "loss": round(last["loss"], 4),
    }
    return scores, unseen


def sizes_of(config: VisionConfig) -> Scores:
    """The sizes that all variants share, so that a reader can hold them against what ships."""
    return {name: value for name, value in asdict(config).items() if name not in ("attention", "classes")}


def compared(hits: dict[str, Tensor]) -> dict[str, dict[str, Scores]]:
    """variant → reference → mean difference over the same dev photos, with its paired standard error."""
    return {
        name: {
            reference: measured(hit.double() - hits[reference].double())
            for reference in REFERENCES
            if reference in hits and reference != name
        }
        for name, hit in hits.items()
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.ablations", description=__doc__)
    run_folder.common_arguments(parser)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--epochs", type=float, default=16)
    parser.add_argument("--variants", nargs="+", choices=tuple(variants.VARIANTS), default=tuple(variants.VARIANTS))
    parser.add_argument("--cache", type=Path, default=Path("runs/photos.pt"), help="decoded photos")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    data = run_folder.data_folder(options.data, ["photos/dev.zip", "photos/dev_boxes.csv"])
    training = of_classes(read_photos(options), options.classes)
    dev = of_classes(vision_data.dev_photos(data)[0], options.classes)
    schedule = Schedule(options.epochs, BATCH, options.seed)
    scores: dict[str, Scores] = {}
    hits: dict[str, Tensor] = {}
    for name in options.variants:
        scores[name], hits[name] = variant_scores(
            name, training, dev, options.classes, options.run, schedule, options.device
        )
        found = {
            "classes": options.classes,
            "epochs": options.epochs,
            "seed": options.seed,
            "train_photos": len(training.labels),
            "dev_photos": len(dev.labels),
            "hardware": run_folder.hardware(options.device),
            "network": sizes_of(variants.BUILD),
            "variants": scores,
            "differences": compared(hits),
        }
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"{name}: train {scores[name]['train_top1']['value']:.3f}, dev {scores[name]['dev_top1']['value']:.3f}")


if __name__ == "__main__":
    main()
