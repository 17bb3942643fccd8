"""All heads of all layers in one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ..errors import ControlError, ShapeError
from .drawing import Drawing, Properties, frame
from .layout import colour_scale, header, lay_out
from .style import WEIGHT_SCALE, array, escaped, range_text, same_length, width_of

_NAME = 22  # pixels over a tile for its name
_AWAY = 3  # pixels from there to the tile
_MOST_CELLS = 10_000
_MOST_PIXELS = 96  # a tile's side on a wide screen: more cells than that could not be seen
UNSEEN: Properties = {
    "mode": "markers",
    # small: of overlapping markers Plotly would take the last, of small ones it takes the nearest centre
    "marker": {"size": 6, "symbol": "square", "opacity": 0, "maxdisplayed": 1},
    "selected": {"marker": {"opacity": 0}},
    "unselected": {"marker": {"opacity": 0}},
    "showlegend": False,
}


def heads_grid(
    layers: Sequence[NDArray[np.floating]],
    *,
    tokens: Sequence[str],
    layer_names: Sequence[str],
    head_names: Sequence[str],
    column_names: Sequence[str] | None = None,
    selected: tuple[int, int] | None = None,
    clickable: bool = True,
    columns: int | None = None,
    limits: Sequence[NDArray[np.floating]] | None = None,
    limit_name: str = "",
    title: str = "",
    value_name: str = "",
) -> go.Figure:
    """Every head's (T, T) weights as a tile of ONE heatmap, NaN between the tiles; colours fixed to 0…1.

    layers      per layer (H_l, T, T); layers may have different numbers of heads
    tokens      T;  layer_names: one a layer;  head_names: at least as many as the widest layer has heads
    column_names  shorter head names to stand over the columns, where no layer goes over several lines
    selected    (layer, head), framed
    clickable   invisible points with customdata [layer, head], the last trace: a click anywhere in a tile
                gives its tile.  Up to 10 000 cells each cell has a point, so that hovering names the two
                tokens and the weight; beyond, each tile has one (a cell is then a pixel or two).
    columns     most tiles side by side (None: all heads of a layer); a layer with more goes over several lines
    limits      per layer (H_l,), above 0: where the colours of each tile end, instead of at 1; limit_name: what
                stands at this end of the colour bar. Numbers stay as they are.

    Beyond 96 tokens a cell stands for b × b weights and shows the largest; `thinning` gives b.
    """
    stacks = [array(layer, 3, "layers") for layer in layers]
    if not stacks:
        raise ShapeError("figure.no_layers", "no layer came; at least 1 is needed", came=0, expected=1)
    T = len(tokens)
    for stack in stacks:
        same_length("tokens", T, stack.shape[1])
        same_length("tokens", T, stack.shape[2])
    same_length("layer_names", len(layer_names), len(stacks))
    most = max(len(stack) for stack in stacks)
    for name, given in (("head_names", head_names), ("column_names", column_names or head_names)):
        if len(given) < most:
            same_length(name, len(given), most)
    across = most if columns is None else min(columns, most)
    if across < 1:
        raise ControlError("figure.columns", f"columns is {columns}; at least 1 is needed", columns=columns)

    everything = np.concatenate([stack.ravel() for stack in stacks])
    stacks = [_thinned(stack, thinning(T)) for stack in stacks]
    if thinning(T) > 1:
        tokens = [f"{tokens[at]} … {tokens[min(at + thinning(T), T) - 1]}" for at in range(0, T, thinning(T))]
    whole, T = len(tokens) == T, len(tokens)

    # Tile geometry, in pixels at full width and then in whole cells.
    tile = float(np.clip(800 / across, 56, 96))
    gap = max(1, round(T * 8 / tile))
    over = max(1, round(T * _NAME / tile))
    wrapped = across < most
    lines = [(layer, first) for layer, stack in enumerate(stacks) for first in range(0, max(1, len(stack)), across)]
    width = across * T + (across - 1) * gap
    between = over if wrapped else gap  # heads keep their columns where no layer wraps: then one row of names will do
    height = over + len(lines) * T + (len(lines) - 1) * between
    z = np.full((height, width), np.nan, dtype=np.result_type(*stacks))
    ends = np.ones_like(z)  # where the colours of a cell's tile end
    at: dict[tuple[int, int], tuple[int, int]] = {}  # (layer, head) -> top row, left column
    for line, (layer, first) in enumerate(lines):
        top = over + line * (T + between)
        for head in range(first, min(first + across, len(stacks[layer]))):
            left = (head - first) * (T + gap)
            at[layer, head] = (top, left)
            z[top : top + T, left : left + T] = stacks[layer][head]
            if limits is not None:
                ends[top : top + T, left : left + T] = limits[layer][head]

    words = {k: f"{escaped(layer_names[k[0]])} · {escaped(head_names[k[1]])}" for k in at}
    subtitle = f"{value_name}: {range_text(everything)}" if value_name else range_text(everything)
    head_ = header(title, subtitle, below=height * tile / T + 6)
    drawing = Drawing()
    drawing.add(
        "heatmap",
        z=z / ends,
        customdata=None if limits is None else z,
        hovertemplate=f"%{{y}} → %{{x}}<br>%{{{'z' if limits is None else 'customdata'}:.4f}}<extra></extra>",
        hoverongaps=False,
        **colour_scale(0.0, 1.0, WEIGHT_SCALE, header=head_),
    )
    if limits is not None:
        drawing.traces[0]["colorbar"]["ticktext"] = ["0", "", limit_name]
    keys = list(at)
    if wrapped:
        named = [(head_names[h], at[layer, h][1], at[layer, h][0]) for layer, h in keys]
    else:
        named = [((column_names or head_names)[h], h * (T + gap), over) for h in range(across)]
    side = [
        (layer, over + line * (T + between) - 0.5 + T / 2) for line, (layer, first) in enumerate(lines) if first == 0
    ]
    drawing.add(
        "scatter",
        x=[left - 0.5 + T / 2 for _, left, _ in named] + [-0.5] * len(side),
        y=[top - 0.5 - _AWAY * T / tile for _, _, top in named] + [y for _, y in side],
        text=[escaped(name) for name, _, _ in named] + [escaped(layer_names[i]) + " " for i, _ in side],
        textposition=["top center"] * len(named) + ["middle left"] * len(side),
        textfont={"size": 11 if across <= 4 else 10},
        mode="text",
        hoverinfo="skip",
        cliponaxis=False,
        showlegend=False,
    )
    points_of_cells = clickable and whole and everything.size <= _MOST_CELLS
    if clickable:
        points = _cell_points(at, z, T, head_names) if points_of_cells else _tile_points(at, T, words)
        drawing.add("scatter", **points, **UNSEEN)
    lay_out(
        drawing,
        title=title,
        subtitle=subtitle,
        head=head_,
        left=max(width_of(name) for name in layer_names) + 12,
        right=8,
        above=0,
        bottom=6,
    )
    # Labels that are not drawn: %{x} and %{y} of the hover label take their words from them.
    x_words = [""] * width
    y_words = [""] * height
    spelled = [escaped(t) for t in tokens]
    for (layer, head), (top, left) in at.items():
        # Wrapped layers put several heads into one column: then only the title over the tile tells.
        own = "" if points_of_cells or wrapped else f" · {escaped(head_names[head])}"
        x_words[left : left + T] = [w + own for w in spelled]
        y_words[top : top + T] = [f"{escaped(layer_names[layer])} · {w}" for w in spelled]
    drawing.x(
        range=[-0.5, width - 0.5], constrain="domain", constraintoward="left",
        showticklabels=False, tickmode="array", tickvals=list(range(width)), ticktext=x_words,
    )  # fmt: skip
    drawing.y(
        range=[height - 0.5, -0.5], constrain="domain", constraintoward="top", scaleanchor="x", scaleratio=1,
        showticklabels=False, tickmode="array", tickvals=list(range(height)), ticktext=y_words,
    )  # fmt: skip
    if selected is not None:
        if selected not in at:
            raise ControlError("figure.selected", f"there is no tile {selected}", selected=selected)
        top, left = at[selected]
        drawing.mark(frame(left - 0.5, top - 0.5, left + T - 0.5, top + T - 0.5))
    if clickable:
        drawing.lay(clickmode="event+select", hoverdistance=round(0.75 * tile))
    return drawing.figure()


def thinning(tokens: int) -> int:
    """How many tokens stand side by side in one cell of a tile of `heads_grid`: 1 up to 96 tokens."""
    return -(-tokens // _MOST_PIXELS)


def _thinned(stack: NDArray[np.floating], block: int) -> NDArray[np.floating]:
    """(H, T, T) → (H, ⌈T/block⌉, ⌈T/block⌉), the largest of each block: a lone high weight must not get lost."""
    if block == 1:
        return stack
    starts = np.arange(0, stack.shape[1], block)
    thinned: NDArray[np.floating] = np.maximum.reduceat(np.maximum.reduceat(stack, starts, axis=1), starts, axis=2)
    return thinned


def _tile_points(at: dict[tuple[int, int], tuple[int, int]], T: int, words: dict[tuple[int, int], str]) -> Properties:
    """One point in the middle of each tile."""
    return {
        "x": [left - 0.5 + T / 2 for _, left in at.values()],
        "y": [top - 0.5 + T / 2 for top, _ in at.values()],
        "customdata": [list(k) for k in at],
        "text": [words[k] for k in at],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _cell_points(
    at: dict[tuple[int, int], tuple[int, int]], z: NDArray[np.floating], T: int, head_names: Sequence[str]
) -> Properties:
    """One point in each cell; customdata is the tile's [layer, head] all the same.

    (A point takes the hover away from the heatmap beneath it, so it has to say what the cell would.)
    """
    row, column = (i.ravel() for i in np.indices((T, T), dtype=np.int32))
    text: list[str] = []
    for (_, head), (top, left) in at.items():
        name = escaped(head_names[head])
        text += [f"{name}<br>{v:.4f}" for v in z[top : top + T, left : left + T].ravel().tolist()]
    return {
        "x": np.concatenate([left + column for _, left in at.values()]),
        "y": np.concatenate([top + row for top, _ in at.values()]),
        # lists, not an array: the rows of a typed array come back from the browser as {"0": 1, "1": 2}
        "customdata": [point for key in at for point in [list(key)] * (T * T)],  # one list a tile: thousands would cost
        "text": text,
        "hovertemplate": "%{y} → %{x}<br>%{text}<extra></extra>",
    }
