"""Self-attention, by hand and in the trained network."""

from __future__ import annotations

import streamlit as st

from ui import by_hand, trained_attention, url_state
from ui.i18n import t

url_state.put_choice("view", ("network", "hand"))
st.title(t("self_attention.title"))
st.markdown(t("self_attention.lead"))
st.segmented_control(
    t("self_attention.view"),
    ("network", "hand"),
    format_func=lambda view: t(f"self_attention.views.{view}"),
    key="view",
    required=True,
    persist_state="session",
    label_visibility="collapsed",
)
if st.session_state["view"] == "hand":
    by_hand.page()
else:
    trained_attention.page()
