"""The links worth drawing."""

from __future__ import annotations

import pytest
import torch

from attention_core import load_text_model
from attention_core.analysis.links import heaviest_links, share_to
from attention_core.errors import ControlError, ShapeError
from attention_core.models.text import TextTrace

WEIGHTS = torch.tensor([[0.1, 0.5, 0.15, 0.25], [0.25, 0.25, 0.25, 0.25], [0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])


def test_the_fewest_links_by_hand() -> None:
    expected = [[0, 1, 0, 1], [1, 1, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]]
    assert heaviest_links(WEIGHTS, 0.7).int().tolist() == expected
    assert heaviest_links(WEIGHTS, 0.0).sum() == 0
    assert torch.equal(heaviest_links(WEIGHTS, 1.0), WEIGHTS > 0)
    # Hidden keys are set to 0: the share is of what is left of the row.
    left = WEIGHTS * torch.tensor([1.0, 0.0, 1.0, 1.0])
    assert heaviest_links(left, 0.45).int().tolist() == [[0, 0, 0, 1], [1, 0, 1, 0], [0] * 4, [0] * 4]


@pytest.fixture(scope="module")
def traced() -> TextTrace:
    return load_text_model().trace("小狗在草地上追一只红色的球。", "A puppy is chasing a ball.")


@pytest.mark.parametrize("mass", [0.1, 0.5, 0.7, 0.9, 0.99])
def test_they_reach_the_mass_and_none_can_be_spared(traced: TextTrace, mass: float) -> None:
    for layer in traced.layers:
        weights = layer.weights[0]
        taken = heaviest_links(weights, mass)
        kept = (weights * taken).double().sum(dim=-1)
        total = weights.double().sum(dim=-1)
        assert (kept >= mass * total - 1e-9).all()
        lightest = weights.masked_fill(~taken, torch.inf).double().amin(dim=-1)
        assert (kept - lightest < mass * total).all()
        heaviest_left = weights.masked_fill(taken, -torch.inf).double().amax(dim=-1)
        assert (heaviest_left <= lightest).all()


def test_the_order_of_the_tokens_does_not_matter() -> None:
    weights = torch.rand(3, 7, 7, generator=torch.Generator().manual_seed(1)).softmax(dim=-1)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(2))
    assert torch.equal(
        heaviest_links(weights[:, order][:, :, order], 0.6), heaviest_links(weights, 0.6)[:, order][:, :, order]
    )


@pytest.mark.parametrize("mass", [-0.1, 1.1, float("nan")])
def test_a_mass_outside_its_range_is_refused(mass: float) -> None:
    with pytest.raises(ControlError, match="between 0 and 1"):
        heaviest_links(WEIGHTS, mass)


def test_share_to_by_hand() -> None:
    rows, columns = torch.tensor([True, True, False, False]), torch.tensor([False, True, False, True])
    assert share_to(WEIGHTS, rows, columns).item() == pytest.approx((0.75 + 0.5) / 2)
    assert share_to(WEIGHTS, torch.zeros(4, dtype=torch.bool), columns).item() == 0
    with pytest.raises(ShapeError, match=r"\(4,\)"):
        share_to(WEIGHTS, rows[:2], columns)
