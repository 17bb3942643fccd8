"""Maps over space: one, several on one scale, and a mask over the photo that it belongs to."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from ..errors import ControlError, ShapeError
from .drawing import Drawing, Properties
from .layout import colour_scale, header, lay_out
from .style import WEIGHT_SCALE, MapKind, array, bounds, escaped, named, same_length, shortened, subtitle_of, width_of

_SIDE = 320  # pixels of the longer side of a single map


def spatial_map(
    values: ArrayLike,
    *,
    kind: MapKind,
    limit: float | None = None,
    title: str = "",
    value_name: str = "",
    row_name: str = "y",
    column_name: str = "x",
) -> go.Figure:
    """One (H, W) map with square pixels, first row on top; scale as in `matrix`, or "activation": 0…limit."""
    z = array(values, 2)
    H, W = z.shape
    low, high, scale = bounds(z, kind, limit)
    subtitle = subtitle_of(value_name, z)
    head = header(title, subtitle, below=_SIDE * H / max(H, W) + 10)
    drawing = Drawing()
    drawing.add(
        "heatmap",
        z=z,
        hoverongaps=False,
        hovertemplate=cell_hover(row_name, column_name, value_name, "%{x}", "%{y}"),
        **colour_scale(low, high, scale, header=head),
    )
    lay_out(drawing, title=title, subtitle=subtitle, head=head, left=4, right=4, above=4, bottom=6)
    pixel_axes(drawing, (-0.5, W - 0.5), (H - 0.5, -0.5))
    return drawing.figure()


def map_grid(
    maps: Sequence[ArrayLike],
    *,
    titles: Sequence[str],
    kind: MapKind,
    limit: float | None = None,
    photo: NDArray[np.uint8] | None = None,
    opacity: float = 0.6,
    columns: int = 4,
    row_titles: Sequence[str] | None = None,
    title: str = "",
    value_name: str = "",
    row_name: str = "y",
    column_name: str = "x",
) -> go.Figure:
    """Several maps on ONE scale, as tiles of one heatmap with NaN between them, a small title over each.

    maps        each (H, W); a smaller map is drawn with larger pixels where its size divides the largest
    titles      one a map;  row_titles: one a line of tiles, left of it
    limit       None: the largest |value| of all maps
    photo       (S, S, 3) uint8, under every map, which then has this `opacity`; a map of NaN leaves it bare
    """
    arrays = [array(m, 2, "maps") for m in maps]
    if not arrays:
        raise ShapeError("figure.no_maps", "no map came; at least 1 is needed", came=0, expected=1)
    if columns < 1:
        raise ControlError("figure.columns", f"columns is {columns}; at least 1 is needed", columns=columns)
    same_length("titles", len(titles), len(arrays))
    H, W = max(a.shape[0] for a in arrays), max(a.shape[1] for a in arrays)
    for a in arrays:
        if H % a.shape[0] or W % a.shape[1]:
            raise ShapeError(
                "figure.map_sizes", f"a map of {a.shape} does not divide the largest, {(H, W)}", came=a.shape,
                expected=(H, W),
            )  # fmt: skip
    across = min(columns, len(arrays))
    lines = -(-len(arrays) // across)
    if row_titles is not None:
        same_length("row_titles", len(row_titles), lines)
    tile = float(np.clip(760 / across, 80, 190))  # pixels across one tile at full width
    unit = W / tile  # cells a pixel
    gap, over = max(1, round(10 * unit)), max(1, round(36 * unit))
    width, height = across * W + (across - 1) * gap, lines * (H + over)
    z = np.full((height, width), np.nan, dtype=np.result_type(*arrays))
    x_words, y_words = [""] * width, [""] * height
    spots: list[tuple[int, int]] = []
    for i, a in enumerate(arrays):
        line, place = divmod(i, across)
        top, left = line * (H + over) + over, place * (W + gap)
        spots.append((top, left))
        z[top : top + H, left : left + W] = a.repeat(H // a.shape[0], axis=0).repeat(W // a.shape[1], axis=1)
        x_words[left : left + W] = [str(x * a.shape[1] // W) for x in range(W)]
        y_words[top : top + H] = [str(y * a.shape[0] // H) for y in range(H)]

    everything = np.concatenate([a.ravel() for a in arrays])
    low, high, scale = bounds(everything, kind, limit)
    subtitle = subtitle_of(value_name, everything)
    head = header(title, subtitle, below=height / unit + 8)
    drawing = Drawing()
    if photo is not None:
        _add_photos(drawing, photo, spots, (H, W))
    drawing.add(
        "heatmap",
        z=z,
        opacity=None if photo is None else opacity,
        hoverongaps=False,
        hovertemplate=cell_hover(row_name, column_name, value_name, "%{x}", "%{y}"),
        **colour_scale(low, high, scale, header=head),
    )
    side = [] if row_titles is None else [escaped(shortened(t, 90)) + " " for t in row_titles]
    drawing.add(
        "scatter",
        x=[left - 0.5 + W / 2 for _, left in spots] + [-0.5] * len(side),
        y=[top - 0.5 for top, _ in spots] + [i * (H + over) + over - 0.5 + H / 2 for i in range(len(side))],
        text=[escaped(t) for t in titles] + side,
        textposition=["top center"] * len(spots) + ["middle left"] * len(side),
        textfont={"size": 11},
        mode="text",
        hoverinfo="skip",
        cliponaxis=False,
    )
    left_room = max((width_of(s) for s in side), default=-4.0) + 8
    lay_out(drawing, title=title, subtitle=subtitle, head=head, left=left_room, right=4, above=0, bottom=6)
    pixel_axes(drawing, (-0.5, width - 0.5), (height - 0.5, -0.5))
    # Not drawn; %{x} and %{y} of the hover label take the place inside the tile from them.
    drawing.x(tickmode="array", tickvals=list(range(width)), ticktext=x_words)
    drawing.y(tickmode="array", tickvals=list(range(height)), ticktext=y_words)
    return drawing.figure()


def _add_photos(
    drawing: Drawing, photo: NDArray[np.uint8], spots: list[tuple[int, int]], size: tuple[int, int]
) -> None:
    """The photo in each tile of a grid: (top, left) of each in `spots`, all of one size."""
    check_photo(photo)
    (rows, columns), (H, W) = photo.shape[:2], size
    dx, dy = W / columns, H / rows
    source = png(photo)
    for top, left in spots:
        place = {"x0": left - 0.5 + dx / 2, "dx": dx, "y0": top - 0.5 + dy / 2, "dy": dy}
        drawing.add("image", source=source, hoverinfo="skip", **place)


def mask_over_photo(
    photo: NDArray[np.uint8],
    mask: ArrayLike,
    *,
    opacity: float = 0.6,
    stretch: bool = False,
    title: str = "",
    value_name: str = "",
    stretched_note: str = "",
    row_name: str = "y",
    column_name: str = "x",
) -> go.Figure:
    """The photo with the mask above it, cell borders exactly on the photo's borders.

    photo     (S, S, 3) uint8;  mask: (h, w) in 0…1 at its own resolution
    stretch   colours from the mask's minimum to its maximum; `stretched_note` then stands beside the range.
              Otherwise colours are fixed to 0…1, and a flat mask looks flat.
    """
    check_photo(photo)
    z = array(mask, 2, "mask")
    (H, W), (h, w) = photo.shape[:2], z.shape
    low, high = 0.0, 1.0
    if stretch and np.isfinite(z).any():
        low, high = float(np.nanmin(z)), float(np.nanmax(z))
        if low == high:
            low, high = low - 0.5, high + 0.5
    subtitle = subtitle_of(value_name, z)
    if stretch and stretched_note:
        subtitle += f" · {stretched_note}"
    head = header(title, subtitle, below=_SIDE * H / max(H, W) + 10)
    # Pixel i of the photo covers i - 0.5 … i + 0.5, so the photo reaches from -0.5 to W - 0.5.
    dx, dy = W / w, H / h
    drawing = Drawing()
    drawing.add("image", source=png(photo), x0=0, dx=1, y0=0, dy=1, hoverinfo="skip")
    drawing.add(
        "heatmap",
        z=z,
        x0=-0.5 + dx / 2,
        dx=dx,
        y0=-0.5 + dy / 2,
        dy=dy,
        opacity=opacity,
        hoverongaps=False,
        hovertemplate=cell_hover(row_name, column_name, value_name, "%{x}", "%{y}"),
        **colour_scale(low, high, WEIGHT_SCALE, header=head),
    )
    lay_out(drawing, title=title, subtitle=subtitle, head=head, left=4, right=4, above=4, bottom=6)
    pixel_axes(drawing, (-0.5, W - 0.5), (H - 0.5, -0.5))
    # Not drawn; the hover label takes the cell's own row and column from them.
    drawing.x(**indices(w, dx))
    drawing.y(**indices(h, dy))
    return drawing.figure()


def check_photo(photo: NDArray[np.uint8]) -> None:
    """Raise ShapeError unless it is uint8 (H, W, 3)."""
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
        raise ShapeError(
            "figure.photo", f"photo is {photo.dtype} {photo.shape}; uint8 (S, S, 3) is needed", came=photo.shape
        )


def cell_hover(row_name: str, column_name: str, value_name: str, x: str, y: str) -> str:
    """Hover template of a cell: where it is, and its value."""
    return f"{row_name} {y}, {column_name} {x}<br>{named(value_name, '%{z:.4f}')}<extra></extra>"


def pixel_axes(drawing: Drawing, x: tuple[float, float], y: tuple[float, float]) -> None:
    """Square pixels, row 0 on top, packed to the top left, no labels."""
    drawing.x(range=list(x), constrain="domain", constraintoward="left", showticklabels=False)
    drawing.y(
        range=list(y), constrain="domain", constraintoward="top", scaleanchor="x", scaleratio=1, showticklabels=False
    )


def indices(n: int, step: float) -> Properties:
    """Of an axis in pixels: the numbers of `n` cells, each `step` pixels wide, in their middles."""
    middles = [-0.5 + step * (i + 0.5) for i in range(n)]
    return {"tickmode": "array", "tickvals": middles, "ticktext": [str(i) for i in range(n)]}


def png(photo: NDArray[np.uint8]) -> str:
    """The photo as a PNG data URI, loss-free."""
    H, W, _ = photo.shape
    return _png(photo.tobytes(), H, W)


@lru_cache(maxsize=16)  # one photo lies under several pictures of a page, and under them again at each click
def _png(pixels: bytes, H: int, W: int) -> str:
    # Each line opens with its filter: 2, "up", each number less the one above it: photos get smaller so.
    lines = np.full((H, 1 + 3 * W), 2, dtype=np.uint8)
    photo = np.frombuffer(pixels, dtype=np.uint8).reshape(H, 3 * W)
    lines[0, 1:] = photo[0]
    np.subtract(photo[1:], photo[:-1], out=lines[1:, 1:])

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    start = struct.pack(">IIBBBBB", W, H, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", start) + chunk(b"IDAT", zlib.compress(lines.tobytes(), 3)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode("ascii")
