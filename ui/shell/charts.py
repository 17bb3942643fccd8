"""Plotly's figures on the page, drawn by a component of our own.

Streamlit's own chart draws each figure twice, and all of a page at once: its copy of the data counts as new to Plotly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import orjson
import plotly.graph_objects as go
import streamlit as st

from attention_core.figures.drawing import Picture, Properties
from ui.i18n import t
from ui.shell import bundles
from ui.shell.component import component

_NUMPY = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
_chart = component("chart", ("theme", "queue", "chart"), isolate_styles=False)


@dataclass(frozen=True)
class Squares:
    """A picture of square cells: how many, and the pixels around them at the sides and at both ends."""

    rows: float
    columns: float
    sides: float
    ends: float


def chart(
    figure: Picture | go.Figure,
    key: str,
    *,
    alt: str,
    config: dict[str, Any],
    on_click: Callable[[dict[str, Any]], None] | None = None,
    widths: tuple[int, int] | None = None,
    plain: bool = False,
) -> None:
    """A figure as wide as its place, in the page's light or dark colours.

    alt: what it is, in words. on_click gets `customdata` and `point_index` of the point that was clicked. widths: the
    least and the most in pixels; where there is less, the figure is moved sideways. plain: as it is instead, or smaller
    where there is less width; presenter mode offers all others alone on the screen.
    """
    layout = figure.laid if isinstance(figure, Picture) else figure.layout.to_plotly_json()
    drawn, photos = _photos_apart(figure.to_dict())
    sent = {
        "figure": drawn,
        "photos": photos,
        "config": config,
        "alt": alt,
        "name": None if plain else key,
        "height": layout.get("height", 450),  # Plotly's own where there is none
        "widths": widths,
        "squares": None if plain else _squares(layout),
        "plain": plain,
        "clickable": on_click is not None,
        "address": bundles.address(bundles.PLOTLY),
        "failed": t("frame.no_plotly"),
    }
    listening = {} if on_click is None else {"on_clicked_change": partial(_clicked, key, on_click)}
    _chart(key=key, data=orjson.dumps(sent, default=_listed, option=_NUMPY), **listening)


def _listed(value: Any) -> Any:
    """Plotly keeps a list of colours as an array of objects, which orjson leaves to whoever calls it."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"a figure holds a {type(value).__name__}, which cannot be sent.")


def _photos_apart(figure: Properties) -> tuple[Properties, list[str]]:
    """A photo may lie under many tiles: it goes once, and each trace of it has its number instead."""
    photos: dict[str, int] = {}
    data = [
        {**trace, "source": photos.setdefault(trace["source"], len(photos))} if "source" in trace else trace
        for trace in figure["data"]
    ]
    return {**figure, "data": data}, list(photos)


def _clicked(key: str, on_click: Callable[[dict[str, Any]], None]) -> None:
    point = st.session_state[key]["clicked"]
    if point:
        on_click(point)


def _squares(layout: Properties) -> Squares | None:
    """None where it is no picture of square cells."""
    if not layout.get("yaxis", {}).get("scaleanchor"):
        return None
    columns, rows = (abs(end - start) for start, end in (layout[axis]["range"] for axis in ("xaxis", "yaxis")))
    sides, ends = (sum(layout["margin"][side] for side in pair) for pair in ("lr", "tb"))
    return Squares(rows, columns, sides, ends + 8)
