"""Networks against each other: every number that came is drawn where it belongs."""

from __future__ import annotations

import numpy as np
import pytest

from attention_core import figures
from attention_core.errors import ShapeError
from attention_core.figures.comparisons import points


def test_sorted_lines_fall_and_keep_every_value() -> None:
    first, second = np.array([0.2, 0.9, 0.5]), np.array([0.4, 0.4])
    fig = figures.sorted_lines([first, second], names=["SE", "CBAM"], rank_name="rank", baseline=0.5)
    assert [line.y.tolist() for line in fig.data] == [[0.9, 0.5, 0.2], [0.4, 0.4]]
    assert [line.x.tolist() for line in fig.data] == [[1, 2, 3], [1, 2]]
    assert fig.data[0].line.color != fig.data[1].line.color
    assert fig.data[0].line.dash != fig.data[1].line.dash  # apart without colours, too
    assert fig.layout.yaxis.range == (0, 1.02)
    assert fig.layout.shapes[0].y0 == 0.5
    assert "0.20 … 0.90" in fig.layout.title.text


def test_pairs_stand_in_their_rows_with_their_gap() -> None:
    fig = figures.score_pairs(["a", "b<"], [0.8, 0.5], [0.6, 0.55], names=("train", "new"))
    _, train, new, gaps = fig.data
    assert train.x.tolist() == [0.8, 0.5] and new.x.tolist() == pytest.approx([0.6, 0.55])
    assert train.y.tolist() == new.y.tolist() == [0, 1]
    assert [text.strip() for text in gaps.text] == ["+20.0", "−5.0"]
    assert gaps.x.tolist() == pytest.approx([0.8, 0.55])  # behind whichever is further right
    assert list(fig.layout.yaxis.ticktext) == ["a", "b&lt;"]
    low, high = fig.layout.yaxis.range
    assert low > high  # the first on top


def test_differences_reach_two_standard_errors_and_show_zero() -> None:
    fig = figures.differences(["a", "b"], [0.02, -0.04], [0.01, 0.005])
    thin, thick, dots = fig.data
    assert dots.x.tolist() == [0.02, -0.04]
    np.testing.assert_allclose(thin.x[:2], [0.0, 0.04])
    np.testing.assert_allclose(thick.x[3:5], [-0.045, -0.035])
    low, high = fig.layout.xaxis.range
    assert low == -high and high > 0.05
    assert fig.layout.shapes[0].x0 == fig.layout.shapes[0].x1 == 0
    assert dots.customdata[1] == "b<br>−4.0 ± 0.5"


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_differences_of_nothing_have_a_scale(value: float) -> None:
    low, high = figures.differences(["a"], [value], [value]).layout.xaxis.range
    assert low < 0 < high


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="names: 1 came, 2 are needed"):
        figures.sorted_lines([[0.1], [0.2]], names=["a"])
    with pytest.raises(ShapeError, match="second: 1 came, 2 are needed"):
        figures.score_pairs(["a", "b"], [0.1, 0.2], [0.1], names=("x", "y"))
    with pytest.raises(ShapeError, match="errors: 1 came, 2 are needed"):
        figures.differences(["a", "b"], [0.1, 0.2], [0.1])


@pytest.mark.parametrize(
    ("share", "written"), [(0.012, "+1.2"), (-0.0044, "−0.4"), (-0.0004, "0.0"), (0.0, "0.0"), (np.nan, "–")]
)
def test_points(share: float, written: str) -> None:
    assert points(share) == written
