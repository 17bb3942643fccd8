"""The story of attention through all layers: what it says and draws is computed from the trace and from hiding."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from attention_core.analysis.blank_out import blank_out
from attention_core.models.hub.text import HubTextModel
from attention_core.models.text import TextTrace
from attention_core.stories.rollout import Effects, rollout_story
from attention_core.stories.story import Beside, Grouped, Note, Story, Table
from attention_core.stories.telling import story_text, tell_text
from attention_core.stories.text import Change, Followed, text_facts
from attention_core.stories.writing import story_html
from attention_core.words import LANGUAGES, spoken
from tests.models.hub_networks import network, tokenizer_of
from tests.stories.test_self_attention import QUERY, SENTENCE, notes, read, shipped


def told(
    trace: TextTrace, before: TextTrace | None = None, effects: Effects | None = None, query: int = QUERY
) -> Story:
    change = Change() if before is None else Change(temperature=0.5)
    return rollout_story(Followed(trace, before, 0, 0, query, text_facts(shipped()), change), effects)


def beside(story: Story) -> list[object]:
    """The parts of the last step beside its figure."""
    [both] = story.steps[1].blocks
    assert isinstance(both, Beside) and isinstance(both.blocks[1], Grouped)
    return list(both.blocks[1].blocks)


def test_rollout_and_effect_recompute_from_what_the_story_holds() -> None:
    effect = blank_out(shipped(), read())
    story = told(read(), effects=Effects(effect))
    arrays = story.steps[0].arrays
    means = np.stack([layer.weights[0].mean(dim=0).numpy() for layer in read().layers])
    assert np.allclose(arrays["means"], means, atol=1e-6)
    rolled = np.eye(means.shape[1])
    for layer, mean in enumerate(arrays["means"], start=1):
        rolled = (0.5 * mean + 0.5 * np.eye(len(mean))) @ rolled
        assert np.allclose(arrays["rolled"][layer], rolled, atol=1e-5)
    facts = story.steps[0].facts
    others = np.delete(rolled[QUERY], QUERY)
    assert facts["own"] == pytest.approx(rolled[QUERY, QUERY], abs=1e-5)
    assert facts["share"] == pytest.approx(others.max(), abs=1e-5)
    hidden = shipped().trace(SENTENCE, hide=[3]).final
    column = (hidden - read().final).norm(dim=-1) / read().final.norm(dim=-1)
    assert np.allclose(story.steps[1].arrays["effect"][:, 3], column.detach().numpy(), atol=1e-4)
    [table] = [block for block in beside(story) if isinstance(block, Table)]
    assert [str(cell).replace("−", "-") for cell in table.rows[0][1:]] == [
        f"{rho:.2f}" for rho in np.nanmean(story.steps[1].arrays["raw"], axis=1)
    ]
    assert len(table.rows) == 4


def test_words_follow_the_effect_that_was_measured() -> None:
    effect = blank_out(shipped(), read())
    ranked = read().layers[-1].weights[0].mean(dim=0)  # the effect that raw attention would foretell to the letter
    change = torch.where(effect.change.isnan(), effect.change, ranked)
    foretold, real = (
        [spoken(block.words, "en") for block in beside(told(read(), effects=Effects(one))) if isinstance(block, Note)]
        for one in (replace(effect, change=change), effect)
    )
    assert any("raw attention **1.00**" in line for line in foretold)
    assert not any("raw attention **1.00**" in line for line in real)


def test_the_same_trace_twice_has_not_changed_and_another_has_on_one_scale() -> None:
    effect = blank_out(shipped(), read())
    same = told(read(), read(), Effects(effect, effect))
    assert notes(same.steps[0].blocks).count("change.none") == 2
    assert notes(same.steps[1].blocks)[0] == "change.none"
    alone = told(read(), effects=Effects(effect))
    for one, other in zip(alone.steps, same.steps, strict=True):
        assert all(np.array_equal(values, other.arrays[name], equal_nan=True) for name, values in one.arrays.items())
    trace = shipped().trace(SENTENCE, temperature=0.5)
    halved = replace(effect, change=effect.change / 2)
    changed = told(trace, read(), Effects(halved, effect))
    for name in ("rollout", "rollout-raw", "rollout-effect"):
        was, is_, change = (changed.figures[f"{name}{part}"].given for part in ("-before", "", "-change"))
        assert np.allclose(is_["values"] - was["values"], change["values"], atol=1e-6, equal_nan=True)
        assert was["limit"] == is_["limit"]
    assert spoken(changed.steps[0].see, "en").count("%") == 3


def test_a_first_token_that_sees_itself_alone_has_nothing_from_others() -> None:
    model = HubTextModel(network("GPT2LMHeadModel"), tokenizer_of("GPT2LMHeadModel"))
    trace = model.trace("the cat eats a fish")
    first, last = (
        tell_text(model, trace, layer=0, head=0, query=query, only="rollout")[0] for query in (0, len(trace.tokens) - 1)
    )
    assert "100%" in spoken(first.steps[0].see, "en") and "from another" not in spoken(first.steps[0].see, "en")
    assert "from another" in spoken(last.steps[0].see, "en")
    assert first.steps[1].absent is not None  # it knows no [MASK], so nothing is said of a next step
    caveat = next(block.words for block in first.steps[0].blocks if isinstance(block, Note))
    assert "next step" not in spoken(caveat, "en")


@pytest.mark.parametrize(("text", "message"), [("我", "short"), ("吃" * 140, "long")])
def test_why_nothing_is_hidden_is_said(text: str, message: str) -> None:
    trace = shipped().trace(text)
    story = told(trace, query=1)
    assert notes(story.steps[1].blocks) == [f"rollout.hidden.{message}"]
    [ending] = re.findall(r"\d+ tokens came", spoken(story.steps[1].blocks[0].words, "en")) or [""]  # type: ignore[union-attr]
    assert ending == (f"{len(trace.tokens)} tokens came" if message == "long" else "")


@pytest.mark.parametrize("name", ["shipped", "BertForMaskedLM", "GPT2LMHeadModel"])
def test_every_door_can_tell_it_in_both_languages(name: str) -> None:
    model = shipped() if name == "shipped" else HubTextModel(network(name), tokenizer_of(name))
    trace = model.trace("the cat eats a fish")
    [story] = tell_text(model, trace, layer=0, head=0, query=1, only="rollout")
    assert ("rollout-effect" in story.figures) == (name != "GPT2LMHeadModel")
    for language in LANGUAGES:
        html = story_html(story, language, lambda name, figure, alt: f"[{name}]")
        assert story_text(story, language) and all(f"[{figure}]" in html for figure in story.figures)
