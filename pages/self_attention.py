"""Self-attention, by hand and in the trained network."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.inputs.choices import choose
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
    by_hand.page()
else:
    trained_attention.page()
