"""Shares, standard errors and the rank statistic, against numbers worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from training.shares import clustered, measured, percent, rank_auc, rounded


def test_measured_is_the_mean_with_its_standard_error() -> None:
    assert measured(torch.tensor([True, True, True, False])) == {
        "value": 0.75,
        "standard_error": pytest.approx(0.5 / 2, abs=1e-5),  # s = √(0.75/3) = 0.5
    }


def test_clustered_weighs_members_and_draws_clusters() -> None:
    score = clustered([2.0, 0.0], [2, 2])
    assert score["value"] == 0.5
    assert score["count"] == 4
    assert score["standard_error"] == pytest.approx(math.sqrt(2) / 4, abs=1e-5)


def test_clustered_without_members_has_no_value() -> None:
    assert math.isnan(clustered([], [])["value"])


def test_rank_auc_by_hand() -> None:
    values = torch.tensor([[0.1, 0.4, 0.35, 0.8], [1.0, 1.0, 1.0, 1.0], [0.9, 0.8, 0.1, 0.0]])
    inside = torch.tensor([[False, False, True, True]] * 3)
    assert rank_auc(values, inside).tolist() == [0.75, 0.5, 0.0]


def test_rank_auc_counts_a_tie_half() -> None:
    assert rank_auc(torch.tensor([[0.0, 1.0, 1.0]]), torch.tensor([[False, False, True]])).item() == 0.75


def test_rounded_and_percent() -> None:
    assert rounded({"a": [0.1234567, 3, "x"], "b": True}) == {"a": [0.12346, 3, "x"], "b": True}
    assert percent({"value": 0.4126, "standard_error": 0.0091}) == "41.3 ± 0.9"
    assert percent(0.5) == "50.0"
    assert percent(None) == "–"
