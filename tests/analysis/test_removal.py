"""Deletion and insertion on photos of four pixels by hand, and what holds for every curve."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from attention_core.analysis.removal import (
    blurred,
    deletion_curve,
    insertion_curve,
    mean_colour,
    removal_order,
)
from attention_core.errors import ControlError, KindError, ShapeError
from attention_core.models.vision import VisionConfig, VisionModel

BRIGHTNESS = math.log(3)


class FirstPixel(nn.Module):
    """Two classes; the logit of class 1 is log 3 times the red of the pixel at the upper left, the other's is 0."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        self.batches.append(len(images))
        seen = BRIGHTNESS * images[:, 0, 0, 0]
        return torch.stack([torch.zeros_like(seen), seen], dim=1)


def corner_photo() -> Tensor:
    """(3, 2, 2), red only, and only at the upper left; mean red 1/4."""
    image = torch.zeros(3, 2, 2)
    image[0, 0, 0] = 1.0
    return image


def chance(red: float) -> float:
    return 3**red / (1 + 3**red)


def photo(side: int = 16, seed: int = 0) -> Tensor:
    return torch.rand(3, side, side, generator=torch.Generator().manual_seed(seed))


def network() -> VisionModel:
    torch.manual_seed(0)
    config = VisionConfig("cbam", 3, widths=(4, 6), strides=(1, 2), depths=(1, 1), dilations=(1,) * 4, image_size=16)
    return VisionModel(config).eval()


# By hand


