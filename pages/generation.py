"""A network that writes, token by token, each with the attention that it was chosen by."""

from __future__ import annotations

import streamlit as st

from attention_core.models.hub_text import HubTextModel
from ui import generation, sentence, text_networks
from ui.i18n import t
from ui.regions import region
from ui.written_exports import generation_export


def main() -> None:
    """Controls, then the steps; what to choose where the network does not write."""
    st.title(t("generation.title"))
    st.markdown(t("generation.lead"))
    text = sentence.typed_text()
    network = text_networks.current()
    if network.predicts != "next" or not isinstance(network.model, HubTextModel):
        st.info(t("generation.not_this_one", name=network.name), icon=":material/edit_off:")
        return
    written = generation.write(text, network.key, network.model)
    if written:
        number, layer, head = _followed(written)
        generation_export(text, written, number=number, layer=layer, head=head)


@region("written", "layer", "head")
def _followed(written: generation.Written) -> tuple[int, int, int]:
    number = generation.choose_token(written)
    layer, head = sentence.layer_and_head()
    generation.guess_step(1, written, number)
    generation.heads_step(2, written, number, layer, head)
    generation.rows_step(3, written, number, layer, head)
    return number, layer, head


main()
