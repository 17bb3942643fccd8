"""Pointing, energy and pixel AUC of a map on a 4 × 4 photo worked by hand."""

from __future__ import annotations

import pytest
import torch

from attention_core.analysis.saliency import class_activation_map, grad_cam
from attention_core.models.vision import VisionConfig, VisionModel
from training import masks

SCORES = ("pointing", "energy", "pixel_auc")


def network(kind: str = "cbam") -> VisionModel:
    torch.manual_seed(0)
    config = VisionConfig(
        kind, 3, widths=(8, 8), strides=(1, 2), depths=(1, 1), dilations=(1,) * 4, stem_stride=2, image_size=16
    )  # type: ignore[arg-type]
    return VisionModel(config).eval().requires_grad_(False)


@pytest.fixture
def inside() -> torch.Tensor:
    return masks.box_pixels(torch.tensor([[1, 0, 2, 1]]), 4, 4)


def test_box_corners_are_inclusive_pixels(inside: torch.Tensor) -> None:
    assert inside[0].int().tolist() == [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_box_of_a_larger_photo_keeps_pixels_whose_centre_is_inside() -> None:
    (scaled,) = masks.box_pixels(torch.tensor([[56.0, 0.0, 168.0, 100.0]]), 4, 224, inclusive=False)
    assert scaled.int().tolist() == [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_scores_by_hand(inside: torch.Tensor) -> None:
    maps = torch.zeros(1, 4, 4)
    maps[0, 0, 1], maps[0, 3, 3] = 3.0, 1.0
    assert masks.pointing(maps, inside).item() == 1.0
    assert masks.energy(maps, inside).item() == 0.75
    # 48 comparisons: the 3 beats 12; each of the three zeros inside ties with 11 and loses to the 1.
    assert masks.pixel_auc(maps, inside).item() == pytest.approx((12 + 3 * 5.5) / 48)


def test_energy_of_a_signed_map_is_that_of_its_positive_part(inside: torch.Tensor) -> None:
    maps = torch.full((2, 4, 4), -1.0)
    maps[0, 0, 1], maps[0, 3, 3] = 3.0, 1.0
    assert masks.energy(maps, inside.expand(2, -1, -1)).tolist() == [0.75, 0.0]


def test_uniform_scores_the_area(inside: torch.Tensor) -> None:
    scores = masks.map_scores(torch.ones(1, 2, 2), inside)
    assert [scores[k]["value"] for k in SCORES] == [0.25, 0.25, 0.5]


def test_inverted_map_mirrors_the_auc(inside: torch.Tensor) -> None:
    maps = torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(0))
    both = masks.pixel_auc(maps, inside) + masks.pixel_auc(1 - maps, inside)
    assert both.item() == pytest.approx(1)


def test_gaussian_is_highest_in_the_middle() -> None:
    gaussian = masks.centred_gaussian(5)
    assert gaussian.argmax().item() == 12
    assert torch.equal(gaussian, gaussian.flip(0))


def test_range_says_what_is_flat() -> None:
    flat = masks.value_range(torch.tensor([[[0.49, 0.51]], [[0.2, 0.2]]]))
    assert flat["flat"] is True
    assert flat["min"] == pytest.approx(0.2)
    assert flat["spread"] == pytest.approx(0.01)
    assert masks.value_range(torch.tensor([[[0.0, 1.0]]]))["flat"] is False


@pytest.mark.parametrize("kind", ["plain", "se", "cbam"])
def test_stage_maps_are_those_of_the_trace(kind: str) -> None:
    model, images = network(kind), torch.rand(3, 3, 16, 16)
    found = masks.stage_maps(model, images, batch=2)
    for number, image in enumerate(images):
        trace = model.trace(image)
        expected = {
            stage.name: {
                "features": stage.features[0].abs().mean(dim=0),
                "grad_cam": grad_cam(model, trace, stage.name),  # of the likeliest class, as in the app
            }
            for stage in trace.stages
        }
        expected["stage2"]["cam"] = class_activation_map(model, trace)
        if kind == "cbam":
            for stage in trace.stages:
                expected[stage.name]["mask"] = stage.attention.spatial.mask[0, 0]
        assert {name: set(maps) for name, maps in found.items()} == {n: set(maps) for n, maps in expected.items()}
        for name, maps in expected.items():
            for map_kind, values in maps.items():
                assert torch.allclose(found[name][map_kind][number], values, atol=1e-6), (name, map_kind)


def test_large_boxes_are_left_out() -> None:
    images = torch.rand(3, 3, 16, 16)
    boxes = masks.box_pixels(torch.tensor([[0, 0, 15, 15], [2, 2, 9, 9], [0, 0, 7, 15]]), 16, 16)
    scores = masks.mask_scores(network(), images, boxes)
    assert (scores["photos"], scores["photos_in_all"]) == (2, 3)
    assert scores["box_area"]["value"] == pytest.approx((64 / 256 + 0.5) / 2)
    assert set(scores["stage1"]) == {"side", "mask", "inverted", "features", "grad_cam", "range", "mask_minus"}
    assert set(scores["stage2"]) == {*scores["stage1"], "cam"}


def test_gains_are_paired_over_photos() -> None:
    inside = masks.box_pixels(torch.tensor([[0, 0, 1, 1], [2, 2, 3, 3]]), 4, 4)
    maps = {"mask": inside.float(), "features": 1 - inside.float(), "cam": inside.float()}
    gains = masks.auc_gains(maps, inside)
    assert gains["features"] == {"value": 1.0, "standard_error": 0.0}
    assert gains["cam"] == {"value": 0.0, "standard_error": 0.0}
    gaussian = masks.pixel_auc(masks.centred_gaussian(4).expand(2, 4, 4), inside)
    assert gains["centred_gaussian"]["value"] == pytest.approx(1 - gaussian.mean().item(), abs=1e-5)
