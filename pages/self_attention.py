"""Self-attention, by hand and in the trained network."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.inputs import sentence
from ui.inputs.choices import choose
from ui.take_along.export import text_export
from ui.take_along.small import hand_export
from ui.text import by_hand, trained_attention

st.title(t("self_attention.title"))
st.markdown(t("self_attention.lead"))
view = choose(
    "view",
    ("network", "hand"),
    label=t("self_attention.view"),
    name=lambda view: t(f"self_attention.views.{view}"),
    note=t("self_attention.view_help"),
)
if view == "hand":
    told, matrices, typed = by_hand.page()
    hand_export(told, matrices, typed, by_hand.tokens())
else:
    story, trace, what_if = trained_attention.one_head(sentence.sentence_trace())
    text_export("self_attention", trace, story, what_if=what_if)
