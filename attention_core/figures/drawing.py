"""A figure in the making.

Plotly checks every property of a figure at every change of it, which takes longer than all else about it.  So a figure
is put together as plain dicts, which Plotly takes over unchecked, and only where somebody reads or changes a part: the
tests check all that they come by.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
from _plotly_utils.utils import to_typed_array_spec  # what Plotly itself packs arrays with

from .style import FRAME, QUIET

Properties = dict[str, Any]

_FLOATS = (np.dtype("<f4"), np.dtype("<f8"))
_DASHED = {"color": QUIET, "width": 1, "dash": "dash"}


class Picture(go.Figure):  # type: ignore[misc]  # plotly has no types
    """A figure that Plotly takes in hand when somebody reads or changes a part of it, which most are never.

    And it is sent without the copy that Plotly makes of each list in it, number by number, every time.
    """

    @classmethod
    def of(cls, traces: list[Properties], layout: Properties, frames: list[Properties]) -> Picture:
        """Unchecked; what changes the figure from here on is checked as in any other."""
        picture: Picture = cls.__new__(cls)
        raw = _mapped({"data": traces, "layout": layout, "frames": frames}, _copied)
        raw["layout"].setdefault("template", _template(pio.templates.default))
        picture.__dict__["_raw"] = raw
        return picture

    def __getattr__(self, name: str) -> Any:
        """Called for what is not there: all that Plotly has of a figure, as long as it has not been made."""
        raw = self.__dict__.pop("_raw", None)
        if raw is None:
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        super().__init__(**raw, _validate=False)
        for part in (self, self.layout, *self.data):
            part._validate = True
        return getattr(self, name)

    @property
    def laid(self) -> Properties:
        """The properties of its layout, as they were given; for reading alone."""
        raw = self.__dict__.get("_raw")
        layout: Properties = raw["layout"] if raw else self._layout
        return layout

    def to_dict(self) -> Properties:
        """As of any figure: what it holds, arrays packed; for reading alone."""
        raw = self.__dict__.get("_raw")
        traces = raw["data"] if raw else self._data
        frames = raw["frames"] if raw else [frame._props for frame in self._frame_objs]
        parts = {"data": traces, "layout": self.laid, **({"frames": frames} if frames else {})}
        packed: Properties = _mapped(parts, _packed)
        return packed


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

    def figure(self) -> Picture:
        """What has been put together so far; what is done to the drawing afterwards does not change it."""
        traces = [{name: value for name, value in trace.items() if value is not None} for trace in self.traces]
        return Picture.of(traces, self.layout, self.frames)


@lru_cache(1)
def _template(name: str | None) -> Properties:
    """What Plotly gives to every figure that has none: that of Streamlit where that is there."""
    return pio.templates[name].to_plotly_json() if name else {}


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Properties as deep as they are, with everything that is neither properties nor a list of them changed."""
    if isinstance(value, dict):
        return {name: _mapped(inner, change) for name, inner in value.items()}
    if isinstance(value, list | tuple) and value and isinstance(value[0], dict):
        return [_mapped(inner, change) for inner in value]
    return change(value)


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, list | np.ndarray) else value


def _packed(value: Any) -> Any:
    """As Plotly packs arrays; most are of floats, for which its detours by other libraries' arrays are not needed."""
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype not in _FLOATS or not value.size:
        return to_typed_array_spec(value)
    packed = {"dtype": f"f{value.dtype.itemsize}", "bdata": b64encode(value.tobytes()).decode("ascii")}
    return packed | ({"shape": str(value.shape)[1:-1]} if value.ndim > 1 else {})


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
