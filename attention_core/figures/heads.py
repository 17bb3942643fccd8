"""All heads of all layers in one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ..errors import ControlError, ShapeError
from .matrices import frame
from .style import WEIGHT_SCALE, array, colour_scale, escaped, header, lay_out, range_text, same_length, width_of

_NAME = 17  # pixels over a tile for its name


def heads_grid(
    layers: Sequence[NDArray[np.floating]],
    *,
    tokens: Sequence[str],
    layer_names: Sequence[str],
    head_names: Sequence[str],
    selected: tuple[int, int] | None = None,
    clickable: bool = True,
    columns: int | None = None,
    title: str = "",
    value_name: str = "",
) -> go.Figure:
    """Every head's (T, T) weights as a tile of ONE heatmap, NaN between the tiles; colours fixed to 0…1.

    layers      per layer (H_l, T, T); layers may have different numbers of heads
    tokens      T;  layer_names: one a layer;  head_names: at least as many as the widest layer has heads
    selected    (layer, head), framed
    clickable   adds one invisible point a tile with customdata [layer, head] (trace 2, after heatmap and names)
    columns     most tiles side by side (None: all heads of a layer); a layer with more goes over several lines
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
    if len(head_names) < most:
        same_length("head_names", len(head_names), most)
    across = most if columns is None else min(columns, most)
    if across < 1:
        raise ControlError("figure.columns", f"columns is {columns}; at least 1 is needed", columns=columns)

    # Tile geometry, in pixels at full width and then in whole cells.
    tile = float(np.clip(900 / across, 56, 110))
    gap = max(1, round(T * 8 / tile))
    over = max(1, round(T * _NAME / tile))
    lines = [(layer, first) for layer, stack in enumerate(stacks) for first in range(0, max(1, len(stack)), across)]
    width = across * T + (across - 1) * gap
    height = len(lines) * (T + over)
    z = np.full((height, width), np.nan, dtype=np.result_type(*stacks))
    at: dict[tuple[int, int], tuple[int, int]] = {}  # (layer, head) -> top row, left column
    for line, (layer, first) in enumerate(lines):
        top = line * (T + over) + over
        for head in range(first, min(first + across, len(stacks[layer]))):
            left = (head - first) * (T + gap)
            at[layer, head] = (top, left)
            z[top : top + T, left : left + T] = stacks[layer][head]

    everything = np.concatenate([stack.ravel() for stack in stacks])
    subtitle = f"{value_name}: {range_text(everything)}" if value_name else range_text(everything)
    head_ = header(title, subtitle, below=height * tile / T + 6)
    fig = go.Figure(
        go.Heatmap(
            z=z,
            hovertemplate="%{y}<br>%{x}<br>%{z:.4f}<extra></extra>",
            hoverongaps=False,
            **colour_scale(0.0, 1.0, WEIGHT_SCALE, header=head_),
        )
    )
    keys = list(at)
    names_x = [at[k][1] - 0.5 + T / 2 for k in keys]
    names_y = [at[k][0] - 0.5 for k in keys]
    side = [(layer, line * (T + over) + over - 0.5 + T / 2) for line, (layer, first) in enumerate(lines) if first == 0]
    fig.add_trace(
        go.Scatter(
            x=names_x + [-0.5] * len(side),
            y=names_y + [y for _, y in side],
            text=[escaped(head_names[h]) for _, h in keys] + [escaped(layer_names[i]) + " " for i, _ in side],
            textposition=["top center"] * len(keys) + ["middle left"] * len(side),
            textfont={"size": 11 if across <= 8 else 10},
            mode="text",
            hoverinfo="skip",
            cliponaxis=False,
            showlegend=False,
        )
    )
    if clickable:
        fig.add_trace(
            go.Scatter(
                x=names_x,
                y=[top - 0.5 + T / 2 for top, _ in at.values()],
                customdata=[list(k) for k in keys],
                text=[f"{escaped(layer_names[i])}<br>{escaped(head_names[h])}" for i, h in keys],
                hovertemplate="%{text}<extra></extra>",
                mode="markers",
                marker={"size": 6, "symbol": "square", "opacity": 0},
                selected={"marker": {"opacity": 0}},
                unselected={"marker": {"opacity": 0}},
                showlegend=False,
            )
        )
    lay_out(
        fig,
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
    words = [escaped(t) for t in tokens]
    for (layer, head), (top, left) in at.items():
        x_words[left : left + T] = [f"{escaped(head_names[head])} · → {w}" for w in words] if columns is None else words
        y_words[top : top + T] = [f"{escaped(layer_names[layer])} · {w}" for w in words]
    fig.update_xaxes(
        range=[-0.5, width - 0.5], constrain="domain", constraintoward="left",
        showticklabels=False, tickmode="array", tickvals=list(range(width)), ticktext=x_words,
    )  # fmt: skip
    fig.update_yaxes(
        range=[height - 0.5, -0.5], constrain="domain", constraintoward="top", scaleanchor="x", scaleratio=1,
        showticklabels=False, tickmode="array", tickvals=list(range(height)), ticktext=y_words,
    )  # fmt: skip
    if selected is not None:
        if selected not in at:
            raise ControlError("figure.selected", f"there is no tile {selected}", selected=selected)
        top, left = at[selected]
        fig.update_layout(shapes=[frame(left - 0.5, top - 0.5, left + T - 0.5, top + T - 0.5)])
    if clickable:
        fig.update_layout(clickmode="event+select", hoverdistance=round(0.75 * tile))
    return fig
