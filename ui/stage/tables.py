"""A table with a column a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st


def show_sequence(rows: Mapping[str, Sequence[str]], *, alt: str) -> None:
    """What there is to say of each token, a column a token: name of a row → its cells; the first row is the head.

    A table of the browser's own: Streamlit's is drawn on a canvas, by a library for large ones.
    """

    def line(name: str, cells: Sequence[str]) -> str:
        shown = "".join(f"<td><bdi>{escape(cell)}</bdi></td>" for cell in cells)
        return f'<tr><th scope="row">{escape(name)}</th>{shown}</tr>'

    lines = "".join(line(name, cells) for name, cells in rows.items())
    st.html(f'<div class="sequence" tabindex="0"><table aria-label="{escape(alt)}">{lines}</table></div>')
