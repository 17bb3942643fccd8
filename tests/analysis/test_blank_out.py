"""Hiding each token in turn: the same as one trace for each, and rank correlations that are right by hand."""

from __future__ import annotations

import math

import pytest
import torch

from attention_core import load_text_model
from attention_core.analysis import blank_out as blank_out_module
from attention_core.analysis.blank_out import BlankOut, agreement, blank_out, spearman


@pytest.mark.parametrize("at_once", [4096, 30])  # in one batch, and in several
def test_each_column_is_that_of_a_trace_with_the_token_hidden(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blank_out_module, "_AT_ONCE", at_once)
    model = load_text_model()
    trace = model.trace("我吃柠檬", "I eat lemons.")
    effect = blank_out(model, trace)
    special = [position for position, token in enumerate(trace.tokens) if token.special]
    assert [p for p in range(len(trace.tokens)) if p not in special] == list(effect.hidden)
    assert effect.change[:, special].isnan().all()
    for position in effect.hidden:
        without = model.trace("我吃柠檬", "I eat lemons.", hide=[position]).final
        expected = (without - trace.final).norm(dim=-1) / trace.final.norm(dim=-1)
        torch.testing.assert_close(effect.change[:, position], expected, atol=1e-5, rtol=1e-4)
        assert effect.change[position, position] > 0.01


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 300, 4000], 1.0),  # only the order counts
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 2, 3], [1, 3, 2], 0.5),  # 1 − 6·Σd² / n(n² − 1) = 1 − 12/24
        ([1, 2, 2, 3], [1, 2, 3, 4], 3 / math.sqrt(10)),  # ranks 1, 2½, 2½, 4
    ],
)
def test_spearman_by_hand(first: list[float], second: list[float], expected: float) -> None:
    found = spearman(torch.tensor([first], dtype=torch.float32), torch.tensor([second], dtype=torch.float32))
    assert found.tolist() == pytest.approx([expected])


def test_spearman_of_what_does_not_vary_is_not_a_number() -> None:
    assert spearman(torch.ones(1, 4), torch.rand(1, 4)).isnan().all()


def test_agreement_leaves_out_the_query_and_the_special_tokens() -> None:
    change = torch.full((5, 5), math.nan)
    change[:, 1:4] = torch.tensor([[0.1, 0.2, 0.3]]).expand(5, 3)
    effect = BlankOut((1, 2, 3), change)
    weights = torch.zeros(5, 5)
    weights[1] = torch.tensor([9.0, 0.0, 0.1, 0.2, 9.0])  # of token 1: 2 before 3, as the effect has it
    weights[2] = torch.tensor([9.0, 0.2, 9.0, 0.1, 9.0])  # of token 2: the other way round
    weights[3] = torch.tensor([9.0, 0.1, 0.1, 9.0, 9.0])  # of token 3: undecided
    found = agreement(weights, effect)
    assert found[:2].tolist() == pytest.approx([1.0, -1.0])
    assert found[2].isnan()


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_tokens_agree_on_nothing(count: int) -> None:
    hidden = tuple(range(1, count + 1))
    assert agreement(torch.rand(4, 4), BlankOut(hidden, torch.rand(4, 4))).isnan().all()
