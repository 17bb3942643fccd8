"""The frame of every figure: template, header, colour bar and margins.

A figure here is drawn on a transparent ground and takes its text colour from the template, because the
page may turn from light to dark without Python hearing of it.  Header (title, true range, colour bar)
is measured in pixels from the top, so that nothing moves when the browser finds out how wide it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .drawing import Drawing
from .style import COLOURS, FONT, TEXT, Scale, number

_AXIS: dict[str, Any] = {
    "showgrid": False,
    "zeroline": False,
    "showline": False,
    "ticks": "",
    "automargin": False,
    "ticklabelstandoff": 4,
    "title": {"standoff": 4, "font": {"size": 12}},
    "tickfont": {"size": 12},
}
TEMPLATE: dict[str, Any] = {
    "layout": {
        "font": {"family": FONT, "size": 12, "color": TEXT},
        "title": {"font": {"size": 15, "color": TEXT}},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(COLOURS.values()),
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "hoverlabel": {"font": {"family": FONT, "size": 13}},
    }
}


def colour_scale(low: float, high: float, scale: Scale, *, header: Header) -> dict[str, Any]:
    """zmin, zmax, colours and a horizontal colour bar under the title, for any heatmap."""
    middle = (low + high) / 2
    vals = [low, middle, high]
    digits = 2 if high - low >= 0.1 else 3 if high - low >= 0.01 else 4
    text = [_short_number(v, digits) for v in vals]
    return {
        "zmin": low,
        "zmax": high,
        "colorscale": [list(stop) for stop in scale],
        "showscale": True,
        "colorbar": {
            "orientation": "h",
            "thickness": 9,
            "thicknessmode": "pixels",
            "len": 190,
            "lenmode": "pixels",
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "xpad": 20,
            "y": 1 - header.bar_top / header.height,
            "yref": "container",
            "yanchor": "top",
            "ypad": 0,
            "outlinewidth": 0,
            "ticks": "",
            "tickvals": vals,
            "ticktext": text,
            "tickfont": {"size": 11},
        },
    }


def _short_number(value: float, digits: int) -> str:
    text = number(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


@dataclass(frozen=True)
class Header:
    """Pixels: how high the whole figure is, where the colour bar starts, where the picture may begin."""

    height: float
    bar_top: float
    bottom: float


def header(title: str, subtitle: str, *, below: float, bar: bool = True) -> Header:
    """Room for title, range and colour bar, above `below` pixels of picture (its own labels included)."""
    top = 6.0 + (20 if title else 0) + (20 if subtitle else 0)
    bar_top = top + 4
    if bar:
        top += 4 + 9 + 20
    return Header(height=top + below, bar_top=bar_top, bottom=top)


def lay_out(
    drawing: Drawing,
    *,
    title: str,
    subtitle: str,
    head: Header,
    left: float,
    right: float,
    above: float,
    bottom: float,
    title_colour: str | None = None,
) -> None:
    """Template, header and margins; `above` are the pixels between the header and the plot (its top labels)."""
    # One text of two lines: Plotly's own subtitle moves with the page's theme, into the colour bar.
    small = f'<span style="font-size:12px;font-weight:normal">{subtitle}</span>' if subtitle else ""
    text = "<br>".join(part for part in (title, small) if part)
    heading: dict[str, Any] = {
        "text": text,
        "x": 0,
        "xref": "container",
        "xanchor": "left",
        # Plotly 3 puts the first baseline of two lines at y, whatever yanchor says; one line hangs from y.
        "y": 1 - (20 if title and subtitle else 6) / head.height,
        "yref": "container",
        "yanchor": "top",
        "pad": {"l": 4, "t": 0, "b": 0, "r": 0},
        "font": {"size": 15},
        "automargin": False,
    }
    if title and title_colour:
        heading["font"]["color"] = title_colour
    drawing.lay(
        template=TEMPLATE,
        title=heading,
        height=round(head.height),
        margin={"l": left, "r": right, "t": head.bottom + above, "b": bottom, "pad": 0, "autoexpand": False},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 12},
        dragmode=False,
        hovermode="closest",
        showlegend=False,
    )
    drawing.x(fixedrange=True, showgrid=False, zeroline=False, automargin=False)
    drawing.y(fixedrange=True, showgrid=False, zeroline=False, automargin=False)
