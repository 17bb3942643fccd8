"""CBAM: one photo, one stage; attention over channels, then over positions, then the prediction."""

from __future__ import annotations

import streamlit as st

from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models.vision import StageTrace, VisionTrace
from ui.cbam_steps import (
    Pixels,
    all_masks_step,
    channel_weights_step,
    convolution_step,
    mask_step,
    mlp_step,
    pooled_maps_step,
    pooled_vectors_step,
)
from ui.export import photo_export
from ui.i18n import t
from ui.photo import photo_trace, sharp_square
from ui.photo_steps import choose_stage, features_step, lines, prediction_step
from ui.regions import region
from ui.tex import tex

st.title(t("cbam.title"))
st.markdown(t("cbam.lead"))


@region("stage")
def one_stage(trace: VisionTrace, square: Pixels) -> StageTrace:
    """The choice of a stage, and the steps of its attention."""
    stage = choose_stage(trace)
    assert isinstance(stage.attention, CBAMTrace)
    features_step(1, stage)
    pooled_vectors_step(2, stage.attention.channel)
    mlp_step(3, stage.attention.channel)
    channel_weights_step(4, stage.attention.channel)
    pooled_maps_step(5, stage.attention.spatial)
    convolution_step(6, stage)
    mask_step(7, stage.attention.spatial, square)
    return stage


photo, trace = photo_trace("cbam")
square = sharp_square(photo, trace)
stage = one_stage(trace, square)
all_masks_step(8, trace, square)
output, mask = tex("output", r"\tilde u_c(i,j)"), tex("mask", "M(i,j)")
formula = lines(rf"g_c = \frac{{\sum_{{i,j}} {output}}}{{\sum_{{i,j}} {mask}}}", r"p = \mathrm{softmax}(W g + b)")
prediction_step(9, formula, trace, "cbam")
photo_export("cbam", "cbam", photo, trace, stage)
