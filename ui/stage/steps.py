"""What every page is made of: numbered steps with a formula, a picture and one sentence of what to see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from attention_core.figures.drawing import Picture
from ui.shell.charts import chart

_TAGS = re.compile(r"</?su[bp]>")  # a title may raise and lower letters; a spoken description cannot
CHART_CONFIG = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "toImageButtonOptions": {"format": "svg", "filename": "attention-explorer"},
}
ZOOM_BUTTONS = ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]
_FIGURES, _STEP = "_steps_figures", "_steps_now"


@dataclass(frozen=True)
class Shown:
    """A figure on the page. step: the number of its step, None outside of steps; alt: what it is, in words."""

    step: int | None
    alt: str
    figure: Picture


def begin() -> None:
    """At the start of a run: nothing is shown yet."""
    st.session_state[_FIGURES] = {}
    st.session_state[_STEP] = None


def shown_figures() -> dict[str, Shown]:
    """All figures that this run has shown so far, by key; whoever gets it only reads it."""
    figures: dict[str, Shown] = st.session_state.get(_FIGURES, {})
    return figures


@contextmanager
def numbered_step(number: int, title: str = "") -> Iterator[None]:
    """The frame of a step, with its number and title (HTML) above, or neither where the step is absent."""
    st.session_state[_STEP] = number
    with st.container(border=True, key=f"step-{number}"):
        if title:
            st.html(f'<div><span class="step-number">{number}</span><span class="step-title">{title}</span></div>')
        yield
    st.session_state[_STEP] = None


def show(
    figure: Picture,
    key: str,
    *,
    alt: str,
    on_click: Callable[[dict[str, Any]], None] | None = None,
    widths: tuple[int, int] | None = None,
) -> None:
    """A figure of the page, which others can find among `shown_figures`; the rest as in `charts.chart`."""
    spoken = _TAGS.sub("", alt)
    _note(key, spoken, figure)
    zooming = [ZOOM_BUTTONS] if figure.laid.get("dragmode") == "zoom" else []
    config = CHART_CONFIG | {"modeBarButtons": [*zooming, ["toImage"]]}
    chart(figure, key, alt=spoken, config=config, on_click=on_click, widths=widths)


def framed(key: str) -> DeltaGenerator:
    """A place for the picture `key` of a component, which presenter mode can show alone on the screen."""
    return st.container(key=f"{key}-frame")


def _note(key: str, alt: str, figure: Picture) -> None:
    before = shown_figures().get(key)
    step = st.session_state.get(_STEP)
    if step is None and before is not None:  # a fragment draws its figures anew outside of its step
        step = before.step
    shown_figures()[key] = Shown(step, alt, figure)


def stays_in_sight(key: str) -> None:
    """The button in the container `key` stays at the upper edge while the steps pass below it."""
    # Only the button itself takes clicks there.
    st.html(
        f"<style> div:has(> .st-key-{key}) {{ position: sticky; top: 3.9rem; z-index: 20; pointer-events: none; }}"
        f" .st-key-{key} button {{ pointer-events: auto; box-shadow: 0 1px 8px rgba(0, 0, 0, .3); }} </style>"
    )
