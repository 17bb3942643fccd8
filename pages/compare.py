"""The same photo through the plain, the SE and the CBAM network, and what attention gained where it was measured."""

from __future__ import annotations

import streamlit as st

from attention_core.stories.compare import BUILDS, compare_story
from ui.i18n import t
from ui.inputs import networks
from ui.inputs.photo import photo_trace, sharp_square
from ui.photos.scores import measured_scores, things_of
from ui.stage.story import draw
from ui.take_along.photos import photo_export

st.title(t("compare.title"))
st.markdown(t("compare.lead"))
photo, trace = photo_trace("cbam")
story = compare_story(
    {build: networks.vision_trace(build, photo) for build in BUILDS},
    sharp_square(photo, trace),
    known={build: things_of(build) for build in BUILDS},
    scores=measured_scores(),
    ablations=networks.ablations(),
)
draw(story)
photo_export("compare", networks.build("cbam"), photo, trace, story, beside=BUILDS)
