"""Which photo network a page is about."""

from __future__ import annotations

from functools import cache, partial

import streamlit as st

from attention_core.models.hub.patches import HubPatchModel
from attention_core.models.hub.vision import HubVisionModel
from attention_core.words import plain
from ui.i18n import t
from ui.inputs import network_picker, networks, photo_networks
from ui.inputs.network_picker import Picker
from ui.inputs.photo_networks import PhotoKind, PhotoNetwork

_FACTS = ("architecture", "parameters", "download", "license")
MECHANISMS = {"senet": "SE", "cbamnet": "CBAM"}  # the same in every language


def choose(kind: PhotoKind) -> PhotoNetwork | None:
    """Draws the picker, and returns the network of the page; None where the default is none.

    The page ends here where its network is not there yet, or has nothing that the page could show.
    """
    picker = picker_of(kind)
    name = network_picker.chosen(picker)
    network = networks.photo_network(name, kind)
    if network is None and name != kind.default:  # it has just left to make room
        st.rerun()
    if network is not None and not kind.has(network):
        words = {"name": plain(name), "architecture": plain(type_of(network))}
        st.error(t(f"{kind.key}.other", **words), icon=":material/warning:")
        network_picker.way_back(picker)
        st.stop()
    if network is not None and not network.shipped:
        _about(kind, network)
    return network


@cache
def picker_of(kind: PhotoKind) -> Picker:
    """The picker of the networks for one kind of page."""
    return Picker(
        key=kind.key,
        default=kind.default,
        words=kind.key,
        offered=partial(photo_networks.offered, kind),
        named=partial(photo_networks.named, kind),
        described=partial(photo_networks.described, kind),
        facts=_FACTS,
        store=photo_networks.store,
    )


def type_of(network: PhotoNetwork) -> str:
    """The class of the network, as its library calls it."""
    return getattr(network.model, "architecture", type(network.model).__name__)


def _about(kind: PhotoKind, network: PhotoNetwork) -> None:
    """One line on what the network is, and on what is known only of the one that ships."""
    model = network.model
    assert isinstance(model, HubVisionModel | HubPatchModel)
    words = {"architecture": plain(model.architecture), "side": model.format.size}
    if isinstance(model, HubPatchModel):
        rows, columns = model.grid
        st.caption(t("vit.reads", patches=rows * columns, **words))
        return
    sizes = {"count": len(model.stage_names), "classes": f"{len(model.classes):,}"}
    st.caption(t("photo_network.reads", mechanism=MECHANISMS[kind.key], shipped=kind.default, **sizes, **words))
