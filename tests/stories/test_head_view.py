"""The story of the head view: its counts, shares and drawn links are those of the trace."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from attention_core.analysis.words import single_tokens, words
from attention_core.models.text import TextTrace
from attention_core.stories.head_view import BETWEEN, Between, head_view_story, links_of
from attention_core.stories.story import Note
from attention_core.stories.telling import story_text
from attention_core.stories.writing import story_html
from attention_core.words import LANGUAGES, Say, spoken
from tests.stories.test_self_attention import shipped

LAYER, HEAD = 2, 1


@cache
def pair() -> TextTrace:
    return shipped().trace("我吃柠檬", "I eat lemons.")


@pytest.mark.parametrize("mass", [30, 70, 100])
def test_the_fewest_links_that_carry_the_share_are_drawn_and_counted(mass: int) -> None:
    links = links_of(pair(), LAYER, HEAD, single_tokens(pair()), mass=mass, also=(3,), specials=True)
    step = head_view_story(links).steps[0]
    weights, taken = step.arrays["weights"], step.arrays["taken"].astype(bool)
    carried = (weights * taken).sum(axis=-1)
    assert (carried >= mass / 100 - 1e-6).all()
    without = carried - np.where(taken, weights, np.inf).min(axis=-1)  # one link fewer would not do
    assert (without < mass / 100 + 1e-6).all()
    assert step.facts["count"] == taken[[HEAD, 3]].sum() and step.facts["all"] == 2 * weights.shape[-1] ** 2
    drawn = step.figures["links-matrix"].given["values"]
    assert np.array_equal(~np.isnan(drawn), taken[HEAD])
    assert np.allclose(drawn[taken[HEAD]], weights[HEAD][taken[HEAD]])
    assert f"{mass}\\%" in step.formulas[0]


@pytest.mark.parametrize("between", BETWEEN)
def test_what_is_left_out_is_said_with_its_share(between: Between) -> None:
    links = links_of(pair(), LAYER, HEAD, words(pair()), between=between)
    step = head_view_story(links).steps[0]
    [note] = [block.words for block in step.blocks if isinstance(block, Note)]
    assert isinstance(note, Say) and note.facts["to_others"] == (between != "all")
    special = torch.tensor([word.special for word in links.tokens])
    share = links.weights[HEAD][links.queries][:, special].sum(dim=-1).mean().item()
    for language in LANGUAGES:
        assert f"{share:.0%}" in spoken(note, language)
    everything = links_of(pair(), LAYER, HEAD, words(pair()), specials=True)
    assert not [block for block in head_view_story(everything).steps[0].blocks if isinstance(block, Note)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_answers_to_the_pointer_is_said_only_where_it_does(language: str) -> None:
    story = head_view_story(links_of(pair(), LAYER, HEAD, single_tokens(pair())))
    see = story.steps[0].see
    assert len(spoken(see, language, live=True)) > len(spoken(see, language))  # type: ignore[arg-type]
    assert story_text(story, language)  # type: ignore[arg-type]
    assert "[links-matrix]" in story_html(story, language, lambda name, figure, alt: f"[{name}]")  # type: ignore[arg-type]
