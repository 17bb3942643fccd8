"""Cross-attention: a network that reads one text and writes another, token by token."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.inputs import translators
from ui.take_along.written import translation_export
from ui.text import cross_attention

st.title(t("cross_attention.title"))
st.markdown(t("cross_attention.lead"))
network = translators.choose()
cross_attention.about(network)
pair = cross_attention.two_texts(network)
translation_export(network, pair, cross_attention.one_head(network, pair))
