"""Why gates die: `python -m training.dead_gates --data … --run runs/dead-gates`.

A small network on 20 classes at 32 pixels, trained with AdamW as the networks were whose gates came out the same for
every photo. What is varied: whether the attention is there from the first step, or joins a trunk that has learned 45%
of its steps without it; and how many hidden units the excitation has. Each run says, per stage, how its gates are.
Results so far stand in the run folder; the same command goes on with what is missing, and writes the table in
docs/training.md.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from attention_core.mechanisms.cbam import CBAM
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation
from attention_core.models.vision import PIXEL_MEAN, PIXEL_SPREAD, AttentionKind, VisionConfig, VisionModel
from training import documents, run_folder, vision_data
from training.course import descend, set_rate
from training.shares import Scores, rounded
from training.tables import table
from training.vision_data import Photos

MARKERS = ("<!-- gates: written by python -m training.dead_gates -->", "<!-- end of gates -->")
DOCUMENT = run_folder.ASSETS.parent / "docs" / "training.md"
BUILDS: tuple[AttentionKind, ...] = ("se", "cbam")
JOINS = (0.0, 0.45)  # share of the steps that the trunk learns without attention
REDUCTIONS = (16, 4)
CLASSES, SIDE, BATCH = 20, 32, 128
RATE, WARMUP, WEIGHT_DECAY, SMOOTHING = 3e-3, 100, 0.05, 0.1
NEVER = 0.01  # a hidden unit that is on for fewer photos than this says nothing of a photo


@dataclass(frozen=True)
class Variant:
    """One run. join: share of the steps before the attention joins."""

    build: AttentionKind
    join: float
    reduction: int
    seed: int

    def __str__(self) -> str:
        return f"{self.build}-join{self.join:g}-r{self.reduction}-{self.seed}"


def network(attention: AttentionKind, reduction: int) -> VisionModel:
    """Three stages of one block, a 32nd of the photo's area at the end."""
    return VisionModel(
        VisionConfig(
            attention,
            CLASSES,
            widths=(32, 64, 160),
            strides=(1, 2, 1),
            depths=(1, 1, 1),
            dilations=(1, 1, 1, 1, 2, 4),
            stem_stride=2,
            reduction=reduction,
        )
    )


def learn(model: VisionModel, photos: Photos, first: int, last: int, steps: int, seed: int) -> None:
    """Steps `first` … `last` of a schedule of `steps`; what begins in its midst begins gently."""
    optimiser = torch.optim.AdamW(run_folder.parameter_groups(model, WEIGHT_DECAY), lr=RATE)
    per_epoch = len(photos.labels) // BATCH
    model.train()
    for step in tqdm(range(first, last), mininterval=5, leave=False):
        epoch, index = divmod(step, per_epoch)
        rows = vision_data.order(len(photos.labels), epoch, seed)[index * BATCH :][:BATCH]
        generator = torch.Generator().manual_seed(seed * 7_919 + step)
        images = vision_data.augmented(photos.images[rows], SIDE, generator)
        rate = run_folder.learning_rate(step, steps, RATE, WARMUP if first == 0 else 0)
        set_rate(optimiser, rate * min((step - first + 1) / WARMUP, 1.0))
        loss = F.cross_entropy(model(images), photos.labels[rows], label_smoothing=SMOOTHING)
        descend(optimiser, loss, model.parameters(), 2.0)


def trained(variant: Variant, photos: Photos, steps: int) -> VisionModel:
    """The network of a variant; before the join it is plain, of the same seed."""
    torch.manual_seed(variant.seed)
    model, joined = network(variant.build, variant.reduction), int(variant.join * steps)
    if joined:
        trunk = network("plain", variant.reduction)
        trunk.load_state_dict({k: v for k, v in model.state_dict().items() if not k.startswith("attentions.")})
        learn(trunk, photos, 0, joined, steps, variant.seed)
        model.load_state_dict(trunk.state_dict(), strict=False)
    learn(model, photos, joined, steps, steps, variant.seed)
    return model.eval()


