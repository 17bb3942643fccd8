"""Attention rollout: its formula by hand, its invariants, and the trace it is made from."""

from __future__ import annotations

import pytest
import torch

from attention_core import load_text_model
from attention_core.analysis.rollout import attention_rollout, mean_over_heads


def rows(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)).softmax(dim=-1)


def test_two_layers_of_two_tokens_by_hand() -> None:
    first = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    second = torch.tensor([[0.0, 1.0], [0.5, 0.5]])
    start, after_one, after_two = attention_rollout([first, second], 2)
    torch.testing.assert_close(start, torch.eye(2))
    torch.testing.assert_close(after_one, torch.tensor([[1.0, 0.0], [0.5, 0.5]]))
    # [[½, ½], [¼, ¾]] times what came before: the later layer reads the earlier one's mixture.
    torch.testing.assert_close(after_two, torch.tensor([[0.75, 0.25], [0.625, 0.375]]))


def test_without_layers_every_token_is_its_own() -> None:
    [only] = attention_rollout([], 3)
    torch.testing.assert_close(only, torch.eye(3))


def test_rows_sum_to_one_after_every_layer() -> None:
    for rolled in attention_rollout([rows(7, 7) for _ in range(5)], 7):
        torch.testing.assert_close(rolled.sum(dim=-1), torch.ones(7))
        assert (rolled >= 0).all()


def test_heads_that_look_only_at_their_own_token_carry_nothing_over() -> None:
    torch.testing.assert_close(attention_rollout([torch.eye(4)] * 3, 4)[-1], torch.eye(4))


def test_another_order_of_tokens_gives_the_same_in_that_order() -> None:
    layers, order = [rows(5, 5), rows(5, 5).mT.softmax(dim=-1)], torch.tensor([3, 0, 4, 1, 2])
    turned = attention_rollout([layer[order][:, order] for layer in layers], 5)[-1]
    torch.testing.assert_close(turned, attention_rollout(layers, 5)[-1][order][:, order])


@pytest.mark.parametrize("pair", [None, "I eat lemons."])
def test_layers_of_a_trace_may_have_different_numbers_of_heads(pair: str | None) -> None:
    trace = load_text_model().trace("我吃柠檬", pair)
    assert len({layer.weights.shape[1] for layer in trace.layers}) > 1
    means = mean_over_heads(trace)
    for mean, layer in zip(means, trace.layers, strict=True):
        torch.testing.assert_close(mean, sum(layer.weights[0]) / layer.weights.shape[1])
    T = len(trace.tokens)
    rolled = attention_rollout(means, T)
    assert len(rolled) == len(trace.layers) + 1
    torch.testing.assert_close(rolled[-1].sum(dim=-1), torch.ones(T))
