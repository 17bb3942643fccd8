"""Figures among a notebook's cells: a piece of HTML that paints them without a server and without a network.

Plotly's JavaScript takes 1.5 MB, or 0.7 MB compressed and as letters. One piece carries it so for all others of the
same page: each looks for it where the page has it, whichever stands first.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from functools import cache
from html import escape
from uuid import uuid4

import plotly.graph_objects as go

from .plotly_js import source

_PIECE = """<div id="{id}" style="max-width: 52rem">
<h3>{title}</h3>
<p>{caption}</p>
{body}
<p class="missing" hidden>{missing}</p>
<script type="application/json">[{data}]</script>
{library}
<script>(() => {{
  const box = document.getElementById("{id}");
  const found = async () => {{
    for (let tries = 0; tries < 100; tries++) {{
      const carried = document.querySelector("script.attention-explorer-plotly");
      if (carried) return carried.textContent;
      await new Promise((later) => setTimeout(later, 50));
    }}
    throw new Error("no piece of this page carries Plotly");
  }};
  const loaded = async () => {{
    const packed = Uint8Array.from(atob(await found()), (c) => c.charCodeAt(0));
    const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const before = window.Plotly;
    new Function("module", await new Response(unpacked).text())();
    const own = window.Plotly;
    if (before) window.Plotly = before;
    return own;
  }};
  const figures = JSON.parse(box.querySelector("script[type='application/json']").textContent);
  (window.attentionExplorerPlotly ??= loaded()).then(
    (plotly) => box.querySelectorAll(".figure").forEach((place, number) => {{
      const {{data, layout}} = figures[number];
      place.style.height = `${{layout.height}}px`;  // a figure that follows the page's width takes its height from here
      plotly.newPlot(place, data, layout, {{displaylogo: false, responsive: true}});
      // Folded away it had no width to take.
      place.closest("details")?.addEventListener("toggle", () => plotly.Plots.resize(place));
    }}),
    () => {{
      window.attentionExplorerPlotly = undefined;
      box.querySelector(".missing").hidden = false;
    }}
  );
}})();</script>
</div>
"""
FIGURE = """<h4>{heading}</h4>
<div class="figure" style="overflow-x: auto"></div>"""


def html_piece(
    body: str, figures: Sequence[go.Figure], *, title: str, caption: str, missing: str, carries: bool
) -> str:
    """A part of a page with figures in it.

    body: HTML with a `FIGURE` for each of the figures, in their order; carries: whether Plotly's JavaScript is inside;
    missing: what is said in place of the figures where it is nowhere in the page.
    """
    # "</script>" in a token would end the element: in JSON, "<" can be written so that no browser sees it.
    data = ",".join(str(figure.to_json()).replace("<", r"\u003c") for figure in figures)
    return _PIECE.format(
        id=f"attention-explorer-{uuid4().hex}",  # the same figures may be shown twice
        title=escape(title),
        caption=escape(caption),
        body=body,
        missing=escape(missing),
        data=data,
        library=f'<script type="text/plain" class="attention-explorer-plotly">{_packed()}</script>' if carries else "",
    )


@cache
def _packed() -> str:
    return base64.b64encode(gzip.compress(source().encode(), mtime=0)).decode("ascii")
