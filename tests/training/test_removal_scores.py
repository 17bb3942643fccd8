"""Deletion and insertion over many photos: which photos, which class, which difference."""

from __future__ import annotations

import pytest
import torch

from attention_core.analysis.removal import deletion_curve, insertion_curve
from attention_core.analysis.saliency import grad_cam
from attention_core.models import registry
from attention_core.models.vision import VisionConfig, VisionModel
from training import removal_scores, vision_card

KINDS = {"mask", "inverted", "cam", "grad_cam_stage1", "random", "centred_gaussian"}


@pytest.fixture
def model() -> VisionModel:
    torch.manual_seed(0)
    config = VisionConfig(
        "cbam", 3, widths=(8, 8), strides=(1, 2), depths=(1, 1), dilations=(1,) * 4, stem_stride=2, image_size=16
    )
    return VisionModel(config).eval().requires_grad_(False)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def test_maps_are_those_of_the_last_stage_beside_their_baselines(model: VisionModel, images: torch.Tensor) -> None:
    maps = removal_scores.compared_maps(model, images)
    assert set(maps) == KINDS
    trace = model.trace(images[3])
    assert torch.allclose(maps["mask"][3], trace.stages[-1].spatial_mask[0, 0], atol=1e-6)
    assert torch.allclose(maps["mask"] + maps["inverted"], torch.ones(4, 4, 4))
    assert torch.allclose(maps["grad_cam_stage1"][3], grad_cam(model, trace, "stage1"), atol=1e-6)
    assert maps["random"].shape == maps["mask"].shape
    assert not torch.equal(maps["random"][0], maps["random"][1])
    assert torch.equal(removal_scores.compared_maps(model, images)["random"], maps["random"])


def test_areas_are_those_of_the_named_class(model: VisionModel, images: torch.Tensor) -> None:
    maps = {"ramp": torch.arange(16.0).view(1, 4, 4).expand(4, -1, -1)}
    areas = removal_scores.removal_areas(model, images, maps)["ramp"]
    for number, image in enumerate(images):
        named = int(model.trace(image).logits.argmax())
        for curve, of in (("deletion", deletion_curve), ("insertion", insertion_curve)):
            expected = of(model, image, maps["ramp"][0], named, steps=removal_scores.STEPS).area
            assert areas[curve][number].item() == pytest.approx(expected, abs=1e-6)


def test_scores_and_paired_differences(
    model: VisionModel, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal_scores, "PHOTOS", 3)
    scores = removal_scores.removal_scores(model, images)
    assert (scores["photos"], scores["photos_in_all"], scores["stage"]) == (3, 4, "stage2")
    assert set(scores["maps"]) == KINDS
    gaussian = scores["maps"]["centred_gaussian"]
    assert gaussian["deletion_minus_gaussian"] == {"value": 0.0, "standard_error": 0.0}
    for found in scores["maps"].values():
        for curve in ("deletion", "insertion"):
            assert 0 <= found[curve]["value"] <= 1
            assert found[curve]["value"] - gaussian[curve]["value"] == pytest.approx(
                found[f"{curve}_minus_gaussian"]["value"], abs=2e-5
            )
    assert removal_scores.removal_scores(model, images) == scores  # the same photos and maps each time


def test_the_card_has_a_row_for_each_map(model: VisionModel, images: torch.Tensor) -> None:
    manifests = {name: registry.manifest("vision", name) for name in registry.VISION_MODELS}
    scores = registry.scores("vision") | {"removal": removal_scores.removal_scores(model, images)}
    card = vision_card.vision_card(manifests, scores, None)
    section = card.split("deletion and insertion", 1)[1].split("\n### ")[0]
    assert "4 of 4 dev photos drawn with seed 0, 16 steps" in section
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    names = [row[0] for row in rows]
    assert names == ["map", "---", "mask", "1 − mask", "CAM", "stage1: Grad-CAM", "random patches", "centred Gaussian"]
    assert [rows[-1][2], rows[-1][4]] == ["–", "–"]  # it is what the others are held against
