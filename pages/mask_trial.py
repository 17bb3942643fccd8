"""Does the mask matter? One stage's mask against maps that need no attention, on this photo and on the dev photos."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.inputs import networks
from ui.inputs.photo import traced_photo
from ui.inputs.photo_network_picker import choose
from ui.inputs.photo_networks import CHANNEL_AND_SPATIAL
from ui.photos.mask_trial import one_stage
from ui.take_along.photos import photo_export


def main() -> None:
    """The network and the photo, then the steps."""
    st.title(t("mask_trial.title"))
    st.markdown(t("mask_trial.lead"))
    network = choose(CHANNEL_AND_SPATIAL)
    assert network is not None
    photo, trace = traced_photo(lambda photo: networks.stage_trace(network, photo))
    story, tried = one_stage(network, photo, trace)
    photo_export("mask_trial", network, photo, trace, story, tried=tried)


main()
