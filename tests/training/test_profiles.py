"""Excitation profiles of small cases."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from attention_core.models.vision import VisionConfig, VisionModel
from training import profiles
from training.passes import passed


def test_class_means_by_hand() -> None:
    weights = torch.tensor([[0.0, 1.0], [1.0, 1.0], [0.5, 0.2]])
    means = profiles.class_means(weights, torch.tensor([2, 2, 0]), 3)
    assert means[2].tolist() == [0.5, 1.0]
    assert means[0].tolist() == pytest.approx([0.5, 0.2])
    assert means[1].isnan().all()


def test_class_share_is_one_where_only_the_class_counts_and_zero_where_it_does_not() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    only = torch.tensor([[0.1], [0.1], [0.9], [0.9]])
    never = torch.tensor([[0.1], [0.9], [0.1], [0.9]])
    assert profiles.class_share(only, labels, 2) == pytest.approx(1)
    assert profiles.class_share(never, labels, 2) == pytest.approx(0, abs=1e-9)
    assert profiles.class_share(torch.cat([only, never], dim=1), labels, 2) == pytest.approx(0.5)


def test_shuffled_labels_give_about_the_chance_that_is_stated() -> None:
    generator = torch.Generator().manual_seed(0)
    weights, labels = torch.rand(2000, 40, generator=generator), torch.arange(2000) % 50
    scores = profiles.profile_scores({"stage1": weights}, labels, 50)["stage1"]
    assert scores["class_share"] == pytest.approx(scores["chance"], rel=0.1)
    assert scores["chance"] == pytest.approx(49 / 1999, abs=1e-5)


@pytest.mark.parametrize("kind", ["se", "cbam"])
def test_channel_weights_are_those_of_the_trace(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = VisionModel(VisionConfig(kind, 3, (4, 6), (1, 2), (1, 1), (1,) * 4, image_size=16)).eval()  # type: ignore[arg-type]
    images = torch.rand(5, 3, 16, 16)
    weights = passed(model, images, batch=2).gates
    for number, image in enumerate(images):
        for stage in model.trace(image).stages:
            channel = stage.attention.channel if kind == "cbam" else stage.attention  # type: ignore[union-attr]
            torch.testing.assert_close(weights[stage.name][number], channel.weights[0], rtol=0, atol=1e-6)  # type: ignore[union-attr]
    path = tmp_path / "profiles.safetensors"
    means = profiles.class_means(weights["stage1"], torch.arange(5) % 3, 3)
    profiles.save_measured({"se.stage1": means}, path, {"se": "0a"})
    assert load_file(path)["se.stage1"].shape == (3, 4)
    manifest = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert manifest["networks"] == {"se": "0a"}
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
