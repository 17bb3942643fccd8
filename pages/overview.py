"""The overview: one layer and head as one diagram, from the tokens to the output."""

from __future__ import annotations

import streamlit as st

from attention_core.models.text import TextTrace
from ui.i18n import t
from ui.inputs import heads, networks, sentence
from ui.inputs.what_if import WhatIf
from ui.shell.regions import region
from ui.stage.steps import step
from ui.take_along.export import text_export
from ui.text import overview, what_if_controls


def main() -> None:
    """Controls, then the diagram, which is the only step."""
    st.title(t("overview.title"))
    st.markdown(t("overview.lead"))
    trace, layer, head, query, what_if = _one_head(sentence.sentence_trace())
    text_export("overview", trace, layer=layer, head=head, query=query, what_if=what_if)


@region("layer", "head", "q", what_if_controls.KEY, overview.LOCK, overview.BLOCK)
def _one_head(trained: TextTrace) -> tuple[TextTrace, int, int, int, WhatIf]:
    layer, head = sentence.layer_and_head(heads.opening_head(trained))
    query = sentence.bind_query(trained)
    what_if = what_if_controls.choose(trained, layer)
    trace = networks.text_trace(trained.text, trained.pair, what_if)
    with step(1, "overview.diagram"):
        overview.show(trained, trace, what_if, layer, head, query)
    return trace, layer, head, query, what_if


main()
