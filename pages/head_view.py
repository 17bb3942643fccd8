"""Head view: who looks at whom, as links between two copies of the sentence."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.inputs import sentence
from ui.take_along.export import text_export
from ui.text.head_view_controls import one_layer

st.title(t("head_view.title"))
st.markdown(t("head_view.lead"))
trace = sentence.sentence_trace(example=2)
story = one_layer(trace)
text_export("head_view", trace, story)
