"""Trains the photo networks: `python -m training.vision --builds plain se cbam --seeds 0 1 2 --run runs/vision`.

Every build and seed is a run of its own in `--run`, resumed where it stopped by the same command; several go side by
side on one device. At its end the folder holds `{build}-{seed}.safetensors` and `runs.json`, which
`python -m training.seeds` scores and ships from. The builds share recipe and length, and of one seed the order of the
photos and their crops. With `--start` a network is trained further, on large photos alone.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from attention_core.models.registry import VISION_MODELS, vision_classes
from attention_core.models.vision import VisionConfig, VisionModel
from training import run_folder, vision_data, vision_runs
from training.auxiliary import Auxiliary
from training.course import Course, descend, set_rate
from training.vision_data import Photos
from training.weight_average import WeightAverage

RATE, BATCH, WARMUP, FLOOR, MOMENTUM = 0.25, 512, 300, 1e-3, 0.9
WEIGHT_DECAY, LABEL_SMOOTHING, LONGEST_GRADIENT = 5e-4, 0.1, 5.0
CUTMIX, UNMIXED = 0.3, 0.08  # share of the batches, and of the steps at the end that see whole photos
# Up to this share of the steps: the side of the photos. Cheap ones first. A crop shows things larger than the whole
# photo does, by 8/7 on average: seen last at 56 pixels, they have the size that they have in a whole photo of 64
# (Touvron et al. 2019, "Fixing the train-test resolution discrepancy").
SIDES = ((0.4, 32), (0.75, 48), (1.0, 56))
FURTHER_SIDES = SIDES[-1:]  # of a network that has seen small ones already


@dataclass(frozen=True)
class Schedule:
    """How long and in what order a build sees the photos. rate: at its peak, None = `RATE` for a batch of `BATCH`."""

    epochs: float = 41
    batch: int = BATCH
    seed: int = 0
    rate: float | None = None
    sides: tuple[tuple[float, int], ...] = SIDES

    @property
    def peak(self) -> float:
        """A batch a quarter as large takes steps a quarter as long (Goyal et al. 2017)."""
        return RATE * self.batch / BATCH if self.rate is None else self.rate


def side_at(step: int, steps: int, sides: tuple[tuple[float, int], ...] = SIDES) -> int:
    """Pixels of the photos' side at this step."""
    return next((side for share, side in sides if step < share * steps), sides[-1][1])


