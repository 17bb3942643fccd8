"""A network that writes, token by token, each with its rivals and the attention that it was chosen by."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.inputs import passage, writers
from ui.shell.regions import region
from ui.take_along.written import generation_export
from ui.text import generation


def main() -> None:
    """Controls, then the steps."""
    st.title(t("generation.title"))
    st.markdown(t("generation.lead"))
    writer = writers.choose()
    written = passage.write(writer)
    if written is not None:
        generation_export(writer, _followed(written))


@region(*passage.FOLLOWED)
def _followed(written: passage.Passage) -> passage.View:
    view = passage.choose_view(written)
    generation.whole_step(1, view)
    generation.guess_step(2, view)
    number = 3
    if view.cross_head is not None:
        generation.cross_step(number, view)
        number += 1
    generation.heads_step(number, view)
    generation.rows_step(number + 1, view)
    return view


main()
