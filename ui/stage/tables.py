"""Small tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

# Numbers stay on one line; where a phone has no room for all columns, the table moves sideways by itself.
_STYLE = """
<style>
  .st-key-{key} [data-testid="stMarkdownContainer"] {{ overflow-x: auto; }}
  .st-key-{key} td:not(:first-child) {{ white-space: nowrap; }}
  .st-key-{key} :is(td, th):first-child {{ min-width: 6em; }}
</style>
"""


def show_table(key: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table whose first column is words and whose others are numbers, aligned to the right; `key` as of a widget."""
    with st.container(key=key):
        st.html(_STYLE.format(key=key))
        st.markdown(table(head, rows))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same as Markdown; cells may hold any text in one line."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    escaped = [[cell.replace("|", r"\|") for cell in line] for line in (head, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (escaped[0], rule, *escaped[1:]))


def show_sequence(rows: Mapping[str, Sequence[str]], *, alt: str) -> None:
    """What there is to say of each token, a column a token: name of a row → its cells; the first row is the head.

    A table of the browser's own: Streamlit's is drawn on a canvas, by a library for large ones.
    """

    def line(name: str, cells: Sequence[str]) -> str:
        shown = "".join(f"<td><bdi>{escape(cell)}</bdi></td>" for cell in cells)
        return f'<tr><th scope="row">{escape(name)}</th>{shown}</tr>'

    lines = "".join(line(name, cells) for name, cells in rows.items())
    st.html(f'<div class="sequence" tabindex="0"><table aria-label="{escape(alt)}">{lines}</table></div>')


def with_error(value: float, error: float, digits: int = 3) -> str:
    """ "0.769 ± 0.005", with a true minus sign."""
    return f"{value:.{digits}f} ± {error:.{digits}f}".replace("-", "\N{MINUS SIGN}")
