"""The controls of self-attention in a trained network, and the story that they choose."""

from __future__ import annotations

from attention_core.analysis.guesses import written_together
from attention_core.analysis.words import words
from attention_core.models.text import TextTrace
from attention_core.stories.self_attention import self_attention_story
from attention_core.stories.story import Story
from attention_core.stories.text import Followed, text_facts
from attention_core.stories.token_prediction import ONLY_SEEN, Guessing
from attention_core.stories.what_if import AS_TRAINED, WhatIf
from ui.inputs import grouping, heads, networks, sentence, text_networks
from ui.shell.regions import region
from ui.stage.story import draw
from ui.text import sinks, what_if_controls


@region("layer", "head", "q", what_if_controls.KEY, sinks.KEY, grouping.KEY)
def one_head(trained: TextTrace) -> tuple[Story, TextTrace, WhatIf]:
    """Controls, then the steps; where something is changed, each beside the network as trained."""
    layer, head = sentence.layer_and_head(heads.opening_head(trained))
    query = sentence.query_token(trained)
    what_if = what_if_controls.choose(trained, layer)
    trace = networks.text_trace(trained.text, trained.pair, what_if)
    grouping.bind()
    changed = what_if != AS_TRAINED
    followed = Followed(
        trace,
        trained if changed else None,
        layer,
        head,
        query,
        text_facts(text_networks.current().model),
        what_if.change(len(trace.tokens), layer, head),
        grouping.grouped(trace),
    )
    found = None if changed else sinks.chosen(trace)
    limit = None if found is None else found.limit(layer, head)
    story = self_attention_story(followed, _guessing(followed, what_if), limit=limit)

    def switches() -> None:
        grouping.choose_unit()
        if found is not None:
            sinks.choose(found)

    draw(story, controls={"self_attention.weights": switches})
    return story, trace, what_if


def _guessing(followed: Followed, what_if: WhatIf) -> Guessing:
    """The same sentence with the followed token hidden, and what is written where several of its word are."""
    trace, query, network = followed.trace, followed.query, followed.network
    if network.predicts != "hidden" or trace.tokens[query].special:
        return ONLY_SEEN
    if query in what_if.hidden:
        return Guessing(written=_written(followed, what_if))
    if network.mask_row is None:
        return ONLY_SEEN
    hidden, before = (
        networks.text_trace(trace.text, trace.pair, what.with_hidden(query)) for what in (what_if, AS_TRAINED)
    )
    return Guessing(hidden, None if followed.before is None else before)


def _written(followed: Followed, what_if: WhatIf) -> tuple[str, str, int] | None:
    trace = followed.trace
    word = next(word for word in words(trace) if followed.query in word.tokens)
    hidden = tuple(place for place in word.tokens if place in what_if.hidden)
    if len(hidden) < 2:
        return None
    made = networks.filled_in(trace.text, trace.pair, hidden, what_if)
    return word.text, written_together([guess.best for guess in made]), len(hidden)
