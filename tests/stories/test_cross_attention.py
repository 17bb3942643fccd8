"""The story of one head between two texts."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from attention_core import load_translator
from attention_core.models.hub.encoder_decoder import HubEncoderDecoder, TwoTextTrace
from attention_core.models.translation import TranslationTrace
from attention_core.stories.cross_attention import Crossed, adds_bias, cross_attention_story
from attention_core.stories.story import Story, as_data
from tests.models.hub_networks import encoder_decoder, sentence_pieces
from tests.stories.reading import seen, written


@cache
def trace() -> TranslationTrace:
    return load_translator(device="cpu").trace("我吃柠檬。", "I eat fish.")


def told(given: TwoTextTrace, layer: int = 1, head: int = 2, row: int = 2) -> Story:
    return cross_attention_story(Crossed(given, layer, head, row, bias=True))


def softmax(scores: np.ndarray) -> np.ndarray:
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_the_weights_follow_from_the_queries_and_keys() -> None:
    story = told(trace())
    one, guess, heads, within = (step.arrays for step in story.steps)
    np.testing.assert_allclose(one["scores"], one["query"] @ one["key"].T / np.sqrt(one["key"].shape[1]), atol=1e-4)
    np.testing.assert_allclose(one["weights"], softmax(one["scores"]), atol=1e-5)
    np.testing.assert_array_equal(heads["weights"][2], one["weights"])
    assert guess["p"].sum() == pytest.approx(1, abs=1e-4)
    assert max(story.figures["cross-guess"].given["probabilities"]) == pytest.approx(guess["p"].max(), abs=1e-5)
    assert within["target"].shape == (len(trace().target.tokens),) * 2
    facts = story.steps[0].facts
    assert facts["share"] == one["weights"][2].max()


@pytest.mark.parametrize(
    ("name", "rooted"), [("T5ForConditionalGeneration", False), ("BartForConditionalGeneration", True)]
)
def test_it_is_told_of_networks_of_others(name: str, rooted: bool) -> None:
    model = HubEncoderDecoder(encoder_decoder(name), sentence_pieces(), 20)
    given = model.trace("the cat eats", "the fish")
    story = cross_attention_story(Crossed(given, 1, 3, 1, adds_bias(model)))
    formulas = " ".join(story.steps[0].formulas)
    assert (r"\sqrt{d}" in formulas, r"\beta" in formulas) == (rooted, not rooted)
    assert r"(+\, b^q)" in formulas
    written(story)


def test_it_is_told_of_the_translator_that_ships() -> None:
    assert adds_bias(load_translator(device="cpu")) is True
    pages = written(told(trace()))
    assert "cross-heads" in pages["zh"] and "Click" not in pages["en"]
    assert "Click" in seen(told(trace()), "cross_attention.one")


def test_other_weights_are_another_story() -> None:
    cross = list(trace().cross)
    ended = torch.zeros_like(cross[1].weights)
    ended[..., -1] = 1
    cross[1] = replace(cross[1], weights=ended)
    changed = told(replace(trace(), cross=tuple(cross)))
    same = [as_data(a) == as_data(b) for a, b in zip(told(trace()).steps, changed.steps, strict=True)]
    assert same == [False, True, False, True]
    assert (changed.steps[0].facts["key"], changed.steps[0].facts["share"]) == ("[SEP]", 1)
    assert "Head 1, Head 2, Head 3, Head 4" in seen(changed, "cross_attention.all")


def test_what_stands_next_is_marked_where_it_is_likely() -> None:
    rows = range(len(trace().target.tokens))
    texts = {row: seen(told(trace(), row=row), "cross_attention.guess") for row in rows}
    assert "Here the text ends" in texts[rows[-1]]
    for row in rows[:-1]:
        bars = told(trace(), row=row).figures["cross-guess"].given
        follows = trace().target.vocabulary[trace().target.tokens[row + 1].id]
        assert (follows in bars["labels"]) == (bars["highlight"] is not None) == ("is marked" in texts[row])
    assert {"is marked" in texts[row] for row in rows[:-1]} == {True, False}
