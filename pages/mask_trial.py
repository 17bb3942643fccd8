"""Does the mask matter? One stage's mask against maps that need no attention, on this photo and on the dev photos."""

from __future__ import annotations

import streamlit as st

from attention_core.models.vision import StageTrace, VisionTrace
from ui import mask_trial
from ui.export import photo_export
from ui.i18n import t
from ui.networks import Photo
from ui.photo import photo_trace, sharp_square
from ui.photo_steps import choose_stage
from ui.regions import region

st.title(t("mask_trial.title"))
st.markdown(t("mask_trial.lead"))


@region("stage")
def one_stage(photo: Photo, trace: VisionTrace) -> tuple[StageTrace, mask_trial.Tried]:
    """The choice of a stage, and the steps that try its mask."""
    stage = choose_stage(trace)
    mask_trial.named_class(trace)
    tried = mask_trial.tried_maps(photo, stage.name)
    mask_trial.maps_step(1, tried, sharp_square(photo, trace))
    mask_trial.curves_step(2, tried)
    mask_trial.areas_step(3, tried)
    mask_trial.boxes_step(4, stage.name)
    return stage, tried


photo, trace = photo_trace("cbam")
stage, tried = one_stage(photo, trace)
mask_trial.removal_step(5)
photo_export("mask_trial", "cbam", photo, trace, stage, tried=tried)
