"""Vision transformer: attention between the patches of a photo, in a network that somebody chooses."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.inputs import networks
from ui.inputs.photo import sharp_square, traced_photo
from ui.inputs.photo_network_picker import choose
from ui.inputs.photo_networks import PATCHES
from ui.photos.vision_transformer import one_patch
from ui.take_along.photos import patch_export


def main() -> None:
    """Controls, then the steps; without a network, what there is to choose from."""
    st.title(t("vision_transformer.title"))
    st.markdown(t("vision_transformer.lead"))
    network = choose(PATCHES)
    if network is None:
        st.info(t("vision_transformer.none"), icon=":material/deployed_code:")
        return
    photo, trace = traced_photo(lambda photo: networks.patch_trace(network, photo))
    patch_export(network, photo, trace, one_patch(trace, sharp_square(photo, trace)))


main()
