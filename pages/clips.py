"""Short clips: the mask of each frame, and self-attention between the frames."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.inputs.film import Film
from ui.photos import clips
from ui.shell.regions import region
from ui.take_along.small import clip_export

st.title(t("clips.title"))
st.markdown(t("clips.lead"))


@region("stage", "frame")
def played(film: Film) -> tuple[str, int, float]:
    """The choice of a stage and of a frame, and the steps; returns (stage, frame, temperature)."""
    stage = clips.choose_stage(film)
    number = clips.choose_frame(film)
    clips.masks_step(1, film, stage, number)
    clips.named_step(2, film, number)
    tau = clips.attention_step(3, film, number)
    return stage, number, tau


film = clips.choose_film()
clip_export(film, *played(film))
