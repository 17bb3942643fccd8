"""Matrices: tokens by tokens, tokens by dimensions; one cell a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from .axes import Names, let_zoom, names_along
from .cells import add_click_points, hover, print_numbers
from .drawing import Drawing, frame
from .layout import colour_scale, header, lay_out
from .style import COLOURS, MapKind, Quantity, array, bounds, named, on_dark, same_length, subtitle_of

_TALLEST = 680  # pixels of a picture of many rows
_MOST_PRINTED = 16  # rows and columns up to which the numbers are printed into the cells
_NAMELESS: dict[str, Any] = {"showticklabels": False, "tickmode": "array", "tickvals": []}


@dataclass(frozen=True)
class Words:
    """Title, range line and names of the axes."""

    title: str
    row_title: str
    column_title: str
    value_name: str


def matrix(
    values: ArrayLike,
    *,
    rows: Sequence[str],
    columns: Sequence[str] | None,
    kind: MapKind,
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
    kind      "weight": colours fixed to 0…1, or to 0…limit; "signed": -limit…limit, white is 0; "activation": 0…limit
    highlight_row, highlight_column   framed
    clickable adds one invisible point a cell: Streamlit's on_select then gives point_index = row * C + column
    digits    decimals of the numbers in the cells; show_values None prints them while they fit

    Cells are square when C has labels; their size falls from 44 pixels to 7.5 with 64 rows.  Along an axis of more
    than `axes.MOST_NAMED` labels, dragging zooms.  NaN has no colour and no number.
    """
    z = array(values, 2)
    n_rows, n_columns = z.shape
    return grid(
        z,
        Words(title, row_title, column_title, value_name),
        rows=rows,
        columns=columns,
        kind=kind,
        limit=limit,
        highlight_row=highlight_row,
        highlight_column=highlight_column,
        clickable=clickable,
        digits=digits,
        show_values=show_values,
        square=columns is not None and n_columns <= 2 * n_rows + 4,
        cell=cell_side(max(n_rows, n_columns if columns is not None else 0)),
    ).figure()


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
    """One vector a row (query, key, value … of each token); signed scale; title in its hue.

    values   (N, d);  rows: N labels

    Rows are 22 pixels high up to 24 of them, lower beyond: the picture grows no taller.
    """
    z = array(values, 2)
    return grid(
        z,
        Words(title, row_title, column_title, value_name),
        rows=rows,
        columns=None,
        kind="signed",
        limit=limit,
        highlight_row=highlight_row,
        cell=22 if len(z) <= 24 else 528 / len(z),
        title_colour=COLOURS[quantity],
    ).figure()


def cell_side(n: int) -> float:
    """Pixels a cell: 44 up to 4 rows, then less, so that 64 rows are 480 pixels, and 250 no more than fits a screen."""
    return min(float(np.interp(n, [4, 8, 12, 16, 32, 64, 128], [44, 36, 30, 26, 14, 7.5, 5])), _TALLEST / max(n, 1))


def grid(
    z: Any,
    words: Words,
    *,
    rows: Sequence[str],
    columns: Sequence[str] | None,
    kind: MapKind,
    limit: float | None,
    highlight_row: int | None,
    highlight_column: int | None = None,
    clickable: bool = False,
    digits: int = 2,
    show_values: bool | None = None,
    square: bool = False,
    cell: float,
    title_colour: str | None = None,
) -> Drawing:
    """What `matrix` and `vector_strip` have in common.

    square: cells are as wide as high; cell: pixels of the height of one; the rest as in `matrix`.
    """
    n_rows, n_columns = z.shape
    same_length("rows", len(rows), n_rows)
    if columns is not None:
        same_length("columns", len(columns), n_columns)
    low, high, scale = bounds(z, kind, limit)
    row_names = names_along(rows)
    column_names = None if columns is None else names_along(columns, room=80)
    angle, above, right = _top_labels(column_names, n_columns)
    if words.column_title:
        above += 20
    left = row_names.width + 14 + (22 if words.row_title else 0)
    subtitle = subtitle_of(words.value_name, z)
    head = header(words.title, subtitle, below=above + n_rows * cell + 6)
    if show_values is None:
        show_values = n_rows <= _MOST_PRINTED and n_columns <= _MOST_PRINTED

    texts, template = hover(rows, columns, row_names, column_names, words.row_title, words.column_title)
    value = named(words.value_name, "%{z:.4f}")
    drawing = Drawing()
    drawing.add(
        "heatmap",
        z=z,
        customdata=None if clickable else texts,
        hovertemplate=None if clickable else f"{template}<br>{value}<extra></extra>",
        hoverinfo="skip" if clickable else None,
        hoverongaps=False,
        xgap=1 if cell >= 12 and (square or n_columns <= 32) else 0,
        ygap=1 if cell >= 12 else 0,
        **colour_scale(low, high, scale, header=head),
    )
    if show_values:
        print_numbers(drawing, z, on_dark(z, low, high, scale), digits)
    if clickable:
        add_click_points(drawing, z, texts, template, words.value_name)
    lay_out(
        drawing,
        title=words.title,
        subtitle=subtitle,
        head=head,
        left=left,
        right=right,
        above=above,
        bottom=6,
        title_colour=title_colour,
    )
    drawing.x(
        side="top",
        range=[-0.5, n_columns - 0.5],
        title={"text": words.column_title, "standoff": 4},
        constrain="domain",
        constraintoward="left",
        tickangle=angle,
        **(_NAMELESS if column_names is None else column_names.layout),
    )
    drawing.y(
        range=[n_rows - 0.5, -0.5],
        title={"text": words.row_title, "standoff": 4},
        constrain="domain",
        constraintoward="top",
        **row_names.layout,
    )
    if square:
        drawing.y(scaleanchor="x", scaleratio=1)
    let_zoom(drawing, row_names, column_names)
    width = 3 if cell >= 12 else 1.5
    if highlight_row is not None:
        drawing.mark(frame(-0.5, highlight_row - 0.5, n_columns - 0.5, highlight_row + 0.5, width=width))
    if highlight_column is not None:
        drawing.mark(frame(highlight_column - 0.5, -0.5, highlight_column + 0.5, n_rows - 0.5, width=width))
    if clickable:
        drawing.lay(clickmode="event+select", hoverdistance=60)
    return drawing


def _top_labels(names: Names | None, n: int) -> tuple[int, float, float]:
    """Angle of the labels over the columns, pixels that they take above, and beyond the right edge."""
    if names is None:
        return 0, 6.0, 8.0
    # A phone leaves about 270 pixels for the columns: lie flat only where every label fits there.
    if names.width + 4 <= min(44.0, 270 / max(n, 1)):
        return 0, names.size + 10.0, 8.0
    if n <= 12 and names.width <= 44:
        return -45, 0.72 * (names.width + names.size) + 8, max(8.0, 0.72 * names.width)
    return -90, names.width + 10, 8.0
