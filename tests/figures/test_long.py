"""Pictures of long texts: nothing written cell by cell, names at every zoom, tiles no finer than a screen."""

from __future__ import annotations

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from attention_core import figures
from attention_core.figures.axes import MOST_NAMED
from attention_core.figures.heads import thinning

RNG = np.random.default_rng(0)
WORDS = ["the", "cat", "<s>", "柠", "unpronounceablylongtoken"]


def weights(*shape: int) -> np.ndarray:
    e = np.exp(RNG.normal(size=shape))
    return np.asarray(e / e.sum(-1, keepdims=True), dtype=np.float32)


def tokens(count: int) -> list[str]:
    return [WORDS[i % len(WORDS)] for i in range(count)]


def picture(count: int) -> go.Figure:
    names = tokens(count)
    return figures.matrix(
        weights(count, count), rows=names, columns=names, kind="weight", clickable=True, highlight_row=count - 1
    )


def test_a_long_axis_lets_plotly_choose_among_all_names_at_every_zoom() -> None:
    for axis in (picture(250).layout.xaxis, picture(250).layout.yaxis):
        assert axis.type == "category" and axis.tickmode == "auto" and axis.tickvals is None
        assert list(axis.categoryarray) == [str(i) for i in range(250)]
        assert axis.labelalias["6"] == "7: cat"
        assert axis.labelalias["7"] == "8: &lt;s&gt;"
        assert axis.labelalias["4"].startswith("5: unpro") and axis.labelalias["4"].endswith("…")
        assert axis.fixedrange is False
        assert (axis.minallowed, axis.maxallowed) == (-0.5, 249.5)


def test_a_long_matrix_zooms_and_fits_a_screen() -> None:
    fig = picture(250)
    assert fig.layout.dragmode == "zoom"
    assert fig.layout.yaxis.scaleanchor == "x"
    assert fig.layout.height <= 900
    [frame] = fig.layout.shapes
    assert (frame.y0, frame.y1) == (248.5, 249.5)


@pytest.mark.parametrize("count", [MOST_NAMED, 4])
def test_a_short_matrix_does_not_zoom(count: int) -> None:
    fig = picture(count)
    assert fig.layout.dragmode is False
    assert fig.layout.xaxis.fixedrange and fig.layout.yaxis.fixedrange
    assert len(fig.layout.yaxis.ticktext) == count


def test_a_long_matrix_carries_no_text_in_its_cells_and_little_else() -> None:
    fig = picture(256)
    assert [trace.text for trace in fig.data] == [None, None]
    cells = 256 * 256
    # Twice the numbers as base64 (heatmap and points), two bytes of place a point, and the names.
    assert len(fig.to_json()) < cells * (2 * 4 + 2) * 4 / 3 + 100_000
    points = fig.data[-1]
    assert (points.y[-1], points.x[-1]) == (255, 255)  # in the small type that holds them
    assert json.loads(fig.to_json())["data"][-1]["x"]["dtype"] == "u1"


def test_a_strip_grows_no_taller_and_zooms_along_its_tokens_only() -> None:
    short, long = (
        figures.vector_strip(RNG.normal(size=(n, 32)), rows=tokens(n), quantity="key", title="Key") for n in (24, 250)
    )
    assert long.layout.height <= short.layout.height + 1
    assert long.layout.dragmode == "zoom"
    assert long.layout.yaxis.fixedrange is False and long.layout.xaxis.fixedrange
    assert long.data[0].customdata is None


@pytest.mark.parametrize(("count", "block"), [(96, 1), (97, 2), (250, 3)])
def test_tiles_of_a_long_text_show_the_largest_of_each_block(count: int, block: int) -> None:
    assert thinning(count) == block
    layers = [weights(2, count, count)]
    layers[0][1, count - 1, 1] = 0.875  # alone in the last, perhaps shorter, row of blocks
    fig = figures.heads_grid(layers, tokens=tokens(count), layer_names=["L"], head_names=["1", "2"], selected=(0, 1))
    [frame] = fig.layout.shapes
    top, left, side = int(frame.y0 + 0.5), int(frame.x0 + 0.5), int(frame.y1 - frame.y0)
    assert side == -(-count // block)
    tile = fig.data[0].z[top : top + side, left : left + side]
    for row, column in ((0, 0), (1, 5), (side - 1, 0), (side - 1, side - 1)):
        beneath = layers[0][1, row * block : (row + 1) * block, column * block : (column + 1) * block]
        assert tile[row, column] == beneath.max()
    assert tile[side - 1, 1 // block] == 0.875
    assert figures.range_text(layers[0]) in fig.layout.title.text  # of the weights, not of what is left of them
    assert len(fig.data[-1].customdata) == 2  # a point a tile


def test_still_tiles_of_a_long_text_name_whole_blocks() -> None:
    names = [str(i) for i in range(100)]
    fig = figures.heads_grid([weights(1, 100, 100)], tokens=names, layer_names=["L"], head_names=["1"], clickable=False)
    assert fig.layout.xaxis.ticktext[0] == "0 … 1 · 1"
