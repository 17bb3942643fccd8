"""The identities that the multi-head page shows, on the shipped network."""

from __future__ import annotations

import pytest
import torch

from attention_core import TextTrace, load_text_model
from attention_core.analysis.heads import output_by_heads, two_stage_queries, unscaled_scores, weighted_sum
from attention_core.models.text import EncoderBlock, TextModel


@pytest.fixture(scope="module")
def model() -> TextModel:
    return load_text_model(device="cpu")


@pytest.fixture(scope="module")
def trace(model: TextModel) -> TextTrace:
    return model.trace("我吃柠檬", "I eat lemons.")


def blocks(model: TextModel) -> list[EncoderBlock]:
    return [block for block in model.blocks if isinstance(block, EncoderBlock)]


def test_unscaled_scores_divided_by_root_d_are_the_scores(trace: TextTrace) -> None:
    for attention in trace.layers:
        d = attention.query.shape[-1]
        torch.testing.assert_close(unscaled_scores(attention) / d**0.5, attention.scores, rtol=1e-4, atol=1e-4)


def test_the_terms_add_up_to_the_heads_output(trace: TextTrace) -> None:
    attention = trace.layers[1]
    result = weighted_sum(attention, head=2, query=3)
    torch.testing.assert_close(result.terms.sum(dim=0), attention.head_outputs[0, 2, 3])
    torch.testing.assert_close(result.total, attention.head_outputs[0, 2, 3])


def test_two_stages_are_the_single_projection(model: TextModel, trace: TextTrace) -> None:
    for block, attention in zip(blocks(model), trace.layers, strict=True):
        stages = two_stage_queries(block.attention, attention)
        H, d, D = stages.head_maps.shape
        product = stages.head_maps.reshape(H * d, D) @ stages.shared_map
        torch.testing.assert_close(product, block.attention.query.weight.double())
        orthogonal = stages.shared_map @ stages.shared_map.mT
        torch.testing.assert_close(orthogonal, torch.eye(D, dtype=torch.float64))
        assert stages.difference < 1e-4


def test_the_sum_over_heads_is_the_projected_concatenation(model: TextModel, trace: TextTrace) -> None:
    for block, attention in zip(blocks(model), trace.layers, strict=True):
        joined = output_by_heads(block.attention, attention)
        torch.testing.assert_close(joined.summed, attention.output[0], rtol=1e-4, atol=1e-4)
        assert joined.difference < 1e-4
