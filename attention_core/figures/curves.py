"""Curves over a common axis: one line a thing, all named below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go
from numpy.typing import ArrayLike

from .drawing import Drawing, upright
from .layout import header, lay_out
from .style import QUIET, array, escaped, named, same_length, width_of

Dash = Literal["solid", "dash", "dot", "dashdot", "longdash"]
# For things that are no quantities. Each has 3:1 on white and on the dark page; the dashes part them without colour.
STROKES: tuple[tuple[str, Dash], ...] = (
    ("#D55E00", "solid"),
    ("#0072B2", "dash"),
    ("#009E73", "dashdot"),
    ("#A45CCB", "longdash"),
    ("#A8761C", "dot"),
    ("#5B7FD6", "dashdot"),
    ("#C2557A", "dash"),
)
_LINE = 20  # pixels of a line of the legend
_PHONE = 300  # pixels that a phone leaves for the legend


@dataclass(frozen=True, eq=False)
class Curve:
    """One line of `curves`: its values, one for each x, and its look."""

    name: str
    values: ArrayLike
    colour: str = QUIET
    dash: Dash = "solid"
    width: float = 2
    markers: bool = False


def curves(
    x: ArrayLike,
    lines: Sequence[Curve],
    *,
    limits: tuple[float, float] = (0.0, 1.0),
    title: str = "",
    subtitle: str = "",
    x_name: str = "",
    value_name: str = "",
    percent: bool = False,
    labels: Sequence[str] | None = None,
    hover_name: str = "",
    marked: float | None = None,
) -> go.Figure:
    """Lines over one axis, with a legend below them that has room on a phone.

    x        (n,);  every line has n values
    limits   of the value axis
    percent  x is a share, 0…1, and is written as a percentage
    labels   n texts of the hover label, after `hover_name`, where x is only a place; its numbers are then not written
    marked   an upright line at this x
    """
    places = array(x, 1, "x")
    if labels is not None:
        same_length("labels", len(labels), len(places))
    entry = max((width_of(line.name) for line in lines), default=0.0) + 46  # its stroke and the gap
    legend = _LINE * -(-len(lines) // max(1, int(_PHONE // entry))) + 8
    head = header(title, subtitle, below=250 + 46 + legend, bar=False)
    drawing = Drawing()
    where = "%{customdata}" if labels is not None else "%{x:.0%}" if percent else "%{x}"
    for line in lines:
        values = array(line.values, 1, line.name)
        same_length(line.name, len(values), len(places))
        drawing.add(
            "scatter",
            x=places,
            y=values,
            name=escaped(line.name),
            customdata=None if labels is None else list(map(escaped, labels)),
            mode="lines+markers" if line.markers else "lines",
            line={"color": line.colour, "dash": line.dash, "width": line.width},
            marker={"color": line.colour, "size": 5},
            hovertemplate=f"{escaped(line.name)}<br>{named(hover_name or x_name, where)}<br>"
            f"{named(value_name, '%{y:.4f}')}<extra></extra>",
        )
    lay_out(drawing, title=title, subtitle=subtitle, head=head, left=46, right=18, above=8, bottom=46 + legend)
    drawing.y(range=list(limits), tickformat=".3~g", nticks=6, ticks="outside", ticklen=4, tickcolor=QUIET)
    drawing.x(title={"text": x_name, "standoff": 6}, showline=True, linecolor=QUIET, nticks=9)
    if percent:
        drawing.x(tickformat=".0%", range=[0, 1], tickvals=[0, 0.25, 0.5, 0.75, 1])
    if labels is not None:
        drawing.x(showticklabels=False)
    if marked is not None:
        drawing.mark(upright(marked))
    drawing.lay(showlegend=True, legend=_below(entry, head.height, legend))
    return drawing.figure()


def _below(entry: float, height: float, legend: float) -> dict[str, Any]:
    """A legend at the foot of the figure, in as many columns as there is room for."""
    return {
        "orientation": "h", "entrywidth": entry - 40, "entrywidthmode": "pixels", "bgcolor": "rgba(0,0,0,0)",
        "x": 0, "xref": "container", "xanchor": "left", "y": legend / height, "yref": "container", "yanchor": "top",
    }  # fmt: skip
