"""What if, on a photo: something in the attention changed, and everything behind it computed anew."""

from __future__ import annotations

import streamlit as st

from attention_core.models.hub.vision import HubVisionTrace, StagedTrace
from attention_core.models.vision import StageTrace
from ui.i18n import t
from ui.inputs import networks
from ui.inputs.networks import Photo
from ui.inputs.photo import sharp_square, traced_photo
from ui.inputs.photo_networks import PhotoNetwork
from ui.inputs.photo_what_if import PhotoWhatIf
from ui.photos.gate_formulas import gate_of
from ui.photos.steps import choose_stage
from ui.photos.what_if_controls import CHANNEL, KEY, choose, choose_network
from ui.photos.what_if_steps import View, features_step, later_step, mask_step, prediction_step, weights_step
from ui.shell.regions import region
from ui.take_along.export import photo_export
from ui.take_along.foreign import stage_export


def main() -> None:
    """The network and the photo, then the controls and the steps."""
    st.title(t("photo_what_if.title"))
    st.markdown(t("photo_what_if.lead"))
    network = choose_network()
    photo, trained = traced_photo(lambda photo: networks.stage_trace(network, photo))
    after, stage, what_if = _changed(photo, network, trained)
    if isinstance(after, HubVisionTrace):
        stage_export("photo_what_if", network, photo, after, stage, what_if=what_if)
    else:
        photo_export("photo_what_if", network.name, photo, after, stage, what_if=what_if)


@region("stage", "order", KEY, CHANNEL)
def _changed(photo: Photo, network: PhotoNetwork, trained: StagedTrace) -> tuple[StagedTrace, StageTrace, PhotoWhatIf]:
    stage = choose_stage(trained)
    what_if = choose(photo, network, trained, stage)
    after = networks.stage_trace(network, photo, what_if)
    off = what_if.ranked_off if network.shipped else None
    drawn = networks.without_random(network.name, photo, *off) if off else ()
    view = View(trained, after, what_if, stage.name, sharp_square(photo, trained), gate_of(network.model), drawn)
    steps = [weights_step, mask_step, features_step, later_step, prediction_step]
    if stage.spatial_mask is None:
        steps.remove(mask_step)
    if stage is trained.stages[-1]:
        steps.remove(later_step)
    for number, draw in enumerate(steps, start=1):
        draw(number, view)
    return after, stage, what_if


main()