def test_deletion_by_hand() -> None:
    right, wrong = torch.tensor([[4.0, 3.0], [2.0, 1.0]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    kept, gone = chance(1.0), chance(0.25)  # 3/4; 0.568
    assert kept == pytest.approx(0.75)
    soon = deletion_curve(FirstPixel(), corner_photo(), right, 1, steps=4)
    assert soon.shares.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert soon.probabilities.tolist() == pytest.approx([kept, gone, gone, gone, gone])
    assert soon.area == pytest.approx((kept + gone) / 2 / 4 + 3 * gone / 4)
    late = deletion_curve(FirstPixel(), corner_photo(), wrong, 1, steps=4)
    assert late.probabilities.tolist() == pytest.approx([kept, kept, kept, kept, gone])
    assert late.area == pytest.approx(3 * kept / 4 + (kept + gone) / 2 / 4)


def test_insertion_by_hand() -> None:
    right = torch.tensor([[4.0, 3.0], [2.0, 1.0]])
    curve = insertion_curve(FirstPixel(), corner_photo(), right, 1, steps=2)
    start = chance(blurred(corner_photo())[0, 0, 0].item())
    assert curve.shares.tolist() == [0.0, 0.5, 1.0]
    assert curve.probabilities.tolist() == pytest.approx([start, 0.75, 0.75])
    assert curve.area == pytest.approx((start + 0.75) / 2 / 2 + 0.75 / 2)


def test_a_class_that_nothing_changes_has_its_probability_as_area() -> None:
    dark = torch.zeros(3, 8, 8)
    for curve in (deletion_curve, insertion_curve):
        assert curve(FirstPixel(), dark, torch.rand(4, 4), 0).area == pytest.approx(0.5)


def test_one_pass_for_a_whole_curve() -> None:
    model = FirstPixel()
    deletion_curve(model, photo(), torch.rand(4, 4), 1, steps=7)
    assert model.batches == [8]


# What holds for every map


@pytest.mark.parametrize("saliency", [torch.rand(4, 4), -torch.rand(16, 16), torch.zeros(1, 1)])
def test_the_ends_do_not_depend_on_the_map(saliency: Tensor) -> None:
    model, image = network(), photo()
    whole, grey, soft = model(torch.stack([image, mean_colour(image), blurred(image)])).softmax(dim=1)[:, 2].tolist()
    deletion, insertion = (curve(model, image, saliency, 2) for curve in (deletion_curve, insertion_curve))
    assert deletion.probabilities[[0, -1]].tolist() == pytest.approx([whole, grey], abs=1e-6)
    assert insertion.probabilities[[0, -1]].tolist() == pytest.approx([soft, whole], abs=1e-6)
    for curve in (deletion, insertion):
        assert curve.shares.shape == curve.probabilities.shape == (33,)
        assert (curve.shares[0], curve.shares[-1]) == (0, 1)
        assert bool((curve.shares.diff() > 0).all())
        assert curve.probabilities.min() <= curve.area <= curve.probabilities.max()


def test_only_the_order_of_a_map_counts() -> None:
    model, image, saliency = network(), photo(), torch.rand(16, 16)
    expected = deletion_curve(model, image, saliency, 0).probabilities
    assert torch.equal(deletion_curve(model, image, 8 * saliency - 4, 0).probabilities, expected)


def test_each_pixel_comes_once_the_highest_first() -> None:
    saliency = torch.rand(6, 6, generator=torch.Generator().manual_seed(0))
    order = removal_order(saliency, 6)
    assert order.sort().values.tolist() == list(range(36))
    assert torch.equal(saliency.flatten()[order], saliency.flatten().sort(descending=True).values)


def test_a_flat_map_takes_scattered_pixels_and_the_same_ones_each_time() -> None:
    order = removal_order(torch.full((7, 7), 0.3), 64)
    assert torch.equal(order, removal_order(torch.zeros(1, 1), 64))
    rows = order[: 64 * 16] // 64  # of the first quarter of the pixels
    assert rows.unique().tolist() == list(range(64))
    assert rows.float().mean().item() == pytest.approx(31.5, abs=2)


def test_shares_of_steps_that_do_not_divide_the_pixels() -> None:
    curve = deletion_curve(FirstPixel(), corner_photo(), torch.rand(2, 2), 1, steps=3)
    assert curve.shares.tolist() == [0.0, 0.25, 0.75, 1.0]


# What stands in for the pixels


def test_mean_colour_is_one_colour() -> None:
    image = photo()
    assert torch.allclose(mean_colour(image)[:, 3, 5], image.mean(dim=(1, 2)))
    assert mean_colour(image).shape == image.shape


def test_the_blur_keeps_even_colour_and_symmetry_and_little_else() -> None:
    even = torch.full((3, 16, 16), 0.4)
    assert torch.allclose(blurred(even), even, atol=1e-6)
    point = torch.zeros(3, 17, 17)
    point[:, 8, 8] = 1.0
    soft = blurred(point)
    assert torch.allclose(soft, soft.flip(1)) and torch.allclose(soft, soft.mT)
    # a spread of 17/8 pixels on either axis
    assert soft[0, 8, 8].item() == pytest.approx(1 / (2 * math.pi * (17 / 8) ** 2), rel=1e-3)
    assert blurred(photo()).std() < 0.2 * photo().std()


# Refusals


def test_what_is_no_photo_or_map_is_refused() -> None:
    model, image, saliency = network(), photo(), torch.rand(4, 4)
    with pytest.raises(ShapeError, match=r"image has shape \(3, 16, 8\); expected \(3, 16, 16\)"):
        deletion_curve(model, image[:, :, :8], saliency, 0)
    with pytest.raises(ShapeError, match=r"saliency has shape \(1, 4, 4\); expected \(h, w\)"):
        insertion_curve(model, image, saliency[None], 0)
    with pytest.raises(KindError, match=r"saliency has dtype torch\.bool"):
        insertion_curve(model, image, saliency > 0, 0)
    with pytest.raises(ControlError, match="saliency holds NaN"):
        deletion_curve(model, image, saliency / 0 * 0, 0)


@pytest.mark.parametrize("target", [-1, 3, True])
def test_an_unknown_class_is_refused(target: int) -> None:
    with pytest.raises(ControlError, match="expected the index of a class, 0 to 2"):
        deletion_curve(network(), photo(), torch.rand(4, 4), target)


@pytest.mark.parametrize("steps", [0, -1, 257])
def test_steps_out_of_range_are_refused(steps: int) -> None:
    with pytest.raises(ControlError, match="steps is"):
        insertion_curve(network(), photo(), torch.rand(4, 4), 0, steps=steps)


def test_a_network_in_training_mode_is_refused() -> None:
    with pytest.raises(KindError, match=r"call eval\(\)"):
        deletion_curve(network().train(), photo(), torch.rand(4, 4), 0)
