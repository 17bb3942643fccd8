"""Curves over a common axis."""

from __future__ import annotations

import numpy as np
import pytest

from attention_core.errors import ShapeError
from attention_core.figures import COLOURS, STROKES, Curve, curves
from tests.figures.test_figures import luminance


def test_lines_carry_their_numbers_and_names() -> None:
    values = np.array([0.1, 0.7, 0.3])
    fig = curves([0, 0.5, 1], [Curve("a<b", values, width=3), Curve("c", values / 2)], percent=True, value_name="p")
    assert [list(trace.y) for trace in fig.data] == [values.tolist(), (values / 2).tolist()]
    assert [trace.name for trace in fig.data] == ["a&lt;b", "c"]
    assert fig.layout.xaxis.tickformat == ".0%" and tuple(fig.layout.xaxis.range) == (0, 1)
    assert tuple(fig.layout.yaxis.range) == (0, 1) and fig.layout.showlegend


def test_the_legend_has_room_for_every_line_on_a_phone() -> None:
    def legend(count: int, name: str) -> float:
        fig = curves([0, 1], [Curve(name, [0, 1])] * count)
        return float(fig.layout.margin.b)

    assert legend(6, "a name that fills the whole line of a phone") - legend(
        1, "a name that fills the whole line of a phone"
    ) == pytest.approx(100)
    assert legend(6, "ab") < legend(6, "a name that fills the whole line of a phone")


def test_labels_stand_in_the_hover_label() -> None:
    fig = curves([0, 1], [Curve("a", [0, 1])], labels=["7", "<3"], hover_name="channel", marked=0)
    assert list(fig.data[0].customdata) == ["7", "&lt;3"]
    assert "channel: %{customdata}" in fig.data[0].hovertemplate
    assert not fig.layout.xaxis.showticklabels
    assert fig.layout.shapes[0].x0 == 0


def test_lengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="a: 3 came, 2 are needed"):
        curves([0, 1], [Curve("a", [0, 1, 2])])
    with pytest.raises(ShapeError, match="labels"):
        curves([0, 1], [Curve("a", [0, 1])], labels=["x"])


def test_strokes_can_be_seen_on_both_grounds_and_told_apart_without_colour() -> None:
    dark = luminance("#10151c")
    for colour, _ in STROKES:
        L = luminance(colour)
        assert 1.05 / (L + 0.05) >= 3, colour
        assert (L + 0.05) / (dark + 0.05) >= 3, colour
    assert len({dash for _, dash in STROKES[:5]}) == 5
    assert COLOURS["channel"] not in {colour for colour, _ in STROKES}
