"""The picture of two sentences with links between their words."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from attention_core.errors import ShapeError
from attention_core.figures import alignment
from attention_core.figures.alignment import narrowest
from attention_core.figures.style import width_of

FIRST, SECOND = ["我", "吃", "<b>柠檬"], ["I", "eat", "lemons", "."]


def drawn() -> go.Figure:
    return alignment(
        FIRST,
        SECOND,
        forth={(0, 0), (1, 1), (2, 0)},
        back={(0, 0), (1, 1), (2, 2), (2, 3)},
        strengths={(0, 0): 0.9, (1, 1): 0.2, (2, 0): 0.5, (2, 2): 0.5, (2, 3): 0.5},
        names=("both", "a", "b"),
        first_notes=["x", "y", "z"],
        second_notes=["1", "2", "3", "4"],
    )


def links(figure: go.Figure, name: str) -> dict[tuple[int, int], float]:
    """The links of one kind, read off the lines' ends, with the thickness of each."""
    rows = {trace.y[0]: list(trace.x) for trace in figure.data if trace.mode == "markers+text"}
    found = {}
    for line in (trace for trace in figure.data if trace.name == name):
        ends = [(x, y) for x, y in zip(line.x, line.y, strict=True) if x is not None]
        assert [y for _, y in ends] == [1, 0] * (len(ends) // 2)
        for (a, _), (b, _) in zip(ends[::2], ends[1::2], strict=True):
            found[rows[1].index(a), rows[0].index(b)] = line.line.width
    return found


def test_each_link_is_drawn_once_in_its_kind() -> None:
    figure = drawn()
    assert set(links(figure, "both")) == {(0, 0), (1, 1)}
    assert set(links(figure, "a")) == {(2, 0)}
    assert set(links(figure, "b")) == {(2, 2), (2, 3)}
    dashes = {trace.name: trace.line.dash for trace in figure.data if trace.mode == "lines"}
    assert len(set(dashes.values())) == 3  # told apart without colour
    assert [trace.name for trace in figure.data if trace.mode == "lines" and trace.showlegend] == ["both", "a", "b"]


def test_a_stronger_link_is_thicker() -> None:
    figure = drawn()
    both = links(figure, "both")
    assert both[0, 0] > links(figure, "a")[2, 0] > both[1, 1] >= 1
    assert links(figure, "a")[2, 0] == links(figure, "b")[2, 2]


def test_words_keep_their_order_and_do_not_overlap() -> None:
    figure = drawn()
    for words, trace in zip((FIRST, SECOND), figure.data[-2:], strict=True):
        assert list(trace.text) == [word.replace("<", "&lt;").replace(">", "&gt;") for word in words]
        for i in range(len(words) - 1):
            assert trace.x[i + 1] - trace.x[i] > (width_of(words[i], 15) + width_of(words[i + 1], 15)) / 2
        assert trace.x[0] > 0 and trace.x[-1] < figure.layout.xaxis.range[1]
    assert narrowest(FIRST, SECOND) >= figure.layout.xaxis.range[1]


def test_a_note_too_few_is_refused() -> None:
    with pytest.raises(ShapeError, match="first_notes: 1 came, 3 are needed"):
        alignment(
            FIRST,
            SECOND,
            forth=(),
            back=(),
            strengths={},
            names=("", "", ""),
            first_notes=["x"],
            second_notes=["y"] * 4,
        )


def test_no_links_at_all_still_make_a_picture() -> None:
    empty = alignment(
        ["a"], ["b"], forth=(), back=(), strengths={}, names=("x", "y", "z"), first_notes=["–"], second_notes=["–"]
    )
    assert [trace.name for trace in empty.data[:3]] == ["x", "y", "z"]
