"""What if, on a photo: something in the attention changed, and everything behind it computed anew."""

from __future__ import annotations

import streamlit as st

from attention_core.models.hub.vision import StagedTrace
from attention_core.stories.photo_what_if import PhotoWhatIf
from attention_core.stories.story import Story
from ui.i18n import t
from ui.inputs import networks
from ui.inputs.networks import Photo
from ui.inputs.photo import traced_photo
from ui.inputs.photo_networks import PhotoNetwork
from ui.photos import looks
from ui.photos.one_stage import tell
from ui.photos.steps import choose_stage
from ui.photos.what_if_controls import CHANNEL, KEY, choose, choose_network
from ui.shell.regions import region
from ui.take_along.photos import photo_export


@region("stage", *looks.KEYS, KEY, CHANNEL)
def changed(network: PhotoNetwork, photo: Photo, trained: StagedTrace) -> tuple[Story, PhotoWhatIf]:
    """The controls, then the story of the stage that they change."""
    stage = choose_stage(trained)
    what_if = choose(photo, network, trained, stage)
    # What is switched off stands at the ends.
    return tell(network, photo, trained, stage.name, what_if, order="sorted"), what_if


st.title(t("photo_what_if.title"))
st.markdown(t("photo_what_if.lead"))
network = choose_network()
photo, trained = traced_photo(lambda photo: networks.stage_trace(network, photo))
story, what_if = changed(network, photo, trained)
photo_export("photo_what_if", network, photo, networks.stage_trace(network, photo, what_if), story, what_if=what_if)
