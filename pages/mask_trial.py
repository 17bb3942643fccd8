"""Does the mask matter? One stage's mask against maps that need no attention, on this photo and on the dev photos."""

from __future__ import annotations

import streamlit as st

from attention_core.models.hub.vision import HubVisionTrace
from ui.i18n import t
from ui.inputs import networks
from ui.inputs.photo import traced_photo
from ui.inputs.photo_network_picker import choose
from ui.inputs.photo_networks import CHANNEL_AND_SPATIAL
from ui.photos.mask_trial import one_stage
from ui.take_along.export import photo_export
from ui.take_along.foreign import stage_export


def main() -> None:
    """The network and the photo, then the steps."""
    st.title(t("mask_trial.title"))
    st.markdown(t("mask_trial.lead"))
    network = choose(CHANNEL_AND_SPATIAL)
    assert network is not None
    photo, trace = traced_photo(lambda photo: networks.stage_trace(network, photo))
    story, stage, tried = one_stage(network, photo, trace)
    if isinstance(trace, HubVisionTrace):
        stage_export("mask_trial", network, photo, trace, stage, tried=tried, story=story)
    else:
        photo_export("mask_trial", "cbam", photo, trace, stage, tried=tried, story=story)


main()
