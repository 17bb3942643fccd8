"""CBAM: one photo, one stage; attention over channels, then over positions, then the prediction."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.inputs import networks
from ui.inputs.photo import traced_photo
from ui.inputs.photo_network_picker import choose
from ui.inputs.photo_networks import CHANNEL_AND_SPATIAL
from ui.photos.one_stage import one_stage
from ui.take_along.photos import photo_export

st.title(t("cbam.title"))
st.markdown(t("cbam.lead"))
network = choose(CHANNEL_AND_SPATIAL)
assert network is not None
photo, trace = traced_photo(lambda photo: networks.stage_trace(network, photo))
story = one_stage(network, photo, trace)
photo_export("cbam", network, photo, trace, story)
