"""Several seeds of a build: which ships, and where its manifest says that it comes from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from attention_core.models.vision import VisionConfig, VisionModel
from training import run_folder, seeds, vision_data
from training.vision_data import Photos

SIZES = {"widths": [4, 6], "strides": [1, 2], "depths": [1, 2], "dilations": [1, 1, 1, 1, 2, 2]}


def test_the_median_seed_by_hand() -> None:
    assert seeds.median_seed({0: 0.672, 1: 0.662, 2: 0.668}) == 2
    assert seeds.median_seed({4: 0.5}) == 4
    assert seeds.median_seed({0: 0.1, 1: 0.4, 2: 0.2, 3: 0.3}) == 2


def test_means_and_errors_over_seeds_by_hand() -> None:
    hits = {
        "plain": {0: torch.tensor([True, True, False, False]), 1: torch.tensor([True, False, False, False])},
        "se": {0: torch.tensor([True, True, True, False]), 1: torch.tensor([True, True, False, False])},
    }
    found = seeds.seed_scores(hits)
    assert found["comparisons"] == 1
    plain, difference = found["builds"]["plain"], found["minus_plain"]["se"]
    assert plain["seeds"] == {"0": 0.5, "1": 0.25}
    assert plain["value"] == 0.375
    assert plain["error_seeds"] == 0.125  # the means 0.5 and 0.25 lie 0.125 from theirs: s/√2 = 0.17678/1.41421
    # Each seed names one photo more: the same difference twice, and no error over seeds.
    assert (difference["value"], difference["error_seeds"]) == (0.25, 0)
    # By photo the differences are 0, 0.5, 0.5, 0: s = 0.28868, s/√4 = 0.14434.
    assert difference["error_photos"] == pytest.approx(0.14434, abs=1e-5)
    assert difference["standard_error"] == difference["error_photos"]
    alone = seeds.seed_scores({"se": hits["se"]})
    assert (alone["minus_plain"], alone["comparisons"]) == ({}, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three plain networks: one that always names class 0, and two of other classes."""
    described = {}
    for seed in range(3):
        described[f"plain-{seed}"] = {
            "recipe": {**SIZES, "stem": 2, "reduction": 4},
            "result": {"photos": 9, "epochs": 3, "steps": 7, "seconds": 90.0, "loss": 1.25},
            "log": [{"step": 1, "loss": 2.0}],
        }
    (tmp_path / "runs.json").write_text(json.dumps(described), encoding="utf-8")
    for name in described:
        (tmp_path / f"{name}.safetensors").touch()
    for seed, run in enumerate(seeds.seed_runs(tmp_path)):
        model = VisionModel(run.config).half()
        with torch.no_grad():
            model.classifier.weight.zero_()
            model.classifier.bias.zero_()[seed] = 1
        save_file(model.state_dict(), run.weights)
    (tmp_path / "notes.txt").touch()
    return tmp_path


def test_runs_are_read_with_their_sizes(folder: Path) -> None:
    runs = seeds.seed_runs(folder)
    assert [(run.build, run.seed) for run in runs] == [("plain", 0), ("plain", 1), ("plain", 2)]
    expected = VisionConfig("plain", 100, (4, 6), (1, 2), (1, 2), (1, 1, 1, 1, 2, 2), stem_stride=2, reduction=4)
    assert runs[0].config == expected
    assert not seeds.load_seed(runs[0], "cpu").training


def test_the_median_ships_and_says_where_it_comes_from(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = torch.tensor([0, 0, 0, 1, 2, 2])  # right: 3 of 6, 1 of 6, 2 of 6
    photos = Photos(torch.zeros(6, 3, 64, 64, dtype=torch.uint8), labels)
    monkeypatch.setattr(vision_data, "dev_photos", lambda data: (photos, None))
    monkeypatch.setattr(run_folder, "data_folder", lambda argument, needed: tmp_path)
    monkeypatch.setattr(run_folder, "ASSETS", tmp_path / "assets")
    monkeypatch.setattr(sys, "argv", ["seeds", str(folder), "--hardware", "a machine", "--device", "cpu"])
    seeds.main()
    shipped = json.loads((tmp_path / "assets" / "vision" / "plain.json").read_text(encoding="utf-8"))
    assert shipped["training"] == {
        "photos": 9,
        "epochs": 3,
        "steps": 7,
        "minutes": 1.5,
        "loss": 1.25,
        "seed": 2,
        "hardware": "a machine",
        "source": seeds.ELSEWHERE,
    }
    weights = load_file(tmp_path / "assets" / "vision" / "plain.safetensors")
    assert weights["classifier.bias"].argmax() == 2
    assert not (tmp_path / "assets" / "vision" / "se.json").exists()
