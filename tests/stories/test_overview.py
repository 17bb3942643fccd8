"""The story of the overview: its matrices follow from each other, and its formulas hold for the network."""

from __future__ import annotations

import numpy as np
import pytest

from attention_core.models.hub.text import HubTextModel
from attention_core.stories.overview import BLOCKS, diagram, overview_story
from attention_core.stories.story import Note
from attention_core.stories.telling import story_text, tell_text
from attention_core.stories.text import Change, Followed, text_facts
from attention_core.stories.writing import story_html
from attention_core.words import LANGUAGES, spoken
from tests.models.hub_networks import network, tokenizer_of
from tests.stories.test_self_attention import HEAD, LAYER, QUERY, SENTENCE, read, shipped, softmax


def followed(**change: object) -> Followed:
    before, trace = read(), shipped().trace(SENTENCE, **change)  # type: ignore[arg-type]
    changed = Change(temperature=change.get("temperature", 1.0))  # type: ignore[arg-type]
    return Followed(trace, before if change else None, LAYER, HEAD, QUERY, text_facts(shipped()), changed)


def test_each_matrix_follows_from_those_before_it() -> None:
    [step] = overview_story(followed()).steps
    found = step.arrays
    assert tuple(found) == BLOCKS and {f"overview-{name}" for name in BLOCKS} == set(step.figures)
    d = found["query"].shape[1]
    assert np.allclose(found["raw"], found["query"] @ found["key"].T, atol=1e-4)
    assert np.allclose(found["scores"], found["raw"] / d**0.5, atol=1e-4)
    assert np.allclose(found["weights"], softmax(found["scores"]), atol=1e-5)
    assert np.allclose(found["head"], found["weights"] @ found["value"], atol=1e-4)
    assert np.array_equal(found["joined"][:, HEAD * d :][:, :d], found["head"])
    block = shipped().blocks[LAYER].attention
    for name in ("query", "key", "value"):  # with the bias that the formula speaks of
        weight, bias = (getattr(block, name).__getattr__(part).detach().numpy() for part in ("weight", "bias"))
        assert np.allclose(found[name], (found["input"] @ weight.T + bias)[:, HEAD * d :][:, :d], atol=1e-4)
    formulas = {one.name: one.formula for one in diagram(followed())}
    assert formulas["query"] == "q = W^q a + b^q" and formulas["scores"] == f"α = q·k / √{d}"


def test_a_change_is_in_formulas_and_shown_beside_what_was_trained() -> None:
    at = followed(temperature=2.0)
    [step] = overview_story(at).steps
    assert "α / 2" in {one.name: one.formula for one in diagram(at)}["weights"]
    was, is_, change = (step.figures[f"overview-weights{part}"].given["values"] for part in ("-before", "", "-change"))
    assert np.allclose(was, read().layers[LAYER].weights[0, HEAD].numpy()) and np.allclose(is_ - was, change, atol=1e-6)
    same = Followed(read(), read(), LAYER, HEAD, QUERY, text_facts(shipped()))
    [unchanged] = overview_story(same).steps
    none = [block for block in unchanged.blocks if isinstance(block, Note)]
    assert len(none) == 3 and not [name for name in unchanged.figures if name.endswith("-change")]
    alone = overview_story(followed()).steps[0].arrays
    assert all(np.array_equal(values, alone[name]) for name, values in unchanged.arrays.items())


@pytest.mark.parametrize(
    ("name", "reads"),
    [("BertForMaskedLM", "a = h"), ("GPT2LMHeadModel", "a = norm(h)"), ("LlamaForCausalLM", "a = norm(h)")],
)
def test_on_networks_of_others_formulas_say_no_more_than_is_known(name: str, reads: str) -> None:
    model = HubTextModel(network(name), tokenizer_of(name))
    trace = model.trace("the cat eats a fish")
    [story] = tell_text(model, trace, layer=1, head=1, query=1, only="overview")
    found = Followed(trace, None, 1, 1, 1, text_facts(model))
    formulas = {one.name: one.formula for one in diagram(found)}
    assert formulas["input"] == reads
    assert formulas["key"] == "k = W^k a (+ b^k )"
    for language in LANGUAGES:
        see = story.steps[0].see
        assert spoken(see, language) != spoken(see, language, live=True)
        html = story_html(story, language, lambda name, figure, alt: f"[{name}]")
        assert story_text(story, language) and all(f"[{figure}]" in html for figure in story.figures)
