"""Figures for paper and for files: dark on white whatever the page looks like, with a caption below."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape

import plotly.graph_objects as go

from .plotly_js import source
from .style import width_of

INK, PAPER = "#1d2733", "#ffffff"
WIDTH = 800  # pixels; PRINT_PIXELS wide, it is 17 cm at 300 dots an inch
PRINT_PIXELS = 2008
_LINE, _SMALL, _MARGIN = 17, 12, 14  # pixels: of a line of the caption, its letters, and around it
_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ max-width: {width}px; margin: 2rem auto; padding: 0 1rem; font-family: system-ui, sans-serif; line-height: 1.5;
       color: {ink}; background: {paper}; }}
figure {{ margin: 1rem 0 2rem; overflow-x: auto; }}
section {{ margin-top: 3rem; }}
math {{ font-size: 1.1em; }}
th, td {{ padding: .2rem .6rem; text-align: left; white-space: nowrap; }}
pre {{ padding: 1rem; overflow-x: auto; background: #f3f5f8; border-radius: 8px; font-size: .85rem; }}
</style>
<script>{script}</script>
</head>
<body>
<h1>{title}</h1>
<p>{caption}</p>
{body}
{appendix}
</body>
</html>
"""


def printed(figure: go.Figure, caption: str = "", *, width: int = WIDTH) -> go.Figure:
    """A copy of `figure` that stands for itself: its template's colours turned to ink on paper, `caption` below.

    width: pixels; the height grows by the lines of the caption.
    """
    copy = go.Figure(figure)
    lines = wrapped(caption, width - 2 * _MARGIN, _SMALL)
    room = _LINE * len(lines) + _MARGIN if lines else 0
    margin = copy.layout.margin
    below = margin.b or 0
    copy.update_layout(
        width=width,
        height=(copy.layout.height or 450) + room,
        margin_b=below + room,
        paper_bgcolor=PAPER,
        plot_bgcolor=PAPER,
        font_color=INK,
        title_font_color=copy.layout.title.font.color or INK,
    )
    if lines:
        copy.add_annotation(
            text="<br>".join(map(escape, lines)),
            xref="paper",
            yref="paper",
            x=0,
            y=0,
            xanchor="left",
            yanchor="top",
            xshift=_MARGIN - (margin.l or 0),
            yshift=-below,
            align="left",
            showarrow=False,
            font={"size": _SMALL, "color": INK},
        )
    return copy


def with_photo(figure: go.Figure, photo: Callable[[int], tuple[str, int]]) -> go.Figure:
    """A copy of `figure` whose square photos are sharp in print; what is on them stays in its place.

    photo: the most pixels that a side has in print → the same photo as a data URI, and the pixels of its side.
    """
    copy = go.Figure(figure)
    for picture in copy.select_traces({"type": "image"}):
        before = _png_side(picture.source)
        across = abs(copy.layout.xaxis.range[1] - copy.layout.xaxis.range[0])
        source, side = photo(round(PRINT_PIXELS * before * picture.dx / across))
        if side <= before:
            continue
        place: dict[str, float] = {}
        for axis in "xy":
            old = picture[f"d{axis}"]
            new = old * before / side
            place |= {f"d{axis}": new, f"{axis}0": picture[f"{axis}0"] - old / 2 + new / 2}  # x0 is a pixel's middle
        picture.update(source=source, zsmooth="fast", **place)  # smooth: skipped pixels would flicker
    return copy


def _png_side(source: str) -> int:
    """Pixels across a PNG in a data URI: its first chunk says so, in the bytes 16 to 19."""
    return int.from_bytes(base64.b64decode(source.partition(",")[2][:32])[16:20], "big")


def wrapped(text: str, pixels: float, size: float) -> list[str]:
    """`text` in lines of at most about `pixels`, broken at spaces, and between Chinese characters where need be."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for piece in _pieces(paragraph):
            if line and width_of(line + piece, size) > pixels:
                lines.append(line.rstrip())
                line = ""
            line += piece if line else piece.lstrip()
        if line:
            lines.append(line.rstrip())
    return lines


def _pieces(text: str) -> list[str]:
    """Words with the space before them; Chinese and other wide characters one by one."""
    pieces = [""]
    for character in text:
        if character == " " or ord(character) > 0x2E80 or (pieces[-1] and ord(pieces[-1][-1]) > 0x2E80):
            pieces.append(character)
        else:
            pieces[-1] += character
    return [piece for piece in pieces if piece]


def printed_figure(heading: str, figure: go.Figure) -> str:
    """A figure under its heading, as a part of such a page."""
    drawn = printed(figure, width=WIDTH).to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False}, auto_play=False
    )
    return f"<h3>{escape(heading)}</h3>\n<figure>{drawn}</figure>"


def html_page(body: str, *, title: str, caption: str, language: str, appendix: Sequence[tuple[str, str]] = ()) -> str:
    """A page for itself, with everything that it needs inside: opened without a network, its figures still answer.

    body: HTML with figures as `printed_figure` makes them; appendix: headings with text that is shown as typed.
    """
    texts = [f"<h2>{escape(heading)}</h2>\n<pre>{escape(text)}</pre>" for heading, text in appendix]
    return _PAGE.format(
        title=escape(title),
        caption=escape(caption),
        language=escape(language),
        script=source(),
        body=body,
        appendix="\n".join(texts),
        width=WIDTH + 40,
        ink=INK,
        paper=PAPER,
    )
