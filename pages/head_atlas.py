"""What every head does, as it was measured, beside the user's sentence; then how attention passes on."""

from __future__ import annotations

import streamlit as st

from attention_core.words import Say
from ui.i18n import t
from ui.inputs import sentence, text_networks
from ui.stage.story import markdown
from ui.take_along.export import text_export
from ui.text.head_atlas import every_head

st.title(t("head_atlas.title"))
st.markdown(markdown(Say("head_atlas.lead", {"shipped": text_networks.current().shipped})))
trace = sentence.sentence_trace(example=2)
story = every_head(trace)
text_export("head_atlas", trace, story)
