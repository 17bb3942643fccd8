"""Figures for files: ink on paper, a caption that fits, a page that needs nothing else."""

from __future__ import annotations

import re

import numpy as np
import pytest

from attention_core.figures import matrix
from attention_core.figures.printed import INK, PAPER, html_page, printed, printed_figure, wrapped
from attention_core.figures.style import width_of


def figure() -> object:
    return matrix(np.eye(3), rows=["我", "<b>", "c"], columns=["x", "y", "z"], kind="weight", title="W")


def test_the_copy_is_ink_on_paper_and_the_original_stays() -> None:
    original = figure()
    before = original.to_json()  # type: ignore[attr-defined]
    made = printed(original, "What it is.", width=640)
    assert original.to_json() == before  # type: ignore[attr-defined]
    layout = made.layout
    assert (layout.paper_bgcolor, layout.plot_bgcolor, layout.font.color) == (PAPER, PAPER, INK)
    assert layout.title.font.color == INK
    assert layout.width == 640
    grown = layout.height - original.layout.height  # type: ignore[attr-defined]
    assert grown == layout.margin.b - original.layout.margin.b > 0  # type: ignore[attr-defined]
    assert layout.annotations[-1].text == "What it is."
    np.testing.assert_array_equal(made.data[0].z, np.eye(3))


def test_without_a_caption_it_keeps_its_height() -> None:
    original = figure()
    assert printed(original).layout.height == original.layout.height  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text", ["many short words " * 20, "没有空格的一长句话，" * 20, "mixed 中文 and words " * 12, "x" * 300]
)
def test_captions_break_where_they_must(text: str) -> None:
    lines = wrapped(text, 300, 12)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width_of(line, 12) <= 300 for line in lines) or " " not in text.strip()
    assert len(lines) > 1 or "x" in text


def test_markup_in_a_caption_is_text() -> None:
    assert printed(figure(), "<i>a</i> & b").layout.annotations[-1].text == "&lt;i&gt;a&lt;/i&gt; &amp; b"


def test_the_page_needs_nothing_else() -> None:
    made = html_page(
        printed_figure("One <1>", figure()) + printed_figure("Two", figure()),  # type: ignore[arg-type]
        title="T & T",
        caption="c",
        language="zh",
        appendix=[("Settings", '{"a": "</pre>"}')],
    )
    assert '<html lang="zh">' in made
    assert "T &amp; T" in made and "One &lt;1&gt;" in made and "&lt;/pre&gt;" in made
    assert made.count("Plotly.newPlot(") == 2
    assert made.count("plotly.js (cartesian") == 1  # the library is inside, once
    assert not re.search(r'<(script|link|img)[^>]*\b(src|href)="http', made)
