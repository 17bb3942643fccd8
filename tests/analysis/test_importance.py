"""The drop of each head against a trace of its own, and cases whose answer is known."""

from __future__ import annotations

import math
import time
from copy import deepcopy

import pytest
import torch

from attention_core import ControlError, TextTrace, load_text_model
from attention_core.analysis.importance import HeadImportance, head_importance
from attention_core.models.text import EncoderBlock, TextModel

SENTENCES = [("我吃柠檬", "I eat lemons."), ("The old man who lives next door plays the piano.", None)]


@pytest.fixture(scope="module")
def model() -> TextModel:
    return load_text_model(device="cpu")


def all_heads(model: TextModel) -> list[tuple[int, int]]:
    return [(layer, head) for layer, heads in enumerate(model.config.heads) for head in range(heads)]


def without(model: TextModel, layer: int, head: int) -> list[torch.Tensor]:
    """Gates that switch one head off."""
    gates = [torch.ones(heads) for heads in model.config.heads]
    gates[layer][head] = 0
    return gates


def log_probability(trace: TextTrace, position: int, token: int) -> float:
    return trace.logits[position].double().log_softmax(dim=-1)[token].item()


@pytest.mark.parametrize(("text", "pair"), SENTENCES)
def test_each_drop_is_that_of_a_trace_with_the_head_gated_off(model: TextModel, text: str, pair: str | None) -> None:
    precise = deepcopy(model).double()  # in single precision the two ways differ by its rounding, some 1e-6
    for position in (1, 3):
        found = head_importance(precise, text, pair, position)
        before = precise.trace(text, pair, hide=[position])
        assert found.token_id == before.tokens[position].id
        assert found.log_probability == pytest.approx(log_probability(before, position, found.token_id), abs=1e-9)
        for layer, head in all_heads(precise):
            gated = precise.trace(text, pair, hide=[position], head_gates=without(precise, layer, head))
            expected = log_probability(gated, position, found.token_id)
            assert found.without[layer][head].item() == pytest.approx(expected, abs=1e-6)
            assert found.drops[layer][head].item() == pytest.approx(found.log_probability - expected, abs=1e-6)


def test_single_precision_agrees_to_its_rounding(model: TextModel) -> None:
    text, pair = SENTENCES[0]
    rough, precise = (head_importance(network, text, pair, 2) for network in (model, deepcopy(model).double()))
    for one, other in zip(rough.drops, precise.drops, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=2e-5)


def test_there_is_one_number_for_each_head_of_each_layer(model: TextModel) -> None:
    found = head_importance(model, *SENTENCES[0], 1, top=3)
    assert [tuple(layer.shape) for layer in found.drops] == [(heads,) for heads in model.config.heads]
    for drops, gated in zip(found.drops, found.without, strict=True):
        torch.testing.assert_close(drops, found.log_probability - gated)


def test_the_guesses_are_those_of_the_trace_and_the_right_one_has_its_rank(model: TextModel) -> None:
    text, pair = SENTENCES[1]
    found = head_importance(model, text, pair, 3, top=7000)
    trace = model.trace(text, pair, hide=[3])
    assert list(found.predictions) == trace.predictions(3, 7000)
    assert found.token == trace.vocabulary[found.token_id] == trace.tokens[3].text.lower()
    word, probability = found.predictions[found.rank - 1]
    assert word == found.token
    assert probability == pytest.approx(math.exp(found.log_probability), rel=1e-4)


def test_a_head_that_writes_nothing_costs_nothing(model: TextModel) -> None:
    muted = deepcopy(model)
    layer, head = len(muted.blocks) - 1, 1
    block = muted.blocks[layer]
    assert isinstance(block, EncoderBlock)
    d = block.attention.head_dim
    with torch.no_grad():
        block.attention.output.weight[:, head * d : (head + 1) * d] = 0
    found = head_importance(muted.double(), *SENTENCES[0], 2)
    assert found.drops[layer][head].item() == pytest.approx(0, abs=1e-12)
    assert all(abs(drop) > 1e-9 for index, drop in enumerate(found.drops[layer].tolist()) if index != head)


def test_the_costliest_head_has_the_largest_drop() -> None:
    drops = (torch.tensor([0.1, -3.0]), torch.tensor([0.2, 0.4, 0.3]))
    found = HeadImportance(1, 5, "a", 1, (("a", 0.5),), -0.7, tuple(-0.7 - layer for layer in drops), drops)
    assert found.costliest() == (1, 1)


def test_the_shared_model_is_left_as_it_was(model: TextModel) -> None:
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    head_importance(model, *SENTENCES[0], 1)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_special_tokens_and_places_outside_are_refused(model: TextModel) -> None:
    text, pair = SENTENCES[0]
    last = len(model.trace(text, pair).tokens) - 1
    for position in (0, last):
        with pytest.raises(ControlError, match=rf"position {position} holds \["):
            head_importance(model, text, pair, position)
    for position in (-1, last + 1):
        with pytest.raises(ControlError, match=f"position {position}"):
            head_importance(model, text, pair, position)


def test_a_sentence_takes_a_fraction_of_a_second(model: TextModel) -> None:
    def once() -> float:
        start = time.process_time()
        head_importance(model, "The old man who lives next door plays the piano for a while.", None, 3)
        return time.process_time() - start

    assert min(once() for _ in range(3)) < 0.5  # 0.02 on an idle core
