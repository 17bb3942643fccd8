"""A figure in the making.

Plotly checks every property of a figure at every change of it, which takes longer than all else about it.  So a figure
is put together as plain dicts and given to Plotly whole, unchecked: the tests check all that they come by.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from .style import FRAME, QUIET

Properties = dict[str, Any]

_DASHED = {"color": QUIET, "width": 1, "dash": "dash"}


class Drawing:
    """Traces, layout and frames by Plotly's names. A property of None is as good as none."""

    def __init__(self) -> None:
        self.traces: list[Properties] = []
        self.layout: Properties = {}
        self.frames: list[Properties] = []

    def add(self, kind: str, **properties: Any) -> None:
        """One more trace of this kind ("heatmap", "scatter" …), above the others."""
        self.traces.append({"type": kind, **properties})

    def lay(self, **properties: Any) -> None:
        """Properties of the layout: dicts join what is there, everything else replaces it, None takes it away."""
        _join(self.layout, properties)

    def x(self, **properties: Any) -> None:
        """Properties of the horizontal axis, as in `lay`."""
        self.lay(xaxis=properties)

    def y(self, **properties: Any) -> None:
        """Properties of the vertical axis, as in `lay`."""
        self.lay(yaxis=properties)

    def mark(self, *shapes: Properties) -> None:
        """Lines and frames above or below the traces."""
        self.layout.setdefault("shapes", []).extend(shapes)

    def figure(self) -> go.Figure:
        """What changes the figure from here on is checked as in any other."""
        traces = [{name: value for name, value in trace.items() if value is not None} for trace in self.traces]
        figure = go.Figure(traces, self.layout, self.frames, _validate=False)
        for part in (figure, figure.layout, *figure.data):
            part._validate = True
        return figure


def _join(there: Properties, new: Properties) -> None:
    for name, value in new.items():
        if value is None:
            there.pop(name, None)
        elif isinstance(value, dict):
            _join(there.setdefault(name, {}), value)
        else:
            there[name] = value


def frame(x0: float, y0: float, x1: float, y1: float, *, width: float = 3) -> Properties:
    """A frame around a part of a heatmap, as a layout shape."""
    return {
        "type": "rect", "x0": x0, "y0": y0, "x1": x1, "y1": y1,
        "line": {"color": FRAME, "width": width}, "fillcolor": "rgba(0,0,0,0)", "layer": "above",
    }  # fmt: skip


def level(y: float) -> Properties:
    """A thin dashed line from the left to the right, at a place of the vertical axis."""
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": _DASHED}


def upright(x: float) -> Properties:
    """The same from below to the top, at a place of the horizontal axis."""
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": x, "x1": x, "line": _DASHED}
