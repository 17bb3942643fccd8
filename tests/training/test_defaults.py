"""What the text pages open on is what the command chooses."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from attention_core.analysis.words import words
from attention_core.models import registry
from attention_core.models.text import TextModel
from training.defaults import LANGUAGES, MOST_TOKENS, alone, candidates, together


@cache
def model() -> TextModel:
    return registry.load_text_model(device="cpu")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_annotation_is_one(language: str) -> None:
    for one in candidates(language):
        for text, named in (
            (one.text, {word for _, *pair in one.relations for word in pair} | {here for here, _ in one.links}),
            (one.translation, {there for _, there in one.links}),
        ):
            assert named <= {word.text for word in words(model().trace(text))}, text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_defaults_are_the_first_of_each_ranking(language: str) -> None:
    scores = registry.scores("text")
    for kind, ranked in (("alone", alone(model(), scores, language)), ("pair", together(model(), scores, language))):
        chosen: dict[str, Any] = registry.openings()[language][kind]
        best = ranked[0]
        assert {name: getattr(best, name) for name in chosen} == chosen
        assert [opening.score for opening in ranked] == sorted((o.score for o in ranked), reverse=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_default_is_guessed_rightly_and_its_head_looks_at_a_word(language: str) -> None:
    chosen = registry.openings()[language]["alone"]
    trace = model().trace(chosen["text"])
    assert len(trace.tokens) <= MOST_TOKENS
    place = chosen["position"]
    row = trace.layers[chosen["layer"]].weights[0, chosen["head"], place]
    assert not trace.tokens[int(row.argmax())].special
    hidden = model().trace(chosen["text"], hide=[place])
    assert hidden.predictions(place, 1)[0][0] == trace.vocabulary[trace.tokens[place].id]
