"""Two sentences, one above the other, with a link between words that belong together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import plotly.graph_objects as go

from .drawing import Drawing
from .layout import header, lay_out
from .style import COLOURS, QUIET, escaped, same_length, width_of

_LETTERS = 15  # pixels
_GAP = 22  # pixels between two words
_HEIGHT = 150  # pixels from one sentence to the other
_MARGIN = 24  # pixels left and right
_THINNEST, _THICKEST = 1.0, 6.0  # pixels of a line
_LEVELS = 10  # of thickness: a line of the picture has one

Link = tuple[int, int]


def alignment(
    first: Sequence[str],
    second: Sequence[str],
    *,
    forth: Collection[Link],
    back: Collection[Link],
    strengths: Mapping[Link, float],
    names: tuple[str, str, str],
    first_notes: Sequence[str],
    second_notes: Sequence[str],
    title: str = "",
) -> go.Figure:
    """Words of two sentences with links (number in `first`, number in `second`).

    forth, back   links from each word of the first and of the second sentence; those in both have a colour
    strengths     of each link, 0…1: the stronger, the thicker
    names         legend of the links in both, of those in `forth` alone, of those in `back` alone
    *_notes       what the hover label of each word says beneath it

    `narrowest` says how many pixels the picture needs; the words keep apart from there on.
    """
    same_length("first_notes", len(first_notes), len(first))
    same_length("second_notes", len(second_notes), len(second))
    width = max(_row_width(first), _row_width(second))
    places = (_places(first, width), _places(second, width))
    head = header(title, "", below=_HEIGHT + 96, bar=False)
    drawing = Drawing()
    both = set(forth) & set(back)
    looks = (
        (both, {"color": COLOURS["weight"]}),
        (set(forth) - both, {"color": QUIET, "dash": "dash"}),
        (set(back) - both, {"color": QUIET, "dash": "dot"}),
    )
    for name, (links, line) in zip(names, looks, strict=True):
        levels = sorted({_level(strengths[link]) for link in links}) or [0]
        for number, level in enumerate(levels):
            of_level = sorted(link for link in links if _level(strengths[link]) == level)
            drawing.add(
                "scatter",
                x=[x for a, b in of_level for x in (places[0][a], places[1][b], None)] or [None],
                y=[y for _ in of_level for y in (1, 0, None)] or [None],
                mode="lines",
                name=escaped(name),
                legendgroup=name,
                showlegend=number == len(levels) - 1,  # the key has the thickest
                line={**line, "width": _THINNEST + level * (_THICKEST - _THINNEST) / _LEVELS},
                hoverinfo="skip",
            )
    rows = ((first, first_notes, 1, "top center"), (second, second_notes, 0, "bottom center"))
    for (words, notes, y, side), at in zip(rows, places, strict=True):
        drawing.add(
            "scatter",
            x=at,
            y=[y] * len(words),
            mode="markers+text",
            text=[escaped(word) for word in words],
            textposition=side,
            textfont={"size": _LETTERS},
            customdata=[escaped(note) for note in notes],
            hovertemplate="%{text}<br>%{customdata}<extra></extra>",
            marker={"size": 5, "color": QUIET},
            cliponaxis=False,
            showlegend=False,
        )
    lay_out(drawing, title=title, subtitle="", head=head, left=_MARGIN, right=_MARGIN, above=66, bottom=30)
    drawing.lay(
        showlegend=True,
        hoverdistance=30,
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1 - head.bottom / head.height,
            "yref": "container",
            "yanchor": "top",
            "xanchor": "left",
            "bgcolor": "rgba(0,0,0,0)",
            "itemclick": False,
            "itemdoubleclick": False,
        },
    )
    drawing.x(range=[0, width], showticklabels=False)
    drawing.y(range=[-0.02, 1.02], showticklabels=False)
    return drawing.figure()


def narrowest(first: Sequence[str], second: Sequence[str]) -> int:
    """Pixels below which the words of `alignment` would overlap."""
    return round(max(_row_width(first), _row_width(second))) + 2 * _MARGIN


def _row_width(words: Sequence[str]) -> float:
    return sum(width_of(word, _LETTERS) + _GAP for word in words)


def _places(words: Sequence[str], width: float) -> list[float]:
    """The middle of each word when the row is spread over `width`."""
    spare = (width - _row_width(words)) / max(len(words), 1)
    places, left = [], 0.0
    for word in words:
        taken = width_of(word, _LETTERS) + _GAP + spare
        places.append(left + taken / 2)
        left += taken
    return places


def _level(strength: float) -> int:
    return min(round(_LEVELS * strength), _LEVELS)
