"""The overview: one layer and head as one diagram, from the tokens to the output."""

from __future__ import annotations

import streamlit as st

from attention_core.models.text import TextTrace
from attention_core.stories.overview import overview_story
from attention_core.stories.story import Story
from attention_core.stories.text import Followed, text_facts
from attention_core.stories.what_if import AS_TRAINED, WhatIf
from ui.i18n import t
from ui.inputs import heads, networks, sentence, text_networks
from ui.shell.regions import region
from ui.stage.story import draw_step
from ui.take_along.export import text_export
from ui.text import overview, what_if_controls


def main() -> None:
    """Controls, then the diagram, which is the only step."""
    st.title(t("overview.title"))
    st.markdown(t("overview.lead"))
    story, trace, what_if = _one_head(sentence.sentence_trace())
    text_export("overview", trace, story, what_if=what_if)


@region("layer", "head", "q", what_if_controls.KEY, overview.LOCK, overview.BLOCK)
def _one_head(trained: TextTrace) -> tuple[Story, TextTrace, WhatIf]:
    layer, head = sentence.layer_and_head(heads.opening_head(trained))
    query = sentence.bind_query(trained)
    what_if = what_if_controls.choose(trained, layer)
    trace = networks.text_trace(trained.text, trained.pair, what_if)
    before = None if what_if == AS_TRAINED else trained
    network, change = text_facts(text_networks.current().model), what_if.change(len(trace.tokens), layer, head)
    followed = Followed(trace, before, layer, head, query, network, change)
    story = overview_story(followed)
    draw_step(story.steps[0], 1, instead=lambda: overview.show(followed))
    return story, trace, what_if


main()
