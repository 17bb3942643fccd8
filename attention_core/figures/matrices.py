"""Matrices: tokens by tokens, tokens by dimensions; one cell a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from .style import (
    COLOURS,
    FRAME,
    Kind,
    Quantity,
    Ticks,
    array,
    bounds,
    colour_scale,
    escaped,
    header,
    lay_out,
    named,
    number,
    on_dark,
    same_length,
    subtitle_of,
    ticks,
)

_MOST_PRINTED = 16  # rows and columns up to which the numbers are printed into the cells


def matrix(
    values: ArrayLike,
    *,
    rows: Sequence[str],
    columns: Sequence[str] | None,
    kind: Kind,
    limit: float | None = None,
    title: str = "",
    row_title: str = "",
    column_title: str = "",
    value_name: str = "",
    highlight_row: int | None = None,
    highlight_column: int | None = None,
    clickable: bool = False,
    digits: int = 2,
    show_values: bool | None = None,
) -> go.Figure:
    """One matrix as a heatmap, first row on top.

    values    (R, C)
    rows      R labels, may repeat
    columns   C labels, or None for dimensions without a name (the hover label gives the index)
    kind      "weight": colours fixed to 0…1; "signed": -limit…limit, white is 0
    highlight_row, highlight_column   framed
    clickable adds one invisible point a cell: Streamlit's on_select then gives point_index = row * C + column
    digits    decimals of the numbers in the cells; show_values None prints them while they fit

    Cells are square when C has labels; their size falls from 44 pixels to 7.5 with 64 rows.  NaN has no colour and no
    number.
    """
    z = array(values, 2)
    n_rows, n_columns = z.shape
    return _grid(
        z,
        rows=rows,
        columns=columns,
        kind=kind,
        limit=limit,
        title=title,
        row_title=row_title,
        column_title=column_title,
        value_name=value_name,
        highlight_row=highlight_row,
        highlight_column=highlight_column,
        clickable=clickable,
        digits=digits,
        show_values=show_values,
        square=columns is not None and n_columns <= 2 * n_rows + 4,
        cell=_cell(max(n_rows, n_columns if columns is not None else 0)),
        title_colour=None,
    )


def vector_strip(
    values: ArrayLike,
    *,
    rows: Sequence[str],
    quantity: Quantity,
    limit: float | None = None,
    title: str = "",
    value_name: str = "",
    row_title: str = "",
    column_title: str = "",
    highlight_row: int | None = None,
) -> go.Figure:
    """One vector a row (query, key, value … of each token), 22 pixels high; signed scale; title in its hue.

    values   (N, d);  rows: N labels
    """
    z = array(values, 2)
    return _grid(
        z,
        rows=rows,
        columns=None,
        kind="signed",
        limit=limit,
        title=title,
        row_title=row_title,
        column_title=column_title,
        value_name=value_name,
        highlight_row=highlight_row,
        highlight_column=None,
        clickable=False,
        digits=2,
        show_values=None,
        square=False,
        cell=22 if len(z) <= 24 else max(8, 528 / len(z)),
        title_colour=COLOURS[quantity],
    )


def _cell(n: int) -> float:
    """Pixels a cell: 44 up to 4 rows, then less, so that 64 rows are 480 pixels."""
    return float(np.interp(n, [4, 8, 12, 16, 32, 64, 128], [44, 36, 30, 26, 14, 7.5, 4]))


def _grid(
    z: Any,
    *,
    rows: Sequence[str],
    columns: Sequence[str] | None,
    kind: Kind,
    limit: float | None,
    title: str,
    row_title: str,
    column_title: str,
    value_name: str,
    highlight_row: int | None,
    highlight_column: int | None,
    clickable: bool,
    digits: int,
    show_values: bool | None,
    square: bool,
    cell: float,
    title_colour: str | None,
) -> go.Figure:
    n_rows, n_columns = z.shape
    same_length("rows", len(rows), n_rows)
    if columns is not None:
        same_length("columns", len(columns), n_columns)
    low, high, scale = bounds(z, kind, limit)
    row_ticks = ticks(rows)
    column_ticks = None if columns is None else ticks(columns, room=80)
    angle, above, right = _top_labels(column_ticks, n_columns, square=square)
    if column_title:
        above += 20
    left = row_ticks.width + 14 + (22 if row_title else 0)
    subtitle = subtitle_of(value_name, z)
    head = header(title, subtitle, below=above + n_rows * cell + 6)
    if show_values is None:
        show_values = n_rows <= _MOST_PRINTED and n_columns <= _MOST_PRINTED

    names, template = _hover(rows, columns, row_ticks, column_ticks, row_title, column_title)
    value = named(value_name, "%{z:.4f}")
    fig = go.Figure(
        go.Heatmap(
            z=z,
            customdata=None if clickable else names,
            hovertemplate=None if clickable else f"{template}<br>{value}<extra></extra>",
            hoverinfo="skip" if clickable else None,
            hoverongaps=False,
            xgap=1 if cell >= 12 and (square or n_columns <= 32) else 0,
            ygap=1 if cell >= 12 else 0,
            **colour_scale(low, high, scale, header=head),
        )
    )
    if show_values:
        fig.add_traces(_printed(z, on_dark(z, low, high, scale), digits))
    if clickable:
        fig.add_trace(_click_grid(z, names, template, value_name))
    lay_out(
        fig,
        title=title,
        subtitle=subtitle,
        head=head,
        left=left,
        right=right,
        above=above,
        bottom=6,
        title_colour=title_colour,
    )
    fig.update_xaxes(
        side="top",
        range=[-0.5, n_columns - 0.5],
        title={"text": column_title, "standoff": 4},
        constrain="domain",
        constraintoward="left",
        tickangle=angle,
        **_tick_layout(column_ticks),
    )
    fig.update_yaxes(
        range=[n_rows - 0.5, -0.5],
        title={"text": row_title, "standoff": 4},
        constrain="domain",
        constraintoward="top",
        **_tick_layout(row_ticks),
    )
    if square:
        fig.update_yaxes(scaleanchor="x", scaleratio=1)
    frames = []
    if highlight_row is not None:
        frames.append((-0.5, highlight_row - 0.5, n_columns - 0.5, highlight_row + 0.5))
    if highlight_column is not None:
        frames.append((highlight_column - 0.5, -0.5, highlight_column + 0.5, n_rows - 0.5))
    fig.update_layout(shapes=[frame(*f, width=3 if cell >= 12 else 1.5) for f in frames])
    if clickable:
        fig.update_layout(clickmode="event+select", hoverdistance=60)
    return fig


def frame(x0: float, y0: float, x1: float, y1: float, *, width: float = 3) -> dict[str, Any]:
    """A frame around a part of a heatmap, as a layout shape."""
    return {
        "type": "rect", "x0": x0, "y0": y0, "x1": x1, "y1": y1,
        "line": {"color": FRAME, "width": width}, "fillcolor": "rgba(0,0,0,0)", "layer": "above",
    }  # fmt: skip


def _printed(z: Any, dark: Any, digits: int) -> list[go.Heatmap]:
    """The numbers in the cells: white ones on dark cells, near-black ones on light cells.

    Two heatmaps without colour, because one has one text colour only (and Plotly's automatic one is
    dark grey on mid-tones), and because a heatmap shrinks its text with its cells, a scatter does not.
    Both have text in every cell, blank or not, all as long as the longest: the size is made from that.
    NaN stays blank.
    """
    words = [[number(v, digits, plain=True) for v in row] for row in z.tolist()]
    there = ~np.isnan(z)
    blank = "\N{NO-BREAK SPACE}" * max((len(words[i][j]) for i, j in np.argwhere(there)), default=1)
    return [
        go.Heatmap(
            z=z,
            text=[[words[i][j] if where[i, j] else blank for j in range(z.shape[1])] for i in range(len(z))],
            texttemplate="%{text}",
            textfont={"color": colour},
            colorscale=[[0, "rgba(0,0,0,0)"], [1, "rgba(0,0,0,0)"]],
            showscale=False,
            hoverinfo="skip",
            hoverongaps=False,
        )
        for where, colour in ((dark & there, "#ffffff"), (~dark & there, "#101418"))
        if where.any()
    ]


def _tick_layout(t: Ticks | None) -> dict[str, Any]:
    if t is None:
        return {"showticklabels": False, "tickmode": "array", "tickvals": []}
    return {"tickmode": "array", "tickvals": t.vals, "ticktext": t.text, "tickfont": {"size": t.size}}


def _top_labels(t: Ticks | None, n: int, *, square: bool) -> tuple[int, float, float]:
    """Angle of the labels over the columns, pixels that they take above, and beyond the right edge."""
    if t is None:
        return 0, 6.0, 8.0
    # A phone leaves about 270 pixels for the columns: lie flat only where every label fits there.
    if t.width + 4 <= min(44.0, 270 / max(n, 1)):
        return 0, t.size + 10.0, 8.0
    if n <= 12 and t.width <= 44:
        return -45, 0.72 * (t.width + t.size) + 8, max(8.0, 0.72 * t.width)
    return -90, t.width + 10, 8.0


def _hover(
    rows: Sequence[str],
    columns: Sequence[str] | None,
    row_ticks: Ticks,
    column_ticks: Ticks | None,
    row_title: str,
    column_title: str,
) -> tuple[list[list[str]] | None, str]:
    """Hover text of the cells, and a template: from the axes' own labels where these are complete.

    (On an axis with ticktext %{x} gives that text; where labels are shortened or thinned each cell
    carries its own.)
    """
    if row_ticks.complete and (column_ticks is None or column_ticks.complete):
        return None, named(row_title, "%{y}") + "<br>" + named(column_title, "%{x}")
    down = [named(row_title, escaped(r)) for r in rows]
    across = [named(column_title, escaped(c)) for c in columns] if columns is not None else None
    if across is None:
        return [[d] for d in down], "%{customdata[0]}<br>" + named(column_title, "%{x}")
    return [[f"{d}<br>{a}" for a in across] for d in down], "%{customdata}"


def _click_grid(z: Any, names: list[list[str]] | None, template: str, value_name: str) -> go.Scatter:
    """One invisible point a cell, row by row.

    Plotly takes the nearest centre, and calls all points whose markers cover the pointer equally near:
    markers that fill their cells overlap on a narrow screen and then give a neighbour.  So they are
    small, and `hoverdistance` reaches beyond half a cell.  maxdisplayed spares the browser the drawing;
    hovering and choosing go by the data.
    """
    n_rows, n_columns = z.shape
    row, column = np.indices((n_rows, n_columns), dtype=np.int16)
    text = None
    if names is not None:
        text = [name for r in names for name in (r if len(r) == n_columns else r * n_columns)]
        template = template.replace("%{customdata}", "%{text}").replace("%{customdata[0]}", "%{text}")
    return go.Scatter(
        x=column.ravel(),
        y=row.ravel(),
        mode="markers",
        customdata=z.ravel(),
        text=text,
        hovertemplate=f"{template}<br>{named(value_name, '%{customdata:.4f}')}<extra></extra>",
        showlegend=False,
        marker={"size": 6, "symbol": "square", "opacity": 0, "color": FRAME, "maxdisplayed": 1},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
    )
