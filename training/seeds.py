"""Several seeds of each build: which one ships, and what the differences between builds are worth.

`python -m training.seeds FOLDER` scores every `{build}-{seed}.safetensors` of a folder on the dev photos and ships the
median seed of each build, so that neither a lucky nor an unlucky draw stands for its build. `runs.json` beside them
says how each was trained: `python -m training.vision` writes both.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import Tensor

from attention_core.models.registry import VISION_MODELS, vision_classes
from attention_core.models.vision import AttentionKind, VisionConfig, VisionModel
from training import run_folder, vision_data
from training.passes import kept_pass
from training.shares import Scores, measured, rounded
from training.vision_scores import DevPhotos

RUNS = "runs.json"
NAME = re.compile(r"(\w+)-(\d+)\.safetensors")
ELSEWHERE = "by this recipe, outside of this repository's command"


@dataclass(frozen=True)
class SeedRun:
    """One trained network of a folder.

    recipe: its settings; result: steps, epochs, photos, seconds, loss; log: step, seconds, loss, size of some steps.
    """

    build: AttentionKind
    seed: int
    weights: Path
    recipe: dict[str, Any]
    result: dict[str, Any]
    log: list[dict[str, float]]

    @property
    def config(self) -> VisionConfig:
        """The sizes of its network."""
        widths, strides, depths, dilations = (
            tuple(self.recipe[key]) for key in ("widths", "strides", "depths", "dilations")
        )
        return VisionConfig(
            self.build,
            len(vision_classes()),
            widths,
            strides,
            depths,
            dilations,
            stem_stride=self.recipe["stem"],
            reduction=self.recipe["reduction"],
            borders=tuple(self.recipe.get("borders", ())),
        )


def seed_runs(folder: Path) -> list[SeedRun]:
    """The trained networks of a folder, build by build in the order in which they ship."""
    described = json.loads((folder / RUNS).read_text(encoding="utf-8"))
    found = []
    for path in folder.glob("*.safetensors"):
        if (match := NAME.fullmatch(path.name)) and match[1] in VISION_MODELS:
            run = described[path.stem]
            found.append(
                SeedRun(cast(AttentionKind, match[1]), int(match[2]), path, run["recipe"], run["result"], run["log"])
            )
    return sorted(found, key=lambda run: (VISION_MODELS.index(run.build), run.seed))


def load_seed(run: SeedRun, device: str) -> VisionModel:
    """The network itself, ready to score."""
    model = VisionModel(run.config, vision_classes())
    state = load_file(run.weights)
    model.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in state.items()})
    return model.eval().requires_grad_(False).to(device)


def median_seed(top1: dict[int, float]) -> int:
    """The seed with the middle score; of an even number, the lower of the two in the middle."""
    return sorted(top1, key=lambda seed: (top1[seed], seed))[(len(top1) - 1) // 2]


@torch.inference_mode()
def top1(model: VisionModel, images: Tensor, labels: Tensor, batch: int = 100) -> float:
    """Share of photos named rightly; images (N, 3, S, S) in 0…1, labels (N,)."""
    device = model.classifier.weight.device
    named = [model(part.to(device)).argmax(dim=1).cpu() for part in torch.split(images, batch)]
    return (torch.cat(named) == labels).double().mean().item()


def seed_scores(hits: dict[str, dict[int, Tensor]]) -> Scores:
    """Accuracy over several seeds. hits: build → seed → which photos are named rightly, bool (N,).

    `builds`: of each build the `top1` of every seed, their mean, and two standard errors: that over seeds (how far
    another mean of as many trainings would lie) and that over photos (how far another set of photos), with
    `standard_error` the root of the sum of their squares. `minus_plain`: the same of the differences, paired over both:
    a seed decides the order of the photos and their crops alike in every build. `comparisons`: how many these are.
    """
    builds = {build: _over_seeds({seed: hit.double() for seed, hit in found.items()}) for build, found in hits.items()}
    differences = {
        build: _over_seeds(
            {seed: hit.double() - hits["plain"][seed].double() for seed, hit in found.items() if seed in hits["plain"]}
        )
        for build, found in hits.items()
        if build != "plain" and "plain" in hits
    }
    tidy: Scores = rounded({"builds": builds, "minus_plain": differences, "comparisons": len(differences)})
    return tidy


def _over_seeds(values: dict[int, Tensor]) -> Scores:
    """Seed → (N,) numbers of the photos; the mean over both and its errors."""
    table = torch.stack(list(values.values()))  # (seeds, N)
    means = table.mean(dim=1)
    photos = measured(table.mean(dim=0))["standard_error"]
    seeds = (means.std() / len(means) ** 0.5).item() if len(means) > 1 else float("nan")
    return {
        "value": means.mean().item(),
        "error_seeds": seeds,
        "error_photos": photos,
        "standard_error": math.hypot(seeds, photos),
        "seeds": {str(seed): mean for seed, mean in zip(values, means.tolist(), strict=True)},
    }


def compared(runs: Sequence[SeedRun], photos: DevPhotos, keep: Path | None, device: str) -> Scores:
    """`seeds`: `seed_scores` of all these networks on the dev photos; its `minus_plain` stands for one seed's."""
    hits: dict[str, dict[int, Tensor]] = {}
    for run in runs:
        model = load_seed(run, device)
        seen = kept_pass(model, photos.images[model.config.image_size], keep)
        hits.setdefault(run.build, {})[run.seed] = seen.named == photos.labels
    found = seed_scores(hits)
    return {"seeds": found, "minus_plain": found["minus_plain"]}


def ship(run: SeedRun, hardware: str, source: str) -> None:
    """Writes a run's weights and their manifest to `assets/vision`."""
    config = run.config
    result = run.result
    run_folder.ship(
        load_file(run.weights),
        run_folder.ASSETS / "vision" / f"{run.build}.safetensors",
        {
            "config": {key: getattr(config, key) for key in config.__dataclass_fields__},
            "training": {
                "photos": result["photos"],
                "epochs": result["epochs"],
                "steps": result["steps"],
                "minutes": round(result["seconds"] / 60, 1),
                "loss": round(result["loss"], 3),
                "seed": run.seed,
                "hardware": result.get("hardware", hardware),
                "source": result.get("source", source),
            },
        },
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.seeds", description=__doc__)
    parser.add_argument("folder", type=Path, help="of weights and runs.json, as training.vision writes it")
    parser.add_argument("--data", help="folder with photos/ (or the variable ATTENTION_DATA)")
    parser.add_argument("--hardware", default="–", help="that they were trained on, where runs.json does not say it")
    parser.add_argument("--source", default=ELSEWHERE, help="how they were trained, where runs.json does not say it")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    photos, _ = vision_data.dev_photos(run_folder.data_folder(options.data, ["photos/dev.zip", "photos/dev_boxes.csv"]))
    found: dict[str, dict[int, tuple[float, SeedRun]]] = {}
    for run in seed_runs(options.folder):
        model = load_seed(run, options.device)
        score = top1(model, vision_data.at_size(photos.images, model.config.image_size), photos.labels)
        found.setdefault(run.build, {})[run.seed] = (score, run)
        print(f"{run.build}-{run.seed}: top-1 {100 * score:.1f}", flush=True)
    for build, runs in found.items():
        seed = median_seed({seed: score for seed, (score, _) in runs.items()})
        ship(runs[seed][1], options.hardware, options.source)
        print(f"{build}: seed {seed} ships")


if __name__ == "__main__":
    main()
