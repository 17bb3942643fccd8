"""The story of what a network wrote, and of one moment in it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from attention_core import generate, load_translator
from attention_core.models.hub.text import HubTextModel
from attention_core.models.translation import TranslationStep
from attention_core.models.writing import GenerationStep, Sampling
from attention_core.stories.generation import Moment, generation_story
from attention_core.stories.story import Story, as_data
from tests.models.hub_networks import network, tokenizer_of
from tests.stories.reading import seen, written


@cache
def translated(sampling: Sampling | None = None) -> tuple[TranslationStep, ...]:
    choose = {} if sampling is None else {"choose": sampling.choose()}
    return tuple(load_translator(device="cpu").write("我吃柠檬。", **choose))


@cache
def continued(name: str = "GPT2LMHeadModel") -> tuple[GenerationStep, ...]:
    return tuple(generate(HubTextModel(network(name), tokenizer_of(name)), "the cat eats", steps=5))


def told(number: int = 2, sampling: Sampling | None = None) -> Story:
    return generation_story(Moment(translated(sampling), sampling, number, 1, 3, 2))


def test_the_numbers_of_a_step_follow_from_each_other() -> None:
    story = told()
    whole, guess, cross, own, both = (step.arrays for step in story.steps)
    for heads in (cross, own):
        products = np.einsum("hd,htd->ht", heads["query"], heads["key"]) / np.sqrt(heads["query"].shape[1])
        np.testing.assert_allclose(heads["scores"], products, atol=1e-4)
        e = np.exp(products - products.max(axis=1, keepdims=True))
        np.testing.assert_allclose(heads["weights"], e / e.sum(axis=1, keepdims=True), atol=1e-5)
    now = translated()[2]
    assert whole["p"][2] == pytest.approx(guess["p"][now.token.id], abs=1e-6)
    np.testing.assert_array_equal(both["across"][2], cross["weights"][2])
    np.testing.assert_array_equal(both["back"][2, : len(now.read)], own["weights"][3])
    assert np.isnan(both["back"][2, len(now.read) :]).all()
    assert story.steps[0].facts["log"] == pytest.approx(np.log(whole["p"]).sum(), abs=1e-4)
    assert story.focus == {"written": 2, "cross_layer": 1, "cross_head": 2, "own_head": 3}


def test_it_is_told_of_the_translator_likeliest_and_drawn() -> None:
    plain_pages = written(told())
    assert not any("top-k" in page for page in plain_pages.values())
    for top_k, said in ((3, "top-k 3"), (0, "top-k all")):
        sampling = Sampling(1.3, top_k, 4)
        story = told(1, sampling)
        assert said in written(story)["en"] and "1.3" in written(story)["zh"]
        drawn = story.steps[1].arrays["drawn"]
        assert drawn.sum() == pytest.approx(1, abs=1e-4)
        assert (np.count_nonzero(drawn) == 3) == (top_k == 3)
        assert story.steps[1].facts["chance"] == pytest.approx(drawn[translated(sampling)[1].token.id])


@pytest.mark.parametrize("name", ["GPT2LMHeadModel", "LlamaForCausalLM", "Gemma2ForCausalLM"])
def test_it_is_told_of_decoders_of_others(name: str) -> None:
    steps = continued(name)
    story = generation_story(Moment(steps, None, 3, 1, 2))
    assert [step.key for step in story.steps] == [f"generation.{one}" for one in ("whole", "guess", "heads", "rows")]
    assert r"(+\, b)" in story.steps[1].formulas[0]
    np.testing.assert_array_equal(story.figures["next-heads"].given["values"], steps[3].layers[1].weights[0, :, 0])
    assert story.figures["next-rows"].given["values"].shape == (len(steps), len(steps[-1].read))
    assert story.focus == {"written": 3, "layer": 1, "head": 2}
    assert story.figures["next-heads"].pick is not None and story.figures["next-heads"].pick.focus == "head"
    written(story)


def test_a_factor_of_its_own_stands_in_the_formula() -> None:
    step = continued()[3]
    twice = tuple(replace(one, scores=2 * one.scores) for one in step.layers)
    steps = (*continued()[:3], replace(step, layers=twice))
    formulas = [generation_story(Moment(given, None, 3, 1, 2)).steps[2].formulas[0] for given in (continued(), steps)]
    assert r"\sqrt{d}" in formulas[0] and r"\sqrt{d}" not in formulas[1]


def test_what_goes_on_and_where_the_weight_lies_is_said_where_it_is_so() -> None:
    last = len(translated()) - 1
    assert "read like everything" in seen(told(0), "generation.guess")
    assert "read like everything" not in seen(told(last), "generation.guess")
    steps = list(continued())
    for first, said in ((0.9, True), (0.1, False)):
        layers = list(steps[3].layers)
        weights = torch.full_like(layers[1].weights, (1 - first) / (layers[1].weights.shape[-1] - 1))
        weights[..., 0] = first
        layers[1] = replace(layers[1], weights=weights)
        changed = (*steps[:3], replace(steps[3], layers=tuple(layers)), *steps[4:])
        story = generation_story(Moment(changed, None, 3, 1, 2))
        assert ("attention sink" in seen(story, "generation.heads")) == said
        same = [
            as_data(a) == as_data(b)
            for a, b in zip(generation_story(Moment(continued(), None, 3, 1, 2)).steps[:3], story.steps, strict=False)
        ]
        assert same == [True, True, False]
