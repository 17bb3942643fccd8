"""What the cells of a matrix carry besides their colour: numbers, hover labels, points to click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .axes import Names
from .drawing import Drawing
from .style import FRAME, escaped, named, number


def print_numbers(drawing: Drawing, z: Any, dark: Any, digits: int) -> None:
    """Numbers in the cells: white ones on dark cells, near-black ones on light cells.

    Two heatmaps without colour, because one has one text colour only (and Plotly's automatic one is
    dark grey on mid-tones), and because a heatmap shrinks its text with its cells, a scatter does not.
    Both have text in every cell, blank or not, all as long as the longest: the size is made from that.
    NaN stays blank.
    """
    words = [[number(v, digits, plain=True) for v in row] for row in z.tolist()]
    there = ~np.isnan(z)
    blank = "\N{NO-BREAK SPACE}" * max((len(words[i][j]) for i, j in np.argwhere(there)), default=1)
    for where, colour in ((dark & there, "#ffffff"), (~dark & there, "#101418")):
        if where.any():
            drawing.add(
                "heatmap",
                z=z,
                text=[[words[i][j] if where[i, j] else blank for j in range(z.shape[1])] for i in range(len(z))],
                texttemplate="%{text}",
                textfont={"color": colour},
                colorscale=[[0, "rgba(0,0,0,0)"], [1, "rgba(0,0,0,0)"]],
                showscale=False,
                hoverinfo="skip",
                hoverongaps=False,
            )


def hover(
    rows: Sequence[str],
    columns: Sequence[str] | None,
    row_names: Names,
    column_names: Names | None,
    row_title: str,
    column_title: str,
) -> tuple[list[list[str]] | None, str]:
    """Hover text of the cells, and a template: from the axes' own names where these are spelled out.

    (On an axis with ticktext or labelalias %{x} gives that text; where names are shortened each cell
    carries its own.)
    """
    if row_names.spelled and (column_names is None or column_names.spelled):
        return None, named(row_title, "%{y}") + "<br>" + named(column_title, "%{x}")
    down = [named(row_title, escaped(r)) for r in rows]
    across = [named(column_title, escaped(c)) for c in columns] if columns is not None else None
    if across is None:
        return [[d] for d in down], "%{customdata[0]}<br>" + named(column_title, "%{x}")
    return [[f"{d}<br>{a}" for a in across] for d in down], "%{customdata}"


def add_click_points(drawing: Drawing, z: Any, names: list[list[str]] | None, template: str, value_name: str) -> None:
    """One invisible point a cell, row by row.

    Plotly takes the nearest centre, and calls all points whose markers cover the pointer equally near:
    markers that fill their cells overlap on a narrow screen and then give a neighbour.  So they are
    small, and `hoverdistance` reaches beyond half a cell.  maxdisplayed spares the browser the drawing;
    hovering and choosing go by the data.
    """
    n_rows, n_columns = z.shape
    # The smallest type that holds them: 256 tokens have 65 536 points.
    row, column = np.indices((n_rows, n_columns), dtype=np.uint8 if max(z.shape) <= 256 else np.int16)
    text = None
    if names is not None:
        text = [name for r in names for name in (r if len(r) == n_columns else r * n_columns)]
        template = template.replace("%{customdata}", "%{text}").replace("%{customdata[0]}", "%{text}")
    drawing.add(
        "scatter",
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
