"""A decoder writes on, with the attention that each token was chosen by."""

from __future__ import annotations

from functools import cache
from itertools import islice

import pytest
import torch
from torch import Tensor

from attention_core.errors import ControlError, UnsupportedModelError
from attention_core.models.hub.generation import generate
from attention_core.models.hub.text import HubTextModel
from tests.models.hub_networks import network, tokenizer_of

TEXT = "I eat 柠檬 and"
NAMES = ["GPT2LMHeadModel", "LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Gemma2ForCausalLM"]


@cache
def model(name: str) -> HubTextModel:
    return HubTextModel(network(name), tokenizer_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_each_step_is_the_last_row_of_the_whole_pass(name: str) -> None:
    shared = model(name)
    steps = list(generate(shared, TEXT, steps=4))
    reference = network(name)
    reference.set_attn_implementation("eager")
    ids = [token.id for token in shared.trace(TEXT).tokens]
    for step in steps:
        with torch.no_grad():
            whole = reference(input_ids=torch.tensor([ids]), output_attentions=True)
        # One row is multiplied in another order than all rows at once: the rounding differs.
        assert torch.allclose(step.logits, whole.logits[0, -1], atol=1e-4)
        assert step.token.id == int(whole.logits[0, -1].argmax())
        for layer, weights in zip(step.layers, whole.attentions, strict=True):
            assert layer.weights.shape == (1, 4, 1, len(ids)) == (1, 4, 1, len(step.read))
            assert (layer.weights - weights[:, :, -1:]).abs().max() < 1e-5
            assert layer.query.shape[2] == layer.input.shape[1] == layer.output.shape[1] == 1
            assert layer.key.shape[2] == layer.value.shape[2] == len(ids)
        assert [token.id for token in step.read] == ids
        ids.append(step.token.id)


def test_what_is_written_has_places_in_the_second_segment() -> None:
    steps = list(generate(model("LlamaForCausalLM"), TEXT, steps=6))
    last = steps[-1]
    assert [token.id for token in last.written] == [step.token.id for step in steps]
    assert all(token.segment == 1 for token in last.written) and last.read[0].segment == 0
    for token in last.written:
        assert 0 <= token.start <= token.end <= len(last.text)
    assert last.predictions(1)[0][1] == pytest.approx(last.probability)


def test_it_stops_at_an_end_token() -> None:
    shared = model("GPT2LMHeadModel")
    end = next(iter(shared.tokenizer.ends))
    ids = iter([300, 301, end, 302])

    def choose(logits: Tensor) -> int:
        return next(ids)

    steps = list(generate(shared, TEXT, steps=10, choose=choose))
    assert [step.token.id for step in steps] == [300, 301, end]
    assert steps[-1].token.special


def test_it_stops_where_the_network_takes_no_more() -> None:
    short = HubTextModel(network("GPT2LMHeadModel"), tokenizer_of("GPT2LMHeadModel"), max_tokens=16)
    T = len(short.trace(TEXT).tokens)
    steps = list(generate(short, TEXT, steps=100, choose=lambda logits: 300))
    assert len(steps) == 16 + 1 - T and len(steps[-1].read) == 16
    assert next(generate(short, TEXT * 5)).truncated > 0


def test_nothing_of_a_step_reaches_the_caller_between_two() -> None:
    steps = generate(model("GPT2LMHeadModel"), TEXT)
    assert len(list(islice(steps, 2))) == 2
    assert torch.is_grad_enabled()
    other = next(generate(model("LlamaForCausalLM"), TEXT))
    assert next(steps).logits.shape == other.logits.shape


def test_refusals_come_before_the_first_token() -> None:
    with pytest.raises(UnsupportedModelError) as refused:
        generate(model("BertForMaskedLM"), TEXT)
    assert refused.value.key == "hub.no_generation"
    with pytest.raises(ControlError):
        generate(model("GPT2LMHeadModel"), TEXT, steps=0)
