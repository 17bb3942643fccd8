"""Excitation profiles: the mean gates of classes, stage by stage, and this photo's gates over them."""

from __future__ import annotations

import streamlit as st

from attention_core.errors import WeightsError
from ui.i18n import explain, t
from ui.inputs import networks
from ui.inputs.photo import photo_trace
from ui.photos import profiles
from ui.take_along.photos import photo_export


def main() -> None:
    """Controls and a step a stage, then all stages in numbers."""
    st.title(t("profiles.title"))
    st.markdown(t("profiles.lead"))
    build = profiles.choose_build()
    photo, trace = photo_trace(build)
    try:
        means = networks.excitation_profiles(build)
    except WeightsError as error:
        st.error(explain(error), icon=":material/warning:")
        return
    photo_export("profiles", networks.build(build), photo, trace, profiles.stages(build, trace, means))


main()
