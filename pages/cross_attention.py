"""Cross-attention: a network that reads one text and writes another, token by token."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.inputs import translators
from ui.shell.regions import region
from ui.take_along.written import translation_export
from ui.text import cross_attention


def main() -> None:
    """Controls, then the steps."""
    st.title(t("cross_attention.title"))
    st.markdown(t("cross_attention.lead"))
    network = translators.choose()
    cross_attention.about(network)
    translation_export(network, _steps(cross_attention.two_texts(network)))


@region(cross_attention.LAYER, cross_attention.HEAD, cross_attention.ROW)
def _steps(pair: cross_attention.Pair) -> cross_attention.View:
    view = cross_attention.choose_view(pair)
    cross_attention.one_head_step(1, view)
    cross_attention.guess_step(2, view)
    cross_attention.all_heads_step(3, view)
    cross_attention.within_step(4, view)
    return view


main()