@torch.inference_mode()
def channel_pass(model: VisionModel, images: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """For each stage and photo: which hidden units are on (N, r), the logits (N, C) and the gates (N, C)."""
    h = model.stem((images - PIXEL_MEAN) / PIXEL_SPREAD)
    for stage, attention in zip(model.stages, model.attentions, strict=True):
        h = stage(h)
        if isinstance(attention, CBAM):
            channel = attention.channel.trace(h)
            on = (channel.avg_hidden > 0) | (channel.max_hidden > 0)
            yield on, channel.avg_logits + channel.max_logits, channel.weights
        elif isinstance(attention, SqueezeExcitation):
            squeezed = attention.trace(h)
            yield squeezed.hidden > 0, squeezed.logits, squeezed.weights
        h = attention(h)


def life(on: Tensor, logits: Tensor, gates: Tensor) -> Scores:
    """How the gates of a stage are: which hidden units ever speak, how saturated, how different between photos."""
    return {
        "hidden": on.shape[1],
        "silent": (on.float().mean(dim=0) < NEVER).sum().item(),
        "logit": logits.abs().mean().item(),
        "logit_deviation": logits.std(dim=0).mean().item(),
        "gate_deviation": gates.std(dim=0).mean().item(),
    }


def scores_of(model: VisionModel, dev: Photos) -> Scores:
    """Accuracy on the dev photos, and the life of the gates of each stage."""
    parts = [list(channel_pass(model, vision_data.at_size(images, SIDE))) for images in torch.split(dev.images, 250)]
    stages = [[torch.cat(tensors) for tensors in zip(*stage, strict=True)] for stage in zip(*parts, strict=True)]
    with torch.inference_mode():
        named = [model(vision_data.at_size(images, SIDE)).argmax(dim=1) for images in torch.split(dev.images, 250)]
    right = (torch.cat(named) == dev.labels).float().mean().item()
    scores: Scores = rounded({"top1": right, "stages": [life(*stage) for stage in stages]})
    return scores


def written(results: dict[str, Scores]) -> str:
    """The table: a row a build, join and reduction, means over the seeds."""
    rows = []
    for build, join, reduction in itertools.product(BUILDS, JOINS, REDUCTIONS):
        alike = str(Variant(build, join, reduction, 0)).removesuffix("0")
        runs = [scores for name, scores in results.items() if name.startswith(alike)]
        if not runs:
            continue
        stages = list(zip(*(run["stages"] for run in runs), strict=True))

        def mean(key: str, stages: list[tuple[Scores, ...]] = stages) -> list[float]:
            return [statistics.mean(stage[key] for stage in of_seeds) for of_seeds in stages]

        rows.append(
            [
                build.upper(),
                "from the first step" if join == 0 else f"joins after {join:.0%}",
                len(runs),
                _listed("{:.3f}", mean("gate_deviation")),
                " · ".join(f"{a:g} of {b:g}" for a, b in zip(mean("silent"), mean("hidden"), strict=True)),
                _listed("{:.1f}", mean("logit")),
                f"{100 * statistics.mean(run['top1'] for run in runs):.1f}",
            ]
        )
    deviation, silent = "gates' deviation between photos", "silent hidden units"
    return table(("", "attention", "seeds", deviation, silent, "mean abs. logit", "top-1"), rows)


def _listed(form: str, numbers: list[float]) -> str:
    return " · ".join(form.format(number) for number in numbers)


def of_classes(photos: Photos) -> Photos:
    """The photos of the first classes."""
    kept = photos.labels < CLASSES
    return Photos(photos.images[kept], photos.labels[kept])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.dead_gates", description=__doc__)
    parser.add_argument("--data", help="folder with text/ and photos/ (or the variable ATTENTION_DATA)")
    parser.add_argument("--run", type=Path, required=True, help="folder of the results; give it again to go on")
    parser.add_argument("--epochs", type=float, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--reductions", type=int, nargs="+", default=list(REDUCTIONS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=Path("runs/photos.pt"), help="decoded photos")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    data = run_folder.data_folder(options.data, [f"photos/{name}" for name in (*vision_data.ARCHIVES, "dev.zip")])
    training = of_classes(vision_data.training_photos(data, options.cache))
    dev = of_classes(vision_data.dev_photos(data)[0])
    steps = int(options.epochs * (len(training.labels) // BATCH))
    options.run.mkdir(parents=True, exist_ok=True)
    kept = options.run / "results.json"
    results: dict[str, Scores] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for seed, reduction, build, join in itertools.product(options.seeds, options.reductions, BUILDS, JOINS):
        variant = Variant(build, join, reduction, seed)
        if str(variant) not in results:
            results[str(variant)] = scores_of(trained(variant, training, steps), dev)
            kept.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            print(variant, json.dumps(results[str(variant)]), flush=True)
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(documents.with_section(document, *MARKERS, written(results)), encoding="utf-8")


if __name__ == "__main__":
    main()
