"""Attention sinks, on weights made by hand."""

from __future__ import annotations

from dataclasses import replace

import torch

from attention_core import load_text_model
from attention_core.analysis.sinks import FEWEST, attention_sinks, largest_elsewhere, received
from attention_core.models.text import TextTrace


def with_weights(weights: torch.Tensor) -> TextTrace:
    """The trace of a sentence of six tokens whose heads all have these weights."""
    trace = load_text_model().trace("我吃柠檬")
    layers = tuple(
        replace(layer, weights=weights.expand(1, layer.weights.shape[1], 6, 6).clone()) for layer in trace.layers
    )
    return replace(trace, layers=layers)


SUNK = torch.full((6, 6), 0.04)
SUNK[:, 2] = 0.8
SUNK[2] = 1 / 6


def test_a_token_that_all_others_look_at_is_a_sink() -> None:
    trace = with_weights(SUNK)
    alpha = received(trace.layers[0])
    torch.testing.assert_close(alpha[0, 2], torch.tensor(0.8))  # of the five others
    torch.testing.assert_close(alpha[0, 0], torch.tensor((4 * 0.04 + 1 / 6) / 5))
    assert attention_sinks(trace).keys() == {2}
    assert abs(attention_sinks(trace)[2] - 0.8) < 1e-6


def test_looking_at_oneself_or_evenly_makes_no_sink() -> None:
    assert attention_sinks(with_weights(torch.eye(6))) == {}
    assert attention_sinks(with_weights(torch.full((6, 6), 1 / 6))) == {}


def test_a_sink_of_few_heads_is_none_of_the_network() -> None:
    trace = with_weights(torch.eye(6))
    layers = list(trace.layers)
    few = layers[0].weights.clone()  # two of 22 heads
    few[:] = SUNK
    layers[0] = replace(layers[0], weights=few)
    assert attention_sinks(replace(trace, layers=tuple(layers))) == {}


def test_the_colours_end_at_the_largest_weight_elsewhere() -> None:
    trace = with_weights(SUNK)
    torch.testing.assert_close(largest_elsewhere(trace.layers[0].weights[0], [2]), torch.full((2,), 1 / 6))
    only = torch.zeros(6, 6)
    only[:, 2] = 1
    torch.testing.assert_close(largest_elsewhere(with_weights(only).layers[0].weights[0], [2]), torch.ones(2))


def test_few_others_say_nothing() -> None:
    assert FEWEST == 3
    trace = load_text_model().trace("我")  # [CLS] 我 [SEP]: two others each
    assert received(trace.layers[0]).count_nonzero() == 0
