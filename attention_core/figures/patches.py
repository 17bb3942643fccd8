"""A photo cut into patches, as a vision transformer sees it, bare or with a number for each patch over it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from .drawing import Drawing, frame
from .heads import UNSEEN
from .layout import colour_scale, header, lay_out
from .maps import check_photo, pixel_axes, png
from .style import QUIET, MapKind, array, bounds, named, number, same_length, subtitle_of

SIDE = 320  # pixels of the longer side
_LINE = 0.5  # pixels


def photo_patches(
    photo: NDArray[np.uint8],
    grid: tuple[int, int],
    *,
    values: ArrayLike | None = None,
    kind: MapKind = "activation",
    limit: float | None = None,
    opacity: float = 0.7,
    selected: int | None = None,
    title: str = "",
    value_name: str = "",
    row_name: str = "y",
    column_name: str = "x",
) -> go.Figure:
    """The photo with lines between its patches; a click anywhere in a patch gives its index as `customdata`.

    photo     (S, S, 3) uint8
    grid      rows, columns of patches; patch i lies in row i // columns
    values    (patches,), over the photo with this `opacity`; scale as in `spatial_map`; None: the photo is bare
    selected  index of a patch, framed
    """
    check_photo(photo)
    rows, columns = grid
    z = None
    if values is not None:
        flat = array(values, 1, "values")
        same_length("values", len(flat), rows * columns)
        z = flat.reshape(grid)
    H, W = photo.shape[:2]
    # In units of a patch: patch (r, c) covers c - 0.5 … c + 0.5 and r - 0.5 … r + 0.5.
    dx, dy = columns / W, rows / H
    drawing = Drawing()
    drawing.add("image", source=png(photo), x0=-0.5 + dx / 2, dx=dx, y0=-0.5 + dy / 2, dy=dy, hoverinfo="skip")
    subtitle = "" if z is None else subtitle_of(value_name, z)
    head = header(title, subtitle, below=SIDE * rows / max(rows, columns) + 10, bar=z is not None)
    if z is not None:
        scale = colour_scale(*bounds(z, kind, limit), header=head)
        drawing.add("heatmap", z=z, opacity=opacity, hoverinfo="skip", **scale)
    places = [divmod(patch, columns) for patch in range(rows * columns)]
    words = [f"{row_name} {row}, {column_name} {column}" for row, column in places]
    if z is not None:
        shown = zip(words, z.ravel().tolist(), strict=True)
        words = [f"{word}<br>{named(value_name, number(value, 4))}" for word, value in shown]
    drawing.add(
        "scatter",
        x=[column for _, column in places],
        y=[row for row, _ in places],
        customdata=[[patch] for patch in range(rows * columns)],
        text=words,
        hovertemplate="%{text}<extra></extra>",
        **UNSEEN,
    )
    lay_out(drawing, title=title, subtitle=subtitle, head=head, left=4, right=4, above=4, bottom=6)
    pixel_axes(drawing, (-0.5, columns - 0.5), (rows - 0.5, -0.5))
    line = {"color": QUIET, "width": _LINE}
    lines = [
        *({"type": "line", "x0": at, "x1": at, "y0": -0.5, "y1": rows - 0.5} for at in np.arange(0.5, columns - 1)),
        *({"type": "line", "y0": at, "y1": at, "x0": -0.5, "x1": columns - 0.5} for at in np.arange(0.5, rows - 1)),
    ]
    if z is None:
        drawing.mark(*({**each, "line": line} for each in lines))
    if selected is not None:
        row, column = divmod(selected, columns)
        drawing.mark(frame(column - 0.5, row - 0.5, column + 0.5, row + 0.5, width=2.5))
    drawing.lay(clickmode="event+select", hoverdistance=round(0.75 * SIDE / max(rows, columns)))
    return drawing.figure()
