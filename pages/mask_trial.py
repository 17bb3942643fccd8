"""Does the mask matter? One stage's mask against maps that need no attention, on this photo and on the dev photos."""

from __future__ import annotations

import streamlit as st

from attention_core.models.hub_vision import HubVisionTrace, StagedTrace
from attention_core.models.vision import StageTrace
from ui import mask_trial, networks
from ui.export import photo_export
from ui.foreign_exports import stage_export
from ui.i18n import t
from ui.networks import Photo
from ui.photo import sharp_square, traced_photo
from ui.photo_network_picker import choose
from ui.photo_networks import CHANNEL_AND_SPATIAL, PhotoNetwork
from ui.photo_steps import choose_stage
from ui.regions import region
from ui.steps import not_of_this_network


def main() -> None:
    """The network and the photo, then the steps."""
    st.title(t("mask_trial.title"))
    st.markdown(t("mask_trial.lead"))
    network = choose(CHANNEL_AND_SPATIAL)
    assert network is not None
    photo, trace = traced_photo(lambda photo: networks.stage_trace(network, photo))
    stage, tried = _one_stage(network, photo, trace)
    if isinstance(trace, HubVisionTrace):
        not_of_this_network(4, "mask_trial.not_scored")
        stage_export("mask_trial", network, photo, trace, stage, tried=tried)
        return
    mask_trial.removal_step(5)
    photo_export("mask_trial", "cbam", photo, trace, stage, tried=tried)


@region("stage")
def _one_stage(network: PhotoNetwork, photo: Photo, trace: StagedTrace) -> tuple[StageTrace, mask_trial.Tried]:
    stage = choose_stage(trace)
    mask_trial.named_class(trace)
    tried = mask_trial.tried_maps(network, photo, stage.name)
    mask_trial.maps_step(1, tried, sharp_square(photo, trace))
    mask_trial.curves_step(2, tried)
    mask_trial.areas_step(3, tried, measured=network.shipped)
    if network.shipped:
        mask_trial.boxes_step(4, stage.name)
    return stage, tried


main()
