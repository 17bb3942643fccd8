"""Vision transformer: attention between the patches of a photo, in a network that somebody chooses."""

from __future__ import annotations

import streamlit as st

from attention_core.models.hub.patches import PatchTrace
from ui.i18n import t
from ui.inputs import networks
from ui.inputs.photo import sharp_square, traced_photo
from ui.inputs.photo_network_picker import choose
from ui.inputs.photo_networks import PATCHES
from ui.photos.steps import foreign_prediction_step
from ui.photos.vision_transformer import (
    HEAD,
    LAYER,
    PATCH,
    SEER,
    Pixels,
    View,
    all_heads_step,
    choose_seer,
    choose_view,
    head_step,
    patches_step,
    rollout_step,
)
from ui.shell.regions import region
from ui.take_along.foreign import patch_export


def main() -> None:
    """Controls, then the steps; without a network, what there is to choose from."""
    st.title(t("vision_transformer.title"))
    st.markdown(t("vision_transformer.lead"))
    network = choose(PATCHES)
    if network is None:
        st.info(t("vision_transformer.none"), icon=":material/deployed_code:")
        return
    photo, trace = traced_photo(lambda photo: networks.patch_trace(network, photo))
    view = _steps(trace, sharp_square(photo, trace))
    foreign_prediction_step(5, trace)
    patch_export(network, photo, view)


@region(LAYER, HEAD, PATCH, SEER)
def _steps(trace: PatchTrace, square: Pixels) -> View:
    view = choose_view(trace, square)
    patches_step(1, view)
    head_step(2, view)
    seer = choose_seer(trace)
    all_heads_step(3, view, seer)
    rollout_step(4, view, seer)
    return view


main()
