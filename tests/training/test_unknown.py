"""When a photo is called unknown: thresholds and the best rule on small cases."""

from __future__ import annotations

import pytest
import torch

from attention_core.analysis.familiarity import RULES, unit
from training import unknown
from training.passes import Passed


def seen_as(logits: torch.Tensor, pooled: torch.Tensor) -> Passed:
    return Passed(logits, pooled, torch.zeros(len(logits), 1, 1), {}, {}, {})


def test_the_threshold_keeps_what_it_says() -> None:
    known = torch.arange(100.0)
    scores = unknown.rule_scores(known, torch.tensor([-1.0, 50.0]), known >= 50)
    assert scores["threshold"] == pytest.approx(4.95)
    assert scores["refused_outside"]["value"] == 0.5
    assert scores["refused_right"] == 0
    assert scores["refused_wrong"] == pytest.approx(5 / 50)
    assert scores["auc"] == pytest.approx((100 + 49.5) / 200 + 0.5 / 200, abs=0.01)


def test_a_photo_is_measured_against_its_class_without_itself() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 3
    pooled = torch.eye(3)[labels] * 4 + torch.rand(60, 3, generator=generator)
    directions = unknown.class_directions(pooled, labels, 3)
    found = unknown.without_itself(directions, pooled, labels)
    for number in (0, 17):
        others = (labels == labels[number]) & (torch.arange(60) != number)
        mean = (unit(pooled[others]) @ directions.whitening).mean(dim=0)
        own = (directions.placed(pooled[number][None])[0] - mean).norm()
        rest = [(directions.placed(pooled[number][None])[0] - directions.means[k]).norm() for k in range(3)]
        rest[int(labels[number])] = own
        assert -found[number].item() == pytest.approx(min(rest).item(), rel=1e-2)


def test_distances_are_in_the_spread_within_classes() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(400) % 2
    pooled = torch.randn(400, 4, generator=generator) * torch.tensor([0.01, 0.5, 0.5, 0.5])
    pooled[:, 0] += torch.where(labels == 0, 1.0, -1.0)
    directions = unknown.class_directions(pooled, labels, 2)
    placed = directions.placed(pooled)
    within = placed - directions.means[labels]
    torch.testing.assert_close(within.T @ within / 398, torch.eye(4), rtol=0, atol=0.05)


def test_a_class_without_photos_is_far_from_everything() -> None:
    labels = torch.tensor([0, 0, 2, 2])
    pooled = torch.tensor([[1.0, 0.1], [1.0, -0.1], [0.1, 1.0], [-0.1, 1.0]])
    distances = unknown.class_directions(pooled, labels, 3).distances(pooled)
    assert torch.isfinite(distances).all()
    assert (distances.argmin(dim=1) == labels).all()


def test_the_rule_that_refuses_most_is_used() -> None:
    # Logits say nothing; the pooled features of other things point elsewhere.
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(200) % 2
    pooled = torch.eye(3)[labels] + 0.05 * torch.rand(200, 3, generator=generator)
    logits = torch.rand(200, 2, generator=generator)
    other = torch.tensor([0.0, 0.0, 1.0]).expand(50, -1) + 0.05 * torch.rand(50, 3, generator=generator)
    outside = seen_as(torch.rand(50, 2, generator=generator), other)
    scores = unknown.unknown_scores(seen_as(logits, pooled), outside, labels, 2)
    assert set(scores["rules"]) == set(RULES)
    assert scores["rule"] == "distance"
    assert scores["rules"]["distance"]["refused_outside"]["value"] == 1
    assert scores["rules"]["distance"]["auc"] == 1
    assert scores["either_outside"] == 1
    assert scores["quantiles"] == sorted(scores["quantiles"])
    assert len(scores["quantiles"]) == unknown.STEPS


def test_nine_of_ten_rightly_named_photos_are_sure() -> None:
    chances = torch.tensor([0.5 + 0.05 * i for i in range(10)])
    logits = torch.stack([chances, 1 - chances], dim=1).log()
    outside = torch.tensor([[0.52, 0.48], [0.99, 0.01]]).log()
    scores = unknown.unsure_scores(
        seen_as(logits, torch.zeros(10, 1)), seen_as(outside, torch.zeros(2, 1)), torch.ones(10, dtype=torch.bool)
    )
    assert scores["below"] == pytest.approx(0.545, abs=1e-4)
    assert scores["flagged_right"] == pytest.approx(0.1)
    assert scores["flagged_outside"] == 0.5
