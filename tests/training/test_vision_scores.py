"""Accuracy, threshold and cost of the vision networks, by hand."""

from __future__ import annotations

import torch

from attention_core.models.vision import VisionClass, VisionConfig, VisionModel
from training import vision_scores

CLASSES = tuple(VisionClass(str(i), str(i), str(i), group) for i, group in enumerate(("cat", "cat", "dog")))


def test_group_probability_is_the_sum_over_its_classes() -> None:
    chances = torch.tensor([[0.35, 0.25, 0.4], [0.1, 0.2, 0.7]])
    scores = vision_scores.accuracy(chances, torch.tensor([0, 2]), [entry.group for entry in CLASSES])
    assert scores["class_top1"]["value"] == 0.5  # the first is called a dog …
    assert scores["group_top1"]["value"] == 1.0  # … but cats have 0.6 together
    assert scores["class_top5"]["value"] == 1.0


def test_constant_guess_names_the_commonest() -> None:
    scores = vision_scores.constant_guess(torch.tensor([0, 1, 2, 2]), ["cat", "cat", "dog"])
    assert scores == {"class_top1": 0.5, "class_top5": 1.0, "group_top1": 0.5, "group_top5": 1.0}


def test_multiply_adds_of_a_network_counted_by_hand() -> None:
    model = VisionModel(
        VisionConfig("plain", 3, widths=(4,), strides=(1,), depths=(1,), dilations=(1, 1), stem_stride=2, image_size=8),
        CLASSES,
    ).eval()
    stem, stage, classifier = 4 * 4 * 4 * 27, 2 * (4 * 4) * 4 * 36, 4 * 3
    assert vision_scores.multiply_adds(model, 8) == stem + stage + classifier


def test_paired_difference() -> None:
    first, second = torch.tensor([True, False, False, True]), torch.tensor([True, True, False, True])
    assert vision_scores.paired_difference(first, second) == {"value": 0.25, "standard_error": 0.25}


def test_all_builds_at_once() -> None:
    torch.manual_seed(0)
    models = {
        kind: VisionModel(
            VisionConfig(kind, 3, (4, 4), (1, 2), (1, 1), (1,) * 4, image_size=64, reduction=4), CLASSES
        ).eval()
        for kind in ("plain", "se", "cbam")
    }
    images = {size: torch.rand(4, 3, size, size) for size in (64, 96)}
    boxes = torch.zeros(4, 64, 64, dtype=torch.bool)
    boxes[:, 8:24, 8:40] = True
    photos = vision_scores.DevPhotos(images, torch.tensor([0, 1, 2, 0]), boxes, images, boxes)
    scores = vision_scores.vision_scores(models, photos)
    assert set(scores["builds"]) == set(models)
    assert set(scores["minus_plain"]) == {"se", "cbam"}
    assert set(scores["life"]) == {"se", "cbam"}
    assert "follows" in scores["life"]["cbam"]["stages"]["stage2"]["masks"]
    assert {"rule", "below", "quantiles"} <= set(scores["builds"]["plain"]["unknown"])
    quick = vision_scores.vision_scores(models, photos, quick=True)
    assert set(scores) - set(quick) == {"removal", "masks_untrained"}
    assert 0 <= scores["masks"]["stage2"]["mask"]["pixel_auc"]["value"] <= 1
    assert scores["masks_large"]["photos"] == 4
    plain, se = (scores["builds"][kind] for kind in ("plain", "se"))
    assert plain["parameters"] < se["parameters"]
    assert plain["sizes"]["96"]["multiply_adds"] > plain["multiply_adds"]
