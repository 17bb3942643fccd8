"""Short clips: the mask of each frame, and self-attention between the frames."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.photos import clips
from ui.take_along.small import clip_export

st.title(t("clips.title"))
st.markdown(t("clips.lead"))
film = clips.choose_film()
story, temperature = clips.played(film)
clip_export(film, story, temperature)
