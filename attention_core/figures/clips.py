"""A clip with its masks, played in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from numpy.typing import ArrayLike

from .drawing import Drawing
from .layout import colour_scale, header, lay_out
from .maps import cell_hover, indices, pixel_axes
from .style import QUIET, TEXT, WEIGHT_SCALE, array, escaped, same_length, subtitle_of

_SIDE = 320  # pixels of the picture
_CONTROLS = 118  # pixels of buttons and slider below it


def clip_player(
    pictures: Sequence[str],
    masks: ArrayLike,
    *,
    side: int,
    names: Sequence[str],
    start: int = 0,
    opacity: float = 0.6,
    milliseconds: int = 250,
    title: str = "",
    value_name: str = "",
    play: str = "▶",
    pause: str = "❚❚",
    row_name: str = "y",
    column_name: str = "x",
) -> go.Figure:
    """Frame by frame: a picture with its mask above it, with a slider and a button to play and to stop.

    pictures      T data URIs of square pictures, `side` pixels each
    masks         (T, h, w) in 0…1; colours are fixed to 0…1 for all frames, the true range of each stands above it
    names         T names of the frames, beside the slider; start: the frame shown first, from 0
    milliseconds  that a frame stays, when playing
    """
    z = array(masks, 3, "masks")
    T, h, w = z.shape
    same_length("pictures", len(pictures), T)
    same_length("names", len(names), T)
    subtitles = [subtitle_of(value_name, mask) for mask in z]
    head = header(title, subtitles[start], below=4 + _SIDE + _CONTROLS)
    dx, dy = side / w, side / h
    drawing = Drawing()
    drawing.add(
        "heatmap",
        z=z[start],
        x0=-0.5 + dx / 2,
        dx=dx,
        y0=-0.5 + dy / 2,
        dy=dy,
        opacity=opacity,
        hovertemplate=cell_hover(row_name, column_name, value_name, "%{x}", "%{y}"),
        **colour_scale(0.0, 1.0, WEIGHT_SCALE, header=head),
    )
    lay_out(drawing, title=title, subtitle=subtitles[start], head=head, left=4, right=4, above=4, bottom=_CONTROLS)
    pixel_axes(drawing, (-0.5, side - 0.5), (side - 0.5, -0.5))
    # Not drawn; the hover label takes the cell's own row and column from them.
    drawing.x(**indices(w, dx))
    drawing.y(**indices(h, dy))
    heading = drawing.layout["title"]["text"]
    drawing.frames = [
        {
            "name": str(number),
            "data": [{"type": "heatmap", "z": mask}],
            "traces": [0],
            # The page sets titles in bold, but not those of frames.
            "layout": {
                "images": [_below(picture, side)],
                "title": {"text": f"<b>{heading.replace(subtitles[start], subtitle)}</b>"},
            },
        }
        for number, (picture, mask, subtitle) in enumerate(zip(pictures, z, subtitles, strict=True))
    ]
    drawing.lay(
        images=[_below(pictures[start], side)],
        sliders=[_slider(names, start)],
        updatemenus=[_buttons(play, pause, milliseconds)],
    )
    return drawing.figure()


def _below(picture: str, side: int) -> dict[str, Any]:
    """A picture under the mask. An image trace would load it anew for each frame, and frames would overtake it."""
    return {
        "source": picture, "xref": "x", "yref": "y", "x": -0.5, "y": -0.5, "sizex": side, "sizey": side,
        "sizing": "stretch", "layer": "below",
    }  # fmt: skip


def _animate(milliseconds: int) -> dict[str, Any]:
    # Pictures and heatmaps cannot be moved into each other: each frame is drawn anew.
    return {
        "mode": "immediate",
        "frame": {"duration": milliseconds, "redraw": True},
        "transition": {"duration": 0},
        "fromcurrent": True,
    }


def _slider(names: Sequence[str], start: int) -> dict[str, Any]:
    return {
        "active": start,
        "steps": [
            {"method": "animate", "label": escaped(name), "args": [[str(number)], _animate(0)]}
            for number, name in enumerate(names)
        ],
        "x": 0, "xanchor": "left", "len": _SIDE, "lenmode": "pixels", "y": -46 / _SIDE, "yanchor": "top",
        "pad": {"l": 0, "r": 0, "t": 0, "b": 0},
        "currentvalue": {"visible": True, "xanchor": "left", "offset": 6, "font": {"size": 13, "color": TEXT}},
        # Labels below the ticks would overlap: the current one stands above.
        "font": {"size": 1, "color": "rgba(0,0,0,0)"}, "ticklen": 0, "tickwidth": 0, "minorticklen": 0,
        "bgcolor": QUIET, "activebgcolor": TEXT, "bordercolor": QUIET, "borderwidth": 0,
    }  # fmt: skip


def _buttons(play: str, pause: str, milliseconds: int) -> dict[str, Any]:
    return {
        "type": "buttons", "direction": "left", "showactive": False,
        "x": 0, "xanchor": "left", "y": -6 / _SIDE, "yanchor": "top", "pad": {"l": 0, "t": 0},
        "bgcolor": "rgba(128,138,150,0.2)", "bordercolor": QUIET, "font": {"size": 14},
        "buttons": [
            {"label": play, "method": "animate", "args": [None, _animate(milliseconds)]},
            {"label": pause, "method": "animate", "args": [[None], _animate(0)]},
        ],
    }  # fmt: skip
