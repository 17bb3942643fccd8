"""Networks against each other: their gates in order of size, their scores, and differences with their errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from .drawing import Drawing, level, upright
from .layout import Header, header, lay_out
from .style import COLOURS, MINUS, QUIET, array, escaped, number, range_text, same_length, shortened, width_of

_PAIR = (COLOURS["channel"], COLOURS["key"])  # as two sets of channel bars have them
_DASHES = ("solid", "dash", "dot", "dashdot")
_ROW = 30  # pixels of one row of a list
_LABEL = 165  # pixels that its label may take
_LEGEND = 44  # pixels of two lines of names, which a phone needs


def sorted_lines(
    series: Sequence[ArrayLike],
    *,
    names: Sequence[str],
    title: str = "",
    rank_name: str = "",
    value_name: str = "",
    baseline: float | None = None,
) -> go.Figure:
    """Values in 0…1 of each series, largest first, as one stepped line a series over their rank.

    series    each (C,), of any number of values; a flat line is a series of equal values
    baseline  a thin level line
    """
    same_length("names", len(names), len(series))
    falling = [np.sort(array(values, 1, "series"))[::-1] for values in series]
    subtitle = " · ".join(
        f"{escaped(name)} {range_text(values, 2)}" for name, values in zip(names, falling, strict=True)
    )
    head = header(title, subtitle, below=220, bar=False)
    drawing = Drawing()
    for i, (name, values) in enumerate(zip(names, falling, strict=True)):
        drawing.add(
            "scatter",
            x=np.arange(1, len(values) + 1),
            y=values,
            name=escaped(name),
            mode="lines",
            line={"shape": "hvh", "width": 2.2, "color": _PAIR[i % 2], "dash": _DASHES[i % 4]},
            hovertemplate=f"{escaped(name)}<br>{rank_name} %{{x}}<br>{value_name} %{{y:.4f}}<extra></extra>",
        )
    lay_out(drawing, title=title, subtitle=subtitle, head=head, left=36, right=8, above=34, bottom=40)
    drawing.x(title={"text": rank_name}, tickformat="d", nticks=6)
    drawing.y(range=[0, 1.02], tickvals=[0, 0.5, 1], ticks="outside", ticklen=4, tickcolor=QUIET)
    if baseline is not None:
        drawing.mark(level(baseline))
    _legend(drawing, head.bottom / head.height)
    return drawing.figure()


def score_pairs(
    labels: Sequence[str],
    first: ArrayLike,
    second: ArrayLike,
    *,
    names: tuple[str, str],
    title: str = "",
    gap_name: str = "",
) -> go.Figure:
    """Two shares a row, joined by a line, with the difference first − second in points at its end.

    labels  one a row, from the top;  first, second: (N,) in 0…1, such as the share right in training and on new photos
    """
    a, b = array(first, 1, "first"), array(second, 1, "second")
    same_length("first", len(a), len(labels))
    same_length("second", len(b), len(labels))
    head = header(title, gap_name, below=_LEGEND + _ROW * len(a) + 40, bar=False)
    drawing = Drawing()
    rows = np.arange(len(a))
    drawing.add(
        "scatter",
        x=np.stack([a, b, np.full_like(a, np.nan)], axis=1).ravel(),
        y=np.repeat(rows, 3),
        mode="lines",
        line={"color": QUIET, "width": 3},
        hoverinfo="skip",
        showlegend=False,
    )
    for values, name, colour, symbol in zip((a, b), names, _PAIR, ("circle-open", "diamond"), strict=True):
        drawing.add(
            "scatter",
            x=values,
            y=rows,
            name=escaped(name),
            mode="markers",
            marker={"size": 10, "color": colour, "symbol": symbol, "line": {"width": 2, "color": colour}},
            customdata=[escaped(label) for label in labels],
            hovertemplate=f"%{{customdata}}<br>{escaped(name)} %{{x:.1%}}<extra></extra>",
        )
    low, high = float(min(a.min(initial=1), b.min(initial=1))), float(max(a.max(initial=0), b.max(initial=0)))
    room = max(high - low, 0.02)
    span = (low - 0.06 * room, high + 0.06 * room)
    drawing.add(
        "scatter",
        x=np.maximum(a, b),
        y=rows,
        text=["  " + points(float(value)) for value in a - b],
        textposition="middle right",
        mode="text",
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )
    _rows(drawing, labels, title, gap_name, head, above=_LEGEND, right=48)  # the gaps stand in the margin
    drawing.x(range=span, tickformat=".0%", nticks=4, ticks="outside", tickcolor=QUIET, tickangle=0)
    _legend(drawing, head.bottom / head.height)
    return drawing.figure()


def differences(
    labels: Sequence[str],
    values: ArrayLike,
    errors: ArrayLike,
    *,
    title: str = "",
    value_name: str = "",
) -> go.Figure:
    """One difference of shares a row around 0, in points, with one standard error (thick) and two (thin) either side.

    labels  one a row, from the top;  values, errors: (N,); a row of NaN stays empty
    """
    v, e = array(values, 1, "values"), array(errors, 1, "errors")
    same_length("values", len(v), len(labels))
    same_length("errors", len(e), len(labels))
    head = header(title, value_name, below=_ROW * len(v) + 44, bar=False)
    rows = np.arange(len(v))
    drawing = Drawing()
    for reach, width in ((2, 1.5), (1, 4)):
        ends = np.stack([v - reach * e, v + reach * e, np.full_like(v, np.nan)], axis=1)  # (N, 3)
        drawing.add(
            "scatter",
            x=ends.ravel(),
            y=np.repeat(rows, 3),
            mode="lines",
            line={"color": COLOURS["weight"], "width": width},
            hoverinfo="skip",
        )
    drawing.add(
        "scatter",
        x=v,
        y=rows,
        mode="markers",
        marker={"size": 10, "color": COLOURS["weight"]},
        customdata=[
            f"{escaped(label)}<br>{points(float(x))} ± {number(100 * float(y), 1)}"
            for label, x, y in zip(labels, v, e, strict=True)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    _rows(drawing, labels, title, value_name, head, above=4, right=16)
    limit = _reach(v, e)
    drawing.x(range=[-limit, limit], ticks="outside", tickcolor=QUIET, tickangle=0)
    marks = [limit * share / 1.5 for share in (-1, 0, 1)]
    drawing.x(tickmode="array", tickvals=marks, ticktext=[points(mark) for mark in marks])
    drawing.mark(upright(0))
    return drawing.figure()


def points(share: float) -> str:
    """A difference of shares in percentage points: "+1.2", "−0.4", "0.0"."""
    if np.isnan(share):
        return "\N{EN DASH}"
    written = f"{round(100 * share, 1) + 0.0:+.1f}"
    return "0.0" if written == "+0.0" else written.replace("-", MINUS)


def _reach(values: NDArray[Any], errors: NDArray[Any]) -> float:
    ends = np.abs(values) + 2 * np.abs(errors)
    return 1.15 * float(np.nanmax(ends, initial=0.0) or 0.01)


def _rows(
    drawing: Drawing, labels: Sequence[str], title: str, subtitle: str, head: Header, *, above: float, right: float
) -> None:
    """Labels at the left, the first on top."""
    short = [shortened(label, _LABEL) for label in labels]
    left = max((width_of(label) for label in short), default=0.0) + 12
    lay_out(drawing, title=title, subtitle=subtitle, head=head, left=left, right=right, above=above, bottom=34)
    drawing.y(
        range=[len(labels) - 0.5, -0.5],
        tickmode="array",
        tickvals=list(range(len(labels))),
        ticktext=[escaped(label) for label in short],
    )


def _legend(drawing: Drawing, share_above: float) -> None:
    drawing.lay(
        showlegend=True,
        legend={
            "orientation": "h", "x": 0, "xref": "container", "xanchor": "left", "yanchor": "top",
            "y": 1 - share_above, "yref": "container", "bgcolor": "rgba(0,0,0,0)",
        },
    )  # fmt: skip
