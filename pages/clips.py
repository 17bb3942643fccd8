"""Short clips: the mask of each frame, and self-attention between the frames."""

from __future__ import annotations

import streamlit as st

from ui import clips
from ui.i18n import t

st.title(t("clips.title"))
st.markdown(t("clips.lead"))
film = clips.choose_film()
stage = clips.choose_stage(film)
number = clips.choose_frame(film)
clips.masks_step(1, film, stage, number)
clips.named_step(2, film, number)
clips.attention_step(3, film, number)
