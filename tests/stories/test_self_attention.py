"""The story of self-attention: its words, formulas, figures and arrays are those of the trace, on every network."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from attention_core import load_text_model
from attention_core.analysis.masks import causal_mask
from attention_core.models.hub.text import HubTextModel
from attention_core.models.text import TextModel, TextTrace
from attention_core.stories.drawing import drawn
from attention_core.stories.self_attention import self_attention_story
from attention_core.stories.story import Figure, Note, Step, Story, as_data
from attention_core.stories.telling import story_text, tell_text
from attention_core.stories.text import Change, Followed, text_facts
from attention_core.stories.token_prediction import Guessing
from attention_core.stories.writing import story_html
from attention_core.words import LANGUAGES, Say, spoken
from tests.models.hub_networks import DECODERS, ENCODERS, network, tokenizer_of

SENTENCE = "I eat lemons every day."
LAYER, HEAD, QUERY = 2, 1, 2


@cache
def shipped() -> TextModel:
    return load_text_model(device="cpu")


@cache
def read() -> TextTrace:
    return shipped().trace(SENTENCE)


def told(trace: TextTrace, before: TextTrace | None = None, change: Change | None = None, **place: int) -> Story:
    at = {"layer": LAYER, "head": HEAD, "query": QUERY, **place}
    return self_attention_story(Followed(trace, before, **at, network=text_facts(shipped()), change=change or Change()))


def step(story: Story, name: str) -> Step:
    return next(one for one in story.steps if one.key == f"self_attention.{name}")


def softmax(scores: np.ndarray) -> np.ndarray:
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def notes(blocks: Any) -> list[str]:
    return [block.words.key for block in blocks if isinstance(block, Note) and isinstance(block.words, Say)]


def test_each_step_follows_from_the_arrays_of_the_steps_before() -> None:
    story = told(read())
    q, k, v = (step(story, "projections").arrays[name] for name in ("query", "key", "value"))
    scores, weights = step(story, "scores").arrays, step(story, "weights").arrays["weights"]
    assert np.allclose(scores["products"], q @ k.T, atol=1e-4)
    assert np.allclose(scores["scores"], scores["products"] / math.sqrt(q.shape[1]), atol=1e-5)
    assert np.allclose(weights, softmax(scores["scores"]), atol=1e-6)
    total = step(story, "sum").arrays
    assert np.allclose(total["terms"], weights[QUERY][:, None] * v, atol=1e-6)
    assert np.allclose(total["output"], total["terms"].sum(axis=0), atol=1e-5)
    parts = step(story, "embedding").arrays
    assert np.allclose(parts["token"] + parts["position"] + parts["segment"], parts["sum"], atol=1e-5)
    assert step(story, "prediction").arrays["p"].sum() == pytest.approx(1, abs=1e-4)


def test_with_a_mask_a_temperature_and_a_gate_they_still_do() -> None:
    mask, gates = causal_mask(len(read().tokens)), [torch.ones(h) for h in shipped().config.heads]
    gates[LAYER][HEAD] = 0.5
    trace = shipped().trace(SENTENCE, mask=mask, temperature=0.7, scale=1.0, head_gates=gates)
    change = Change(scaled=False, temperature=0.7, mask=mask, gate=0.5)
    story = told(trace, read(), change)
    scores, weights = step(story, "scores").arrays["scores"], step(story, "weights").arrays["weights"]
    assert np.allclose(scores, step(story, "scores").arrays["products"], atol=1e-5)  # not divided
    blanked = np.where(mask.numpy(), scores / 0.7, -np.inf)
    assert np.allclose(weights, softmax(blanked), atol=1e-5)
    assert np.allclose(step(story, "sum").arrays["output"], 0.5 * step(story, "sum").arrays["terms"].sum(0), atol=1e-5)
    shown = story.figures["scores"].given["values"]
    assert np.isnan(shown[~mask.numpy()]).all() and np.isfinite(shown[mask.numpy()]).all()
    assert r"\tau = 0.7" in " ".join(step(story, "weights").formulas)
    assert "g \\sum" in " ".join(step(story, "sum").formulas)


def test_words_formula_and_figure_follow_the_trace() -> None:
    weights = torch.roll(read().layers[LAYER].weights, 1, dims=-1)  # what each looked at, its neighbour gets
    layers = list(read().layers)
    layers[LAYER] = replace(layers[LAYER], weights=weights)
    before, after = told(read()), told(replace(read(), layers=tuple(layers)))
    row = weights[0, HEAD, QUERY]
    facts = step(after, "weights").facts
    assert facts["key"] != step(before, "weights").facts["key"]
    assert facts["share"] == pytest.approx(row.max().item())
    assert np.array_equal(after.figures["weights"].given["values"], weights[0, HEAD].numpy())
    query = read().layers[LAYER].query.clone()
    query[0, HEAD] *= 2
    layers[LAYER] = replace(read().layers[LAYER], query=query, scores=read().layers[LAYER].scores * 2)
    doubled = told(replace(read(), layers=tuple(layers)))
    assert step(doubled, "scores").formulas != step(before, "scores").formulas


def test_the_same_trace_twice_has_not_changed() -> None:
    alone, beside = told(read()), told(read(), read())
    for name in ("scores", "weights"):
        assert "change.none" in notes(step(beside, name).blocks)
        assert f"{name}-change" not in beside.figures
    for one, other in zip(alone.steps, beside.steps, strict=True):
        assert one.key == other.key
        assert all(np.array_equal(values, other.arrays[name]) for name, values in one.arrays.items())


def test_a_change_shows_was_is_and_the_difference_on_one_scale() -> None:
    trace = shipped().trace(SENTENCE, temperature=0.5)
    story = told(trace, read(), Change(temperature=0.5))
    was, is_, change = (story.figures[f"weights{part}"].given for part in ("-before", "", "-change"))
    assert np.allclose(is_["values"] - was["values"], change["values"], atol=1e-6)
    scores = [story.figures[name].given["limit"] for name in ("scores-before", "scores", "scores-change")]
    assert scores[0] == scores[1] <= scores[2]
    facts = step(story, "weights").facts
    assert facts["before"] == pytest.approx(read().layers[LAYER].weights[0, HEAD, QUERY].max().item(), abs=0.2)


def test_a_row_that_may_look_at_nothing_is_said_to() -> None:
    mask = torch.ones(len(read().tokens), len(read().tokens), dtype=torch.bool)
    mask[QUERY] = False
    trace = shipped().trace(SENTENCE, mask=mask)
    story = told(trace, read(), Change(mask=mask))
    weights = step(story, "weights")
    assert "self_attention.weights.empty" in notes(weights.blocks)
    assert "nothing" in spoken(weights.see, "en") and "%" not in spoken(weights.see, "en")


def test_the_last_step_names_the_likeliest_token() -> None:
    hidden = shipped().trace(SENTENCE, hide=[QUERY])
    followed = Followed(read(), None, LAYER, HEAD, QUERY, text_facts(shipped()))
    last = self_attention_story(followed, Guessing(hidden)).steps[-1]
    [(best, chance)] = hidden.predictions(QUERY, 1)
    assert last.facts["best"] == best and last.facts["chance"] == chance
    assert f"{chance:.0%}" in spoken(last.see, "en") and best in spoken(last.see, "zh")
    assert max(last.figures["prediction-hidden"].given["probabilities"]) == chance


def test_a_story_is_data() -> None:
    story = told(read(), shipped().trace(SENTENCE, hide=[3]))
    again = json.loads(json.dumps(as_data(story)))
    assert [one["key"] for one in again["steps"]] == [one.key for one in story.steps]
    assert again["focus"] == {"layer": LAYER, "head": HEAD, "query": QUERY}


@pytest.mark.parametrize("name", [*ENCODERS, *DECODERS])
def test_on_every_network_each_sentence_and_formula_holds(name: str) -> None:
    model = HubTextModel(network(name), tokenizer_of(name))
    trace = model.trace("the cat eats a fish")
    query = len(trace.tokens) // 2
    [story] = tell_text(model, trace, layer=0, head=0, query=query, only="self_attention")
    attention, facts = trace.layers[0], story.facts
    allowed = attention.mask[0, 0]
    assert facts["causal"] == (not bool(allowed.triu(1).any())), name
    key = step(story, "scores").facts["key"]
    among = [said for place, said in enumerate(story.steps[1].blocks[0].given["rows"]) if allowed[query, place]]  # type: ignore[union-attr]
    assert any(key.startswith(said) for said in among)
    divided = torch.allclose(
        attention.scores, attention.query @ attention.key.mT / attention.query.shape[-1] ** 0.5, atol=1e-3
    )
    assert (r"\sqrt" in step(story, "scores").formulas[0]) == divided
    shown = story.figures["scores-scaled"].given["values"]
    assert np.array_equal(np.isnan(shown), ~allowed.numpy())
    for language in LANGUAGES:
        assert story_text(story, language) and story_html(story, language, lambda name, figure, alt: alt)
        for figure in story.figures.values():
            assert isinstance(figure, Figure) and drawn(figure, language).to_dict()["data"]
    last = story.steps[-1]
    if model.predicts == "next":
        assert last.facts["best"] == trace.predictions(query, 1)[0][0]
        assert "trained to guess hidden" not in spoken(last.see, "en")
