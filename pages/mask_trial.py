"""Does the mask matter? One stage's mask against maps that need no attention, on this photo and on the dev photos."""

from __future__ import annotations

import streamlit as st

from attention_core.models.hub.vision import HubVisionTrace, StagedTrace
from attention_core.models.vision import StageTrace
from ui.i18n import t
from ui.inputs import networks
from ui.inputs.networks import Photo
from ui.inputs.photo import sharp_square, traced_photo
from ui.inputs.photo_network_picker import choose
from ui.inputs.photo_networks import CHANNEL_AND_SPATIAL, PhotoNetwork
from ui.photos import mask_trial
from ui.photos.steps import choose_stage
from ui.shell.regions import region
from ui.stage.steps import not_of_this_network
from ui.take_along.export import photo_export
from ui.take_along.foreign import stage_export


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
