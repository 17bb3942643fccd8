"""What a mask follows: masks that are made of one thing are called by it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from attention_core.analysis.mask_trial import centred_gaussian
from training import mask_follow
from training.gate_life import rim

SIDE, N = 16, 40


@pytest.fixture
def images() -> torch.Tensor:
    """Photos of a bright square somewhere on noise."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(N, 3, 8, 8, generator=generator)
    return F.interpolate(coarse, (SIDE, SIDE), mode="bilinear")


@pytest.fixture
def inside() -> torch.Tensor:
    boxes = torch.zeros(N, SIDE, SIDE, dtype=torch.bool)
    for number in range(N):  # in the corners, where a centred Gaussian is not
        rows, columns = (slice(0, 6), slice(10, 16))[number % 2], (slice(0, 6), slice(10, 16))[number // 2 % 2]
        boxes[number, rows, columns] = True
    return boxes


def test_edges_by_hand() -> None:
    step = torch.zeros(1, 3, 3, 4)
    step[..., 2:] = 1
    assert mask_follow.edges(step)[0].tolist() == [[0, 0.5, 0.5, 0]] * 3
    assert mask_follow.edges(step.transpose(2, 3))[0].T.tolist() == [[0, 0.5, 0.5, 0]] * 3


def test_correlation_by_hand() -> None:
    maps = torch.tensor([[[0.0, 1.0], [2.0, 3.0]]]).repeat(3, 1, 1)
    others = torch.stack([maps[0] * 2 + 5, -maps[0], torch.full((2, 2), 7.0)])
    assert mask_follow.correlation(maps, others).tolist() == pytest.approx([1, -1, 0])


@pytest.mark.parametrize("word", ["object", "rim", "middle", "bright", "dark", "edges", "smooth", "nothing"])
def test_masks_are_called_by_what_they_are_made_of(word: str, images: torch.Tensor, inside: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(1)
    masks = {
        "object": inside.float(),
        "rim": rim(SIDE).float().expand(N, -1, -1),
        "middle": centred_gaussian(SIDE).expand(N, -1, -1),
        "bright": mask_follow.brightness(images),
        "dark": 1 - mask_follow.brightness(images),
        "edges": mask_follow.edges(images),
        "smooth": -mask_follow.edges(images),
        "nothing": torch.rand(N, SIDE, SIDE, generator=generator),
    }[word]
    # A Gaussian is below chance on boxes in the corners: against boxes in the middle only the object itself beats it.
    middle = torch.zeros_like(inside)
    middle[:, 4:12, 4:12] = True
    found = mask_follow.follow_scores(masks, images, inside if word == "object" else middle)
    assert found["follows"] == word


def test_an_object_has_to_beat_the_gaussian_clearly() -> None:
    found = {
        "rim_auc": {"value": 0.5},
        "brightness": {"value": 0.1},
        "edges": {"value": -0.2},
        "object_minus_gaussian": {"value": 0.02, "standard_error": 0.02},
    }
    assert mask_follow.word(found) == "nothing"
    assert mask_follow.word({**found, "object_minus_gaussian": {"value": 0.05, "standard_error": 0.02}}) == "object"
    assert mask_follow.word({**found, "rim_auc": {"value": 0.1}}) == "middle"
