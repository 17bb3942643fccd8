"""CBAM: one photo, one stage; attention over channels, then over positions, then the prediction."""

from __future__ import annotations

import streamlit as st

from attention_core.mechanisms.cbam import CBAM, CBAMTrace, SpatialAttention
from attention_core.models.hub.vision import HubVisionTrace, StagedTrace
from attention_core.models.vision import StageTrace
from attention_core.stories.tex import lines, tex
from ui.i18n import t
from ui.inputs import networks
from ui.inputs.photo import sharp_square, traced_photo
from ui.inputs.photo_network_picker import choose
from ui.inputs.photo_networks import CHANNEL_AND_SPATIAL, attention_modules
from ui.photos.cbam_steps import (
    Pixels,
    all_masks_step,
    all_places_step,
    channel_weights_step,
    convolution_step,
    mask_step,
    mlp_step,
    pooled_maps_step,
    pooled_vectors_step,
)
from ui.photos.steps import choose_stage, features_step, foreign_prediction_step, prediction_step
from ui.shell.regions import region
from ui.take_along.export import photo_export
from ui.take_along.foreign import stage_export


def main() -> None:
    """Controls, then the steps."""
    st.title(t("cbam.title"))
    st.markdown(t("cbam.lead"))
    network = choose(CHANNEL_AND_SPATIAL)
    assert network is not None
    photo, trace = traced_photo(lambda photo: networks.stage_trace(network, photo))
    square = sharp_square(photo, trace)
    modules = attention_modules(network.model)
    stage = _one_stage(trace, {name: each.spatial for name, each in modules.items() if isinstance(each, CBAM)}, square)
    if isinstance(trace, HubVisionTrace):
        all_places_step(8, trace, square)
        foreign_prediction_step(9, trace)
        stage_export("cbam", network, photo, trace, stage)
        return
    all_masks_step(8, trace, square)
    output, mask = tex("output", r"\tilde u_c(i,j)"), tex("mask", "M(i,j)")
    formula = lines(rf"g_c = \frac{{\sum_{{i,j}} {output}}}{{\sum_{{i,j}} {mask}}}", r"p = \mathrm{softmax}(W g + b)")
    prediction_step(9, formula, trace, "cbam")
    photo_export("cbam", "cbam", photo, trace, stage)


@region("stage")
def _one_stage(trace: StagedTrace, modules: dict[str, SpatialAttention], square: Pixels) -> StageTrace:
    stage = choose_stage(trace)
    assert isinstance(stage.attention, CBAMTrace)
    features_step(1, stage)
    pooled_vectors_step(2, stage.attention.channel)
    mlp_step(3, stage.attention.channel)
    build = None if isinstance(trace, HubVisionTrace) else "cbam"
    channel_weights_step(4, stage.attention.channel, build, stage.name)
    pooled_maps_step(5, stage.attention.spatial)
    convolution_step(6, modules[stage.name], stage.attention.spatial)
    mask_step(7, stage.attention.spatial, square)
    return stage


main()
