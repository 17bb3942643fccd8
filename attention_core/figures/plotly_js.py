"""Plotly's script, with which browsers draw the figures: its bundle of plane charts, which are all there are here.

A third of the whole, for each file that carries it, and each phone of a hall that fetches and reads it. Of the major
release that Plotly for Python brings.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

[BUNDLE] = (Path(__file__).resolve().parent / "vendor").glob("plotly-cartesian-*.min.js")


@cache
def source() -> str:
    """The script as text; it ends no `<script>` that it stands in."""
    return BUNDLE.read_text(encoding="utf-8")
