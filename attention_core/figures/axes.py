"""Names along an axis: all of them while there is room; beyond, as many as fit, and more the further one zooms in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .drawing import Drawing
from .style import escaped, shortened, width_of

MOST_NAMED = 40  # names that stand on an axis all at once


@dataclass(frozen=True)
class Names:
    """The names of one axis, ready for layout.xaxis / yaxis, and what room they take."""

    layout: dict[str, Any]
    width: float  # pixels of the widest name
    size: int  # of the font
    spelled: bool  # %{x} or %{y} of a hover template gives the name
    zoomable: bool


def names_along(labels: Sequence[str], *, room: float = 84) -> Names:
    """Positions 0…n-1 with `labels`, which may repeat, shortened to `room` pixels.

    Beyond `MOST_NAMED` each has its place in front, counted from 1, and the axis can be zoomed.
    """
    n = len(labels)
    if n > MOST_NAMED:
        return _long(labels, room)
    size = 12 if n <= 16 else 11 if n <= 24 else 10
    short = [shortened(label, room, size) for label in labels]
    return Names(
        layout={
            "tickmode": "array",
            "tickvals": [float(i) for i in range(n)],
            "ticktext": [escaped(s) for s in short],
            "tickfont": {"size": size},
        },
        width=max((width_of(s, size) for s in short), default=0.0),
        size=size,
        spelled=short == list(labels),
        zoomable=False,
    )


def _long(labels: Sequence[str], room: float) -> Names:
    """Of categories Plotly writes every second, third … name, as many as fit, and chooses anew at each zoom.

    The categories are the positions, because tokens repeat; the names are their aliases.
    """
    size = 10
    places = [str(i) for i in range(len(labels))]
    short = [shortened(f"{number}: {label}", room, size) for number, label in enumerate(labels, start=1)]
    return Names(
        layout={
            "type": "category",
            "categoryorder": "array",
            "categoryarray": places,
            "labelalias": dict(zip(places, (escaped(s) for s in short), strict=True)),
            "tickmode": "auto",
            "tickfont": {"size": size},
            "fixedrange": False,
            "minallowed": -0.5,
            "maxallowed": len(labels) - 0.5,
        },
        width=max(width_of(s, size) for s in short),
        size=size,
        spelled=True,
        zoomable=True,
    )


def let_zoom(drawing: Drawing, *axes: Names | None) -> None:
    """Dragging zooms along those of `axes` that are long."""
    if any(axis is not None and axis.zoomable for axis in axes):
        drawing.lay(dragmode="zoom")
