"""The same photo through the plain, the SE and the CBAM network, and what attention gained where it was measured."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.inputs import networks
from ui.inputs.photo import photo_trace, sharp_square
from ui.photos.cbam_steps import all_masks_step
from ui.photos.compare_steps import BUILDS, gates_step, measured_step, overfitting_step, predictions_step
from ui.take_along.export import photo_export

st.title(t("compare.title"))
st.markdown(t("compare.lead"))
photo, trace = photo_trace("cbam")
traces = {build: networks.vision_trace(build, photo) for build in BUILDS}
predictions_step(1, traces)
gates_step(2, traces["se"], traces["cbam"])
all_masks_step(3, trace, sharp_square(photo, trace))
measured_step(4)
overfitting_step(5)
photo_export("compare", "cbam", photo, trace, beside=BUILDS)