def parameter_groups(model: nn.Module) -> list[dict[str, Any]]:
    """Weight decay on kernels and matrices alone; none on norms and biases, and none inside the attention modules.

    They are told by their names: `attentions` of a `VisionModel`, `attention` of `models.insertion`.
    """
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        inside = any(part in ("attentions", "attention") for part in name.split("."))
        (kept if inside or parameter.dim() <= 1 else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": kept, "weight_decay": 0.0}]


def label_loss(labels: Tensor, others: Tensor, own: float) -> Callable[[Tensor], Tensor]:
    """Cross-entropy with smoothed labels (B,), of which `own` counts and the rest is that of `others` (B,)."""

    def loss(logits: Tensor) -> Tensor:
        mixed = own * F.cross_entropy(logits.float(), labels, label_smoothing=LABEL_SMOOTHING)
        if own < 1:
            mixed = mixed + (1 - own) * F.cross_entropy(logits.float(), others, label_smoothing=LABEL_SMOOTHING)
        return mixed

    return loss


def train(
    model: nn.Module,
    config: dict[str, Any],
    photos: Photos,
    run: run_folder.RunFolder,
    schedule: Schedule,
    device: str,
    auxiliary: Auxiliary | None = None,
) -> dict[str, Any]:
    """Trains `model`, or goes on where `run` stopped; returns the last checkpoint. `model` ends as the running mean.

    model: images (B, 3, S, S) in 0…1 → logits (B, classes); config: what to build it from, kept in the checkpoint. All
    randomness of a step follows from (seed, step).
    """
    per_epoch = len(photos.labels) // schedule.batch
    model = model.to(device).to(memory_format=torch.channels_last).train()
    parts = nn.ModuleList([model] if auxiliary is None else [model, auxiliary.to(device)])
    optimiser = torch.optim.SGD(parameter_groups(parts), lr=schedule.peak, momentum=MOMENTUM, nesterov=True)
    average = WeightAverage(model)
    state = run.load()
    if state is not None:
        parts.load_state_dict(state["parts"])
        optimiser.load_state_dict(state["optimiser"])
        average.load(state["average"])
    course = Course(run, int(schedule.epochs * per_epoch), state)
    warmup = min(WARMUP, course.steps // 10)
    while not course.ended:
        images, loss_of, side = _batch(photos, schedule, course.step, course.steps, device)
        rate = run_folder.learning_rate(course.step, course.steps, schedule.peak, warmup, FLOOR)
        set_rate(optimiser, rate)
        with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
            if auxiliary is None:
                loss = total = loss_of(model(images))
            else:
                assert isinstance(model, VisionModel)
                loss, others = auxiliary.losses(model, images, loss_of)
                total = loss + others
        descend(optimiser, total, parts.parameters(), LONGEST_GRADIENT)
        average.update(model, course.step)
        course.take(loss.item(), rate, size=side)
        if run.due() or course.ended:
            run.save(
                {
                    "config": config,
                    "parts": parts.state_dict(),
                    "average": average.state,
                    "optimiser": optimiser.state_dict(),
                    **course.state,
                }
            )
    checkpoint = run.load()
    assert checkpoint is not None
    model.load_state_dict(checkpoint["average"])
    return checkpoint


def _batch(
    photos: Photos, schedule: Schedule, step: int, steps: int, device: str
) -> tuple[Tensor, Callable[[Tensor], Tensor], int]:
    """The photos of a step (B, 3, S, S), the loss of logits for them, and S."""
    epoch, index = divmod(step, len(photos.labels) // schedule.batch)
    rows = vision_data.order(len(photos.labels), epoch, schedule.seed)[index * schedule.batch :][: schedule.batch]
    generator = torch.Generator().manual_seed(schedule.seed * 7_919 + step)
    side = side_at(step, steps, schedule.sides)
    images = vision_data.augmented(photos.images[rows].to(device), side, generator)
    labels, own = photos.labels[rows].to(device), 1.0
    if torch.rand(1, generator=generator).item() < CUTMIX and step < (1 - UNMIXED) * steps:
        images, own = vision_data.cut_mixed(images, generator)
    images = images.contiguous(memory_format=torch.channels_last)
    return images, label_loss(labels, labels.roll(1), own), side


def read_photos(options: argparse.Namespace) -> Photos:
    """The training photos, from the cache where they have been decoded before."""
    needed = [f"photos/{name}" for name in vision_data.ARCHIVES]
    data = Path() if options.cache.exists() else run_folder.data_folder(options.data, needed)
    return vision_data.training_photos(data, options.cache)


def side_by_side(arguments: list[str], pairs: list[tuple[str, int]], folder: Path) -> None:
    """One process for each (build, seed), all at once; what they print goes into their folders.

    Ends the program where one of them failed, naming it, after the others have ended.
    """
    started = {}
    for build, seed in pairs:
        name = f"{build}-{seed}"
        (folder / name).mkdir(parents=True, exist_ok=True)
        own = [sys.executable, "-m", "training.vision", *arguments, "--builds", build, "--seeds", str(seed)]
        with (folder / name / "output.txt").open("a", encoding="utf-8") as output:
            started[name] = subprocess.Popen(own, stdout=output, stderr=subprocess.STDOUT)
    try:
        failed = [name for name, process in started.items() if process.wait()]
    except KeyboardInterrupt:
        for process in started.values():
            process.terminate()
        raise
    if failed:
        sys.exit(f"{', '.join(failed)} failed: see output.txt there. The same command goes on with what is missing.")


def run_one(options: argparse.Namespace, photos: Photos, build: Any, seed: int) -> None:
    """One build and seed, from its first step or where it stopped, to its weights in the folder of all runs."""
    classes = vision_classes()
    stages = len(VisionConfig.widths)
    borders = ("reflect",) * (stages - 1) + ("zeros",) if options.reflect else ()
    torch.manual_seed(seed)
    model = VisionModel(VisionConfig(build, len(classes), borders=borders), classes)  # type: ignore[arg-type]
    if options.start:
        state = load_file(options.start)
        model.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in state.items()})
    auxiliary = Auxiliary(model, options.auxiliary) if options.auxiliary else None
    sides = FURTHER_SIDES if options.start else SIDES
    schedule = Schedule(options.epochs, options.batch, seed, options.rate, sides)
    name = f"{build}-{seed}"
    run = run_folder.RunFolder(options.run / name)
    last = train(model, asdict(model.config), photos, run, schedule, options.device, auxiliary)
    recipe = {
        "epochs": schedule.epochs,
        "batch": schedule.batch,
        "seed": seed,
        "opt": "sgd",
        "lr": schedule.peak,
        "wd": WEIGHT_DECAY,
        "cutmix": CUTMIX,
        "sizes": schedule.sides,
        **({"auxiliary": options.auxiliary} if options.auxiliary else {}),
        **({"start": options.start.name} if options.start else {}),
    }
    told = vision_runs.described(model.config, recipe, last, len(photos.labels), options.device)
    vision_runs.keep_run(options.run, name, last["average"], told)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.vision", description=__doc__)
    run_folder.common_arguments(parser)
    parser.add_argument("--builds", nargs="+", choices=VISION_MODELS, default=VISION_MODELS)
    parser.add_argument("--seeds", nargs="+", type=int, default=(0,))
    parser.add_argument("--epochs", type=float, default=Schedule.epochs)
    parser.add_argument("--batch", type=int, default=Schedule.batch)
    parser.add_argument("--rate", type=float, help=f"learning rate at its peak; {RATE} for a batch of {BATCH}")
    parser.add_argument("--cache", type=Path, default=Path("runs/photos.pt"), help="decoded photos")
    parser.add_argument("--start", type=Path, help="weights (safetensors) of one build to train further")
    parser.add_argument("--auxiliary", type=float, default=0.0, help="weight of classifiers on the early stages")
    parser.add_argument("--reflect", action="store_true", help="mirror the maps around the early masks' convolutions")
    options = parser.parse_args()
    pairs = list(itertools.product(options.builds, options.seeds))
    if options.start and len(pairs) > 1:
        parser.error("--start is for one build and one seed: name them with --builds and --seeds.")
    if options.start and not options.start.exists():
        sys.exit(f"{options.start} is not there: --start takes a file of weights (docs/training.md).")
    if options.threads:
        torch.set_num_threads(options.threads)
    photos = read_photos(options)
    if len(pairs) > 1:
        side_by_side(vision_runs.shared_arguments(options), pairs, options.run)
        vision_runs.collect(options.run)
    else:
        run_one(options, photos, *pairs[0])


if __name__ == "__main__":
    main()
