"""Bars: one a channel, one a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ..errors import ControlError
from .drawing import Drawing, level
from .layout import Header, header, lay_out
from .style import COLOURS, FRAME, QUIET, Quantity, array, escaped, named, range_text, same_length, shortened, width_of

_TALLEST = 660  # pixels of many bars one above the other
LINED = 40  # channels
SHADE = "rgba(120, 130, 142, 0.55)"  # on light and dark pages, and over bars


def channel_bars(
    values: ArrayLike,
    *,
    order: Literal["index", "sorted", "top"] = "index",
    top: int = 10,
    limits: tuple[float, float] | None = (0.0, 1.0),
    quantity: Quantity = "channel",
    value_name: str = "",
    channel_name: str = "",
    baseline: float | None = None,
    title: str = "",
    second: ArrayLike | None = None,
    names: tuple[str, str] | None = None,
    band: tuple[ArrayLike, ArrayLike] | None = None,
    band_name: str = "",
) -> go.Figure:
    """One bar a channel.

    values    (C,);  second: (C,) beside them, with `names` of the two in the legend, as a stepped line where more than
              LINED channels leave no room for two bars each
    order     "index" as they come, "sorted" strongest first, "top" the `top` strongest and `top` weakest;
              a bar's customdata is its channel number in every order (from 0, as in the arrays)
    limits    of the value axis; None: what the values need, 0 always included
    baseline  a thin level line
    band      lowest and highest usual value of each channel, (C,) each, shaded over the bars; a bar whose end lies
              outside stands out
    """
    v = array(values, 1)
    series = [v]
    if second is not None:
        other = array(second, 1, "second")
        same_length("second", len(other), len(v))
        series.append(other)
    channels, x = _order(v, order, top)
    C = len(channels)
    everything = np.stack(series)
    low, high = limits if limits is not None else _limits(everything, baseline)
    subtitle = _subtitle(series, names, value_name)
    head = header(title, subtitle, below=270 + (24 if second is not None else 0), bar=False)
    drawing = Drawing()
    colours = [COLOURS[quantity], COLOURS["key"] if quantity == "channel" else COLOURS["embedding"]]
    usual = None if band is None else [array(end, 1, "band")[channels] for end in band]
    for i, s in enumerate(series):
        name = escaped(names[i]) if names is not None else value_name
        lined = i == 1 and C > LINED
        drawing.add(
            "scatter" if lined else "bar",
            x=x,
            y=s[channels],
            customdata=channels,
            name=name,
            **_stroke(colours[i]) if lined else {"marker": _fill(colours[i], v[channels], usual)},
            hovertemplate=f"{channel_name} %{{customdata}}<br>{named(name, '%{y:.4f}')}<extra></extra>",
        )
    if usual is not None:
        low_end, high_end = usual
        drawing.add(
            "bar",
            x=x,
            base=low_end,
            y=high_end - low_end,
            customdata=np.stack([channels, low_end, high_end], axis=1),
            name=band_name,
            marker={"color": SHADE, "line": {"width": 0}},
            hovertemplate=f"{channel_name} %{{customdata[0]}}<br>{band_name} %{{customdata[1]:.2f}} … "
            "%{customdata[2]:.2f}<extra></extra>",
        )
    lay_out(drawing, title=title, subtitle=subtitle, head=head, left=46, right=10, above=10, bottom=46)
    # Beyond what 340 pixels can part, bars touch: gaps thinner than a pixel would only flicker.
    drawing.lay(
        bargap=0.25 if C <= 40 else 0.1 if C <= 80 else 0, bargroupgap=0, barmode="group" if band is None else "overlay"
    )
    drawing.y(range=[low, high], tickformat=".3~g", nticks=6, ticks="outside", ticklen=4, tickcolor=QUIET)
    drawing.x(range=[float(x.min()) - 0.6, float(x.max()) + 0.6] if C else None)
    drawing.x(title={"text": channel_name, "standoff": 6})
    if order == "top" or C <= 20:
        drawing.x(
            tickmode="array", tickvals=x.tolist(), ticktext=[str(c) for c in channels], tickangle=-90 if C > 8 else 0,
            tickfont={"size": 11},
        )  # fmt: skip
    elif order == "sorted":
        drawing.x(showticklabels=False)  # a rank is no channel number; the hover label has it
    else:
        drawing.x(nticks=9, tickformat="d")
    if baseline is not None:
        drawing.mark(level(baseline))
    if second is not None and names is not None:
        drawing.lay(showlegend=True, legend=_legend(head), margin={"t": head.bottom + 34})
    return drawing.figure()


def probability_bars(
    labels: Sequence[str],
    probabilities: ArrayLike,
    *,
    value_name: str = "",
    title: str = "",
    highlight: int | None = None,
    second: ArrayLike | None = None,
    names: tuple[str, str] | None = None,
) -> go.Figure:
    """Horizontal bars on 0…1, in the order given, each with its percentage; `highlight` in another hue.

    second   (n,) beside them, with `names` of the two in the legend

    A label takes 26 pixels, 44 with a second; where there are many, less, so that all of them fit on a screen.
    """
    p = array(probabilities, 1, "probabilities")
    n = len(p)
    same_length("labels", len(labels), n)
    short = [shortened(text, 165) for text in labels]
    colours = [COLOURS["weight"]] * n
    if highlight is not None:
        colours[highlight] = FRAME
    series = [(p, colours)]
    if second is not None:
        other = array(second, 1, "second")
        same_length("second", len(other), n)
        series.append((other, [COLOURS["embedding"]] * n))
    each = _label_height(n, len(series))
    above = 4 if second is None else 46  # room for the legend, in two lines on a phone
    head = header(title, value_name, below=above + each * n + 26, bar=False)
    drawing = Drawing()
    for number, (values, hues) in enumerate(series):
        name = escaped(names[number]) if names is not None else value_name
        drawing.add(
            "bar",
            x=values,
            y=np.arange(n),
            orientation="h",
            text=[_percent(float(v)) for v in values],
            textposition="outside",
            textfont={"size": min(12, 0.75 * each / len(series))},
            cliponaxis=False,
            customdata=[escaped(text) for text in labels],
            name=name,
            marker={"color": hues, "line": {"width": 0}},
            hovertemplate="%{customdata}<br>" + named(name, "%{x:.4f}") + "<extra></extra>",
        )
    left = max((width_of(s) for s in short), default=0.0) + 12
    lay_out(drawing, title=title, subtitle=value_name, head=head, left=left, right=54, above=above, bottom=26)
    drawing.lay(bargap=0.25)
    drawing.x(range=[0, 1], tickformat=".0%", tickvals=[0, 0.5, 1], tickfont={"size": 11})
    drawing.y(range=[n - 0.5, -0.5], tickmode="array", tickvals=list(range(n)), ticktext=[escaped(s) for s in short])
    drawing.y(tickfont={"size": min(12.0, 0.85 * each)})
    if second is not None:
        drawing.lay(barmode="group", showlegend=True, legend=_legend(head))
    return drawing.figure()


def _legend(head: Header) -> dict[str, Any]:
    """Of two series, between the header and the bars."""
    return {
        "orientation": "h", "x": 0, "xref": "container", "xanchor": "left", "yanchor": "top",
        "y": 1 - head.bottom / head.height, "yref": "container", "bgcolor": "rgba(0,0,0,0)",
    }  # fmt: skip


def _label_height(labels: int, series: int) -> float:
    return min(26 if series == 1 else 44, _TALLEST / max(labels, 1))


def _stroke(colour: str) -> dict[str, Any]:
    return {"mode": "lines", "line": {"shape": "hvh", "width": 1.5, "color": colour}}


def _fill(colour: str, v: Any, usual: list[Any] | None) -> dict[str, Any]:
    if usual is None:
        return {"color": colour, "line": {"width": 0}}
    outside = (v < usual[0]) | (v > usual[1])
    return {"color": [FRAME if out else colour for out in outside], "line": {"width": 0}}


def _percent(p: float) -> str:
    if np.isnan(p):
        return "NaN"
    if 0 < p < 0.0005:
        return "< 0.1%"
    if 0.9995 <= p < 1:
        return "> 99.9%"
    return f"{p:.1%}"


def _order(v: Any, order: str, top: int) -> tuple[Any, Any]:
    """Channel numbers in the order of drawing, and the place of each bar."""
    C = len(v)
    falling = np.argsort(-v, kind="stable")
    if order == "index":
        return np.arange(C), np.arange(C)
    if order == "sorted" or (order == "top" and 2 * top >= C):
        return falling, np.arange(C)
    if order == "top":
        if top < 1:
            raise ControlError("figure.top", f"top is {top}; at least 1 is needed", top=top)
        # one empty place between the strongest and the weakest
        return np.concatenate([falling[:top], falling[-top:]]), np.r_[0:top, top + 1 : 2 * top + 1]
    raise ControlError("figure.order", f"order is {order!r}; index, sorted or top is needed", order=order)


def _limits(values: Any, baseline: float | None) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    low = min(0.0, float(finite.min(initial=0.0)), baseline or 0.0)
    high = max(0.0, float(finite.max(initial=0.0)), baseline or 0.0)
    if low == high:
        return 0.0, 1.0
    room = 0.05 * (high - low)
    return (low - room if low < 0 else 0.0), (high + room if high > 0 else 0.0)


def _subtitle(series: list[Any], names: tuple[str, str] | None, value_name: str) -> str:
    if len(series) == 1 or names is None:
        return named(value_name, range_text(np.concatenate(series)))
    return " · ".join(f"{escaped(n)} {range_text(s)}" for n, s in zip(names, series, strict=True))
