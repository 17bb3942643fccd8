"""The variants of the papers' ablations, and how they are compared."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from attention_core.mechanisms.cbam import CBAM
from attention_core.models.insertion import AttendedModel
from training import ablations, variants
from training.shares import percent
from training.vision_card import ablation_section
from training.vision_data import Photos


@pytest.mark.parametrize("branch", ["avg", "max"])
def test_one_branch_is_what_the_trace_calls_pooling(branch: str) -> None:
    torch.manual_seed(0)
    module = variants.OneBranchCBAM(8, branch).eval()  # type: ignore[arg-type]
    x = torch.randn(2, 8, 9, 9)
    torch.testing.assert_close(module(x), CBAM.trace(module, x, pooling=(branch,)).output)  # type: ignore[arg-type]


def test_spatial_first_is_what_the_trace_calls_order() -> None:
    torch.manual_seed(0)
    module = variants.SpatialFirstCBAM(8).eval()
    x = torch.randn(2, 8, 9, 9)
    torch.testing.assert_close(module(x), module.trace(x, order="spatial-first").output)


@pytest.mark.parametrize("name", variants.VARIANTS)
def test_every_variant_can_be_trained(name: str) -> None:
    torch.manual_seed(0)
    model = variants.build(name, 3)
    logits = model(torch.rand(2, 3, 32, 32))
    assert logits.shape == (2, 3)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_variants_stand_where_they_say() -> None:
    places = {name: variants.build(name, 3) for name in ("se-last", "se-convolutions", "cbam-branch")}
    assert all(isinstance(model, AttendedModel) for model in places.values())
    assert {name: len(model.places) for name, model in places.items()} == {  # type: ignore[union-attr, arg-type]
        "se-last": 1,
        "se-convolutions": 13,
        "cbam-branch": 6,
    }


def test_differences_are_paired() -> None:
    plain, better = torch.tensor([True, False, False, False]), torch.tensor([True, True, False, False])
    found = ablations.compared({"plain": plain, "se": better})
    assert found["plain"] == {"se": {"value": -0.25, "standard_error": 0.25}}
    assert found["se"]["plain"]["value"] == 0.25


def test_the_command_writes_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (24, 3, 64, 64), dtype=torch.uint8, generator=generator)
    photos = Photos(images, torch.arange(24) % 4)
    monkeypatch.setattr(ablations, "read_photos", lambda options: photos)
    monkeypatch.setattr(ablations.vision_data, "dev_photos", lambda data: (photos, None))
    monkeypatch.setattr(ablations.run_folder, "data_folder", lambda argument, needed: tmp_path)
    monkeypatch.setattr(ablations, "RESULTS", tmp_path / "ablations.json")
    command = ["ablations", "--run", str(tmp_path), "--classes", "2", "--epochs", "30", "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", [*command, "--variants", "plain", "se-last"])
    monkeypatch.setattr(ablations, "BATCH", 6)
    ablations.main()
    found = json.loads((tmp_path / "ablations.json").read_text())
    assert (found["classes"], found["train_photos"], found["dev_photos"]) == (2, 12, 12)
    assert set(found["variants"]) == {"plain", "se-last"}
    assert found["variants"]["se-last"]["parameters"] > found["variants"]["plain"]["parameters"]
    assert found["variants"]["plain"]["train_top1"] == found["variants"]["plain"]["dev_top1"]  # the same photos here
    section = ablation_section(found)
    assert "the first 2 classes only" in section
    [row] = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| se-last")]
    assert row[4] == "0.0"
    assert row[5] == percent(found["differences"]["se-last"]["plain"])
    assert row[6:] == ["–", "–"]  # neither reference was trained
