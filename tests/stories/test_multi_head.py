"""The story of multi-head attention: its words, formulas, figures and arrays are those of the trace."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from attention_core.analysis.importance import head_importance
from attention_core.analysis.words import words
from attention_core.models import registry
from attention_core.models.hub.text import HubTextModel
from attention_core.models.text import TextTrace
from attention_core.stories.drawing import described, drawn
from attention_core.stories.head_importance import Missed
from attention_core.stories.multi_head import multi_head_story, own_maps
from attention_core.stories.story import Step, Story
from attention_core.stories.telling import story_text, tell_text
from attention_core.stories.text import Change, Followed, text_facts
from attention_core.stories.writing import story_html
from attention_core.words import LANGUAGES, fine_percentage, spoken
from tests.models.hub_networks import network, tokenizer_of
from tests.stories.test_self_attention import HEAD, LAYER, QUERY, SENTENCE, notes, read, shipped, softmax

FOREIGN = ("BertForMaskedLM", "GPT2LMHeadModel", "LlamaForCausalLM")


def told(trace: TextTrace, before: TextTrace | None = None, change: Change | None = None, **rest: object) -> Story:
    network = text_facts(shipped())
    followed = Followed(trace, before, LAYER, HEAD, QUERY, network, change or Change(), rest.pop("words", None))  # type: ignore[arg-type]
    return multi_head_story(followed, own_maps(shipped(), LAYER), **rest)  # type: ignore[arg-type]


def step(story: Story, name: str) -> Step:
    return next(one for one in story.steps if one.key == f"multi_head.{name}")


def test_each_step_follows_from_the_arrays_of_the_steps_before() -> None:
    story = told(read())
    weights = step(story, "all").arrays[f"weights_{LAYER}"]
    one, stages, joined = (step(story, name).arrays for name in ("one", "stages", "joined"))
    assert np.array_equal(one["weights"], weights[HEAD])
    assert np.allclose(one["output"], weights[HEAD] @ one["value"], atol=1e-5)
    assert np.allclose(stages["shared"], stages["input"] @ stages["shared_map"].T, atol=1e-4)
    assert np.allclose(stages["two_stage"], stages["shared"] @ stages["head_map"].T + stages["bias"], atol=1e-4)
    assert np.allclose(stages["two_stage"], stages["direct"], atol=1e-4)
    d = one["output"].shape[1]
    assert np.allclose(joined["concatenated"][HEAD * d :][:d], one["output"][QUERY])
    parts = joined["output_map"].reshape(len(joined["output_map"]), -1, d)  # (D, H, d)
    expected = np.einsum("ehd,hd->he", parts, joined["concatenated"].reshape(-1, d))
    assert np.allclose(joined["contributions"], expected, atol=1e-4)
    assert np.allclose(joined["summed"], joined["contributions"].sum(axis=0) + joined["bias"], atol=1e-4)
    assert np.allclose(joined["output"], joined["summed"], atol=1e-4)


def test_words_and_figures_follow_the_trace() -> None:
    weights = torch.roll(read().layers[LAYER].weights, 1, dims=-1)
    outputs = read().layers[LAYER].head_outputs.clone()
    quiet = step(told(read()), "joined").facts["strongest"] - 1
    outputs[0, quiet] = 0.0  # the head that added most now adds nothing
    layers = list(read().layers)
    layers[LAYER] = replace(layers[LAYER], weights=weights, head_outputs=outputs)
    before, after = told(read()), told(replace(read(), layers=tuple(layers)))
    assert step(after, "one").facts["key"] != step(before, "one").facts["key"]
    assert step(after, "one").facts["share"] == pytest.approx(weights[0, HEAD, QUERY].max().item())
    assert np.array_equal(after.figures["one-head"].given["values"], weights[0, HEAD].numpy())
    assert np.array_equal(after.figures["all-heads"].given["layers"][LAYER], weights[0].numpy())
    assert step(after, "joined").facts["strongest"] != quiet + 1
    assert not after.figures["joined-contributions"].given["values"][quiet].any()


def test_the_same_trace_twice_has_not_changed() -> None:
    found = head_importance(shipped(), SENTENCE, None, QUERY)
    alone = told(read(), missed=Missed(found))
    beside = told(read(), read(), missed=Missed(found, found))
    for number in (0, 1, 4):
        assert "change.none" in notes(beside.steps[number].blocks)
    assert not [name for name in beside.figures if name.endswith("-change")]
    for one, other in zip(alone.steps, beside.steps, strict=True):
        assert one.arrays.keys() == other.arrays.keys()
        assert all(np.array_equal(values, other.arrays[name]) for name, values in one.arrays.items())


def test_a_change_shows_was_is_and_the_difference() -> None:
    gates = [torch.ones(heads) for heads in shipped().config.heads]
    gates[LAYER][HEAD] = 0.5
    trace = shipped().trace(SENTENCE, temperature=0.5, head_gates=gates)
    was, is_ = (replace(head_importance(shipped(), SENTENCE, None, QUERY), drops=drops) for drops in _drops())
    story = told(trace, read(), Change(temperature=0.5, gate=0.5), missed=Missed(is_, was))
    given = {part: story.figures[f"one-head{part}"].given for part in ("-before", "", "-change")}
    assert np.allclose(given[""]["values"] - given["-before"]["values"], given["-change"]["values"], atol=1e-6)
    moved = story.figures["all-heads-change"].given["values"][LAYER][HEAD]
    difference = np.abs(given["-change"]["values"]).sum(axis=1).mean() / 2
    assert moved == pytest.approx(difference, abs=1e-5) and 0 < moved < 1
    assert r"\frac{1}{0.5}" in step(story, "all").formulas[0]
    assert r"g\," in step(story, "one").formulas[0] and "gate" in spoken(step(story, "one").see, "en")
    rows = story.figures["joined-projected"].given["values"]
    assert np.allclose(rows[1] - rows[0], rows[2], atol=1e-5)
    maps = [story.figures[f"importance-map{part}"].given for part in ("-before", "", "-change")]
    assert maps[0]["limit"] == maps[1]["limit"] <= maps[2]["limit"]
    assert np.allclose(maps[1]["values"][0] - maps[0]["values"][0], maps[2]["values"][0])


def _drops() -> list[tuple[torch.Tensor, ...]]:
    drops = head_importance(shipped(), SENTENCE, None, QUERY).drops
    return [drops, tuple(-layer for layer in drops)]


def test_the_head_that_is_missed_most_is_named_with_its_numbers() -> None:
    found = head_importance(shipped(), SENTENCE, None, QUERY)
    layer, head = found.costliest()
    for drop in (found.drops[layer][head].item() + 1, 0.001):
        drops = [torch.zeros_like(one) for one in found.drops]
        drops[layer][head] = drop
        last = told(read(), missed=Missed(replace(found, drops=tuple(drops)))).steps[-1]
        said = [spoken(words, "en") for words in (block.words for block in last.blocks if hasattr(block, "words"))]  # type: ignore[union-attr]
        assert (f"Layer {layer + 1}, head {head + 1} is missed most" in said[-1]) == (drop > 0.01)
        assert fine_percentage(math.exp(found.log_probability)) in said[-1]
        assert "Blue heads" not in said[-1]  # none hinders


@pytest.mark.parametrize(
    ("share", "written"), [(0.453, "45.3%"), (0.0002, "0.02%"), (4e-6, "0.0004%"), (0.0, "0.0%"), (1.0, "100.0%")]
)
def test_a_tiny_share_is_not_written_as_none(share: float, written: str) -> None:
    assert fine_percentage(share) == written


def test_what_was_measured_of_a_head_is_said_and_where_colours_end_is_followed() -> None:
    limits = [np.full(heads, 0.25, dtype=np.float32) for heads in shipped().config.heads]
    story = told(read(), scores=registry.scores("text"), limits=limits)
    assert story.figures["one-head"].given["limit"] == 0.25
    assert story.figures["all-heads"].given["limits"] is limits
    assert "heads.does" in notes(step(story, "one").blocks)
    assert "heads.here" in notes(step(told(read()), "one").blocks)


def test_by_words_the_tiles_and_the_enlarged_head_are_of_words() -> None:
    grouped = words(read())
    assert len(grouped) < len(read().tokens)
    story = told(read(), words=grouped)
    assert story.figures["one-head"].given["values"].shape == (len(grouped),) * 2
    assert story.figures["all-heads"].given["tokens"] == [word.text for word in grouped]
    assert len(story.figures["head-outputs"].given["rows"]) == len(read().tokens)


@pytest.mark.parametrize("name", FOREIGN)
def test_on_networks_of_others_each_sentence_and_formula_holds(name: str) -> None:
    model = HubTextModel(network(name), tokenizer_of(name))
    trace = model.trace("the cat eats a fish")
    query = len(trace.tokens) // 2
    [story] = tell_text(model, trace, layer=1, head=3, query=query, only="multi_head")
    attention = trace.layers[1]
    everything, one, stages, joined, importance = story.steps
    expected = softmax(np.where(attention.mask[0, 0].numpy(), attention.scores[0, 3].numpy(), -np.inf))
    assert np.allclose(one.arrays["weights"], expected, atol=1e-4)
    assert (r"j \in M_i" in everything.formulas[0]) == (not bool(attention.mask.all()))
    assert "[SEP]" not in spoken(everything.see, "en")
    assert ("share 2 sets" in spoken(one.see, "en")) == (name == "LlamaForCausalLM")
    assert stages.absent is not None and "joined-summed" not in story.figures
    assert not joined.facts["by_heads"] and r"\sum_h" not in joined.formulas[0]
    assert (importance.absent is None) == (model.predicts == "hidden")
    if importance.absent is None:
        assert "not been measured" in spoken(importance.see, "en")


@pytest.mark.parametrize("query", [0, QUERY])
@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("name", ["shipped", "BertForMaskedLM", "GPT2LMHeadModel"])
def test_every_door_can_tell_it_in_both_languages(name: str, changed: bool, query: int) -> None:
    model = shipped() if name == "shipped" else HubTextModel(network(name), tokenizer_of(name))
    trace = model.trace(SENTENCE)
    before, change = (trace, Change(temperature=2.0)) if changed else (None, Change())
    if changed:
        trace = model.trace(SENTENCE, temperature=2.0)
    [story] = tell_text(model, trace, layer=1, head=1, query=query, before=before, change=change, only="multi_head")
    for language in LANGUAGES:
        assert story_text(story, language)
        html = story_html(story, language, lambda name, figure, alt: f"[{name}]")
        for figure_name, figure in story.figures.items():
            assert f"[{figure_name}]" in html and drawn(figure, language).to_dict()["data"]
            assert "<su" not in described(figure, language)
