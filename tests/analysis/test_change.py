"""Two traces beside each other."""

from __future__ import annotations

import pytest
import torch

from attention_core import load_text_model
from attention_core.analysis.change import empty_rows, predictions_beside
from attention_core.analysis.masks import mask_without


def test_predictions_are_those_of_the_two_traces() -> None:
    model = load_text_model()
    before, after = model.trace("我吃柠檬"), model.trace("我吃柠檬", hide=(2,), temperature=3.0)
    token = before.tokens[2].id
    found = predictions_beside(before, after, 2, k=4, also=(token,))
    assert [entry.text for entry in found[:4]] == [text for text, _ in before.predictions(2, 4)]
    assert {text for text, _ in after.predictions(2, 4)} <= {entry.text for entry in found}
    assert len({entry.token for entry in found}) == len(found)
    assert token in {entry.token for entry in found}
    everything = [dict(trace.predictions(2, len(trace.vocabulary))) for trace in (before, after)]
    for entry in found:
        assert entry.before == pytest.approx(everything[0][entry.text], abs=1e-7)
        assert entry.after == pytest.approx(everything[1][entry.text], abs=1e-7)


def test_empty_rows_are_the_fully_masked_ones() -> None:
    model = load_text_model()
    T = len(model.trace("我吃柠檬").tokens)
    trace = model.trace("我吃柠檬", mask=mask_without(T, [(1, column) for column in range(T)]))
    for layer, attention in enumerate(trace.layers):
        assert empty_rows(trace, layer, 0) == [1]
        assert torch.equal(attention.head_outputs[0, :, 1], torch.zeros_like(attention.head_outputs[0, :, 1]))
    assert empty_rows(model.trace("我吃柠檬"), 0, 0) == []
