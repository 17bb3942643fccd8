"""One number a head: layers by heads in one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ..errors import ControlError, ShapeError
from .drawing import frame
from .heads import UNSEEN
from .matrices import Words, cell_side, grid
from .style import MapKind, array, escaped, named, number, same_length


def head_map(
    values: Sequence[ArrayLike],
    *,
    layer_names: Sequence[str],
    head_names: Sequence[str],
    layer_title: str = "",
    head_title: str = "",
    value_name: str = "",
    title: str = "",
    kind: MapKind = "signed",
    limit: float | None = None,
    digits: int = 2,
    selected: tuple[int, int] | None = None,
    clickable: bool = True,
) -> go.Figure:
    """A number for each head: a row a layer, a column a head.

    values      per layer (H_l,); layers may have different numbers of heads, and what does not exist stays empty
    layer_names one a layer;  head_names: at least as many as the widest layer has heads
    kind        "signed": -limit…limit, white is 0; "weight": 0…1; "activation": 0…limit
    limit       None: the largest |value|
    digits      decimals of the numbers in the cells
    selected    (layer, head), framed
    clickable   an invisible point in each cell with customdata [layer, head], the last trace, as in `heads_grid`
    """
    rows = [array(layer, 1, "values") for layer in values]
    if not rows:
        raise ShapeError("figure.no_layers", "no layer came; at least 1 is needed", came=0, expected=1)
    most = max(len(row) for row in rows)
    if len(head_names) < most:
        same_length("head_names", len(head_names), most)
    z = np.full((len(rows), most), np.nan, dtype=np.result_type(*rows))
    for layer, row in enumerate(rows):
        z[layer, : len(row)] = row
    side = cell_side(max(z.shape))
    drawing = grid(
        z,
        Words(title, layer_title, head_title, value_name),
        rows=layer_names,
        columns=head_names[:most],
        kind=kind,
        limit=limit,
        highlight_row=None,
        digits=digits,
        show_values=True,
        square=True,
        cell=side,
    )
    heads = [(layer, head) for layer, row in enumerate(rows) for head in range(len(row))]
    if selected is not None:
        if selected not in heads:
            raise ControlError("figure.selected", f"there is no head {selected}", selected=selected)
        layer, head = selected
        drawing.mark(frame(head - 0.5, layer - 0.5, head + 0.5, layer + 0.5))
    if clickable:
        for cells in drawing.traces:  # the points say it, and a cell has one label
            cells |= {"hoverinfo": "skip", "hovertemplate": None}
        drawing.add(
            "scatter",
            x=[head for _, head in heads],
            y=[layer for layer, _ in heads],
            customdata=[list(head) for head in heads],
            text=[
                f"{named(layer_title, escaped(layer_names[layer]))}<br>"
                f"{named(head_title, escaped(head_names[head]))}<br>"
                f"{named(value_name, number(float(rows[layer][head]), 4))}"
                for layer, head in heads
            ],
            hovertemplate="%{text}<extra></extra>",
            **UNSEEN,
        )
        # Less than a cell, so that a click on an empty place takes no neighbour.
        drawing.lay(clickmode="event+select", hoverdistance=round(0.75 * side))
    return drawing.figure()
