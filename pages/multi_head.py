"""Multi-head self-attention: all heads at once, then one of them, then how they join."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.inputs import sentence
from ui.take_along.export import text_export
from ui.text.multi_head import all_and_one

st.title(t("multi_head.title"))
st.markdown(t("multi_head.lead"))
trace = sentence.sentence_trace(example=1)
story = all_and_one(trace)
text_export("multi_head", trace, story)
