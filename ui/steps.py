"""What every page is made of: numbered steps with a formula, a picture and one sentence of what to see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from ui.i18n import t
from ui.markdown import plain

_TAGS = re.compile(r"</?su[bp]>")  # a title may raise and lower letters; a spoken description cannot
READABLE_CELL = 19  # pixels of a cell with a number in it
CHART_CONFIG = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"format": "svg", "filename": "attention-explorer"},
}


@contextmanager
def step(number: int, name: str, formula: str | None = None, /, **values: object) -> Iterator[None]:
    """A bordered step: the message `<name>.title` above, `formula` (KaTeX), the body, and `<name>.see` below."""
    with st.container(border=True, key=f"step-{number}"):
        title = escape(t(f"{name}.title", **values))
        st.html(f'<div><span class="step-number">{number}</span><span class="step-title">{title}</span></div>')
        if formula:
            st.latex(formula)
        yield
        typed = {key: plain(value) if isinstance(value, str) else value for key, value in values.items()}
        st.markdown(t(f"{name}.see", **typed))


def show(
    figure: go.Figure, key: str, *, alt: str, on_click: Callable[[dict[str, Any]], None] | None = None, **place: Any
) -> None:
    """A figure under Streamlit's live light and dark; `on_click` gets the clicked point as Plotly describes it."""
    clicks: dict[str, Any] = {}
    if on_click is not None:

        def clicked() -> None:
            points = st.session_state[key]["selection"]["points"]
            if points:  # a second click on the same point lets go of it, which changes nothing
                on_click(points[0])

        clicks = {"on_select": clicked, "selection_mode": "points"}
    spoken = _TAGS.sub("", alt)
    with st.container(key=f"{key}-frame"), st.container(key=f"{key}-crop"):
        if figure.layout.yaxis.scaleanchor:
            st.html(_fitting(figure, key))
        st.plotly_chart(figure, key=key, theme="streamlit", config=CHART_CONFIG, alt=spoken, **clicks, **place)


def _fitting(figure: go.Figure, key: str) -> str:
    """Rules for a picture of square cells where there is little width, as on a phone or beside another picture.

    Its height is fixed and made for a wide page, but the picture shrinks towards the top left: what stays empty below
    is cut off. Numbers that would be too small to read in their cells give way to the colours.
    """
    (left, right), (bottom, top) = figure.layout.xaxis.range, figure.layout.yaxis.range
    columns = abs(right - left)
    shape = abs(top - bottom) / columns
    margin = figure.layout.margin
    height = f"{margin.t + margin.b + 8}px + {shape:.4f} * (100cqw - {margin.l + margin.r}px)"
    narrow = margin.l + margin.r + READABLE_CELL * columns
    return (
        f"<style>.st-key-{key}-frame {{ container-type: inline-size; }}"
        # Around the chart, not on it: Streamlit would shrink the figure to the height that it is given.
        f" .st-key-{key}-crop {{ max-height: calc({height}); overflow: hidden; }} .st-key-{key} {{ flex-shrink: 0; }}"
        f" @container (max-width: {narrow:.0f}px) {{ .st-key-{key} .heatmap-label {{ display: none; }} }}</style>"
    )


def correction(key: str) -> None:
    """Where the article that the pages follow is wrong: one line with the right formula."""
    st.warning(t(key), icon="✏️")
