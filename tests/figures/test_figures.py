"""What the figures promise: the numbers they were given, fixed scales, and nothing moved."""

from __future__ import annotations

import base64
import io
import json
import re
import time
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from PIL import Image

from attention_core import figures
from attention_core.errors import ControlError, ShapeError

RNG = np.random.default_rng(0)
WORDS = ["我", "吃", "柠", "檬"]


def weights(*shape: int) -> np.ndarray:
    e = np.exp(RNG.normal(size=shape))
    return np.asarray(e / e.sum(-1, keepdims=True), dtype=np.float32)


def every_figure() -> dict[str, go.Figure]:
    photo = RNG.integers(0, 255, (12, 12, 3), dtype=np.uint8)
    w = weights(4, 4)
    return {
        "matrix": figures.matrix(w, rows=WORDS, columns=WORDS, kind="weight", clickable=True, highlight_row=0),
        "signed": figures.matrix(w - 0.5, rows=WORDS, columns=None, kind="signed", title="t", value_name="v"),
        "strip": figures.vector_strip(w, rows=WORDS, quantity="query", title="q"),
        "heads": figures.heads_grid([weights(2, 4, 4)], tokens=WORDS, layer_names=["L"], head_names=["a", "b"]),
        "bars": figures.channel_bars(w[0], second=w[1], names=("a", "b"), baseline=0.5),
        "map": figures.spatial_map(w, kind="activation"),
        "maps": figures.map_grid([w, w], titles=["a", "b"], kind="activation"),
        "photo": figures.mask_over_photo(photo, w),
        "probabilities": figures.probability_bars(WORDS, w[0], highlight=1),
        "changed probabilities": figures.probability_bars(WORDS, w[0], second=w[1], names=("a", "b"), highlight=1),
    }


@pytest.fixture
def alien_template() -> Iterator[None]:
    before = pio.templates.default
    pio.templates.default = "plotly_dark"
    yield
    pio.templates.default = before


def luminance(colour: str) -> float:
    c = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    c = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(c @ [0.2126, 0.7152, 0.0722])


# ---------------------------------------------------------------- the look


def test_every_colour_has_three_to_one_on_white_and_on_the_dark_page() -> None:
    dark = luminance("#0e1117")
    for name, colour in figures.COLOURS.items():
        L = luminance(colour)
        assert 1.05 / (L + 0.05) >= 3, name
        assert (L + 0.05) / (dark + 0.05) >= 3, name


def test_quantities_stay_apart_for_red_and_green_blind_eyes() -> None:
    # Dichromats after Viénot 1999, in linear RGB; distances in RGB, whose cube has side 1.
    to_lms = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
    blind = {
        "nobody": np.eye(3),
        "protan": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
        "deutan": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
    }
    for who, matrix in blind.items():
        seen: dict[str, Any] = {}
        for name, c in figures.COLOURS.items():
            rgb = np.array([int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)]) ** 2.2
            back = np.linalg.inv(to_lms) @ matrix @ to_lms @ rgb
            seen[name] = np.clip(back, 0, 1) ** (1 / 2.2)
        for a, b in combinations(seen, 2):
            assert np.linalg.norm(seen[a] - seen[b]) > (0.25 if who == "nobody" else 0.12), (a, b)


def test_template_is_its_own_whatever_the_default(alien_template: None) -> None:
    for name, fig in every_figure().items():
        assert fig.layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)", name
        assert "Noto Sans SC" in fig.layout.template.layout.font.family, name
        assert not fig.layout.template.data.heatmap, name


def test_pictures_cannot_be_zoomed_or_dragged_and_are_transparent() -> None:
    for name, fig in every_figure().items():
        assert fig.layout.dragmode is False, name
        assert fig.layout.xaxis.fixedrange and fig.layout.yaxis.fixedrange, name
        assert fig.layout.paper_bgcolor == fig.layout.plot_bgcolor == "rgba(0,0,0,0)", name
        assert fig.layout.height <= 640 and not fig.layout.annotations, name


def test_no_colour_is_a_placeholder_of_streamlit() -> None:
    # Streamlit's front end replaces #000001 … #000046 in the whole figure by colours of its theme.
    for name, fig in every_figure().items():
        assert not re.search(r"#0000[0-4][0-9]\b", fig.to_json()), name


def test_text_colours_are_left_to_the_template() -> None:
    for name, fig in every_figure().items():
        assert fig.layout.font.color is None, name
        assert fig.layout.xaxis.tickfont.color is None, name
        for trace in fig.data:
            if trace.type == "scatter" and trace.mode == "text":
                assert trace.textfont.color is None, name


# ---------------------------------------------------------------- range_text


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-1.2344, 0.567], "\N{MINUS SIGN}1.234 … 0.567"),
        ([0.5, np.nan, 0.25], "0.250 … 0.500"),
        ([], "\N{EN DASH}"),
        ([np.nan], "\N{EN DASH}"),
        ([0.0, 0.0], "0.000 … 0.000"),
        ([0.49996, 0.50004], "0.49996 … 0.50004"),
        ([1e-7, 1.0], "1.0e\N{MINUS SIGN}07 … 1.000"),
        ([-np.inf, 3.0], "\N{MINUS SIGN}∞ … 3.000"),
    ],
)
def test_range_text_by_hand(values: list[float], expected: str) -> None:
    assert figures.range_text(np.array(values)) == expected


# ---------------------------------------------------------------- matrix


def test_matrix_holds_the_numbers_as_they_came_and_the_scale_is_fixed() -> None:
    w = weights(4, 4) * 0.02 + np.float32(0.49)
    fig = figures.matrix(w, rows=WORDS, columns=WORDS, kind="weight", title="T", value_name="weight")
    heat = fig.data[0]
    assert heat.z.dtype == np.float32
    np.testing.assert_array_equal(heat.z, w)
    assert (heat.zmin, heat.zmax) == (0, 1)
    assert figures.range_text(w) in fig.layout.title.text
    assert json.loads(fig.to_json())["data"][0]["z"]["dtype"] == "f4"


def test_signed_scale_is_symmetric_and_survives_zeros() -> None:
    def limits(z: np.ndarray, **more: Any) -> tuple[float, float]:
        heat = figures.matrix(z, rows=WORDS, columns=None, kind="signed", **more).data[0]
        return heat.zmin, heat.zmax

    assert limits(np.array([[1.0, -3.0]] * 4)) == (-3, 3)
    assert limits(np.array([[1.0, -3.0]] * 4), limit=5.0) == (-5, 5)
    assert limits(np.zeros((4, 2))) == (-1, 1)
    assert limits(np.full((4, 2), np.nan)) == (-1, 1)
    with pytest.raises(ControlError):
        limits(np.zeros((4, 2)), limit=-1.0)


def test_repeated_tokens_keep_their_own_ticks() -> None:
    fig = figures.matrix(weights(3, 3), rows=["the", "cat", "the"], columns=["the"] * 3, kind="weight")
    assert list(fig.layout.xaxis.tickvals) == [0, 1, 2]
    assert list(fig.layout.xaxis.ticktext) == ["the"] * 3
    assert list(fig.layout.yaxis.ticktext) == ["the", "cat", "the"]
    assert fig.layout.yaxis.range[0] > fig.layout.yaxis.range[1]  # first row on top


def test_tokens_are_not_read_as_html() -> None:
    fig = figures.matrix(weights(2, 2), rows=["<s>", "a&b"], columns=["<br>", "x"], kind="weight")
    assert list(fig.layout.yaxis.ticktext) == ["&lt;s&gt;", "a&amp;b"]
    assert fig.layout.xaxis.ticktext[0] == "&lt;br&gt;"


def test_click_grid_counts_row_by_row() -> None:
    z = weights(3, 5)
    fig = figures.matrix(z, rows=list("abc"), columns=list("vwxyz"), kind="weight", clickable=True)
    points = fig.data[-1]
    assert points.type == "scatter" and points.marker.opacity == 0
    for index in range(15):
        row, column = divmod(index, 5)
        assert (points.y[index], points.x[index]) == (row, column)
        assert points.customdata[index] == z[row, column]
    # Small markers and a long reach: the nearest centre wins, however narrow the screen.
    assert points.marker.size <= 6 and fig.layout.hoverdistance >= 44
    assert fig.layout.clickmode == "event+select"


def test_numbers_are_printed_while_they_fit_each_in_a_colour_that_reads() -> None:
    z = np.array([[0.02, 0.98], [0.6, 0.4]], dtype=np.float32)
    fig = figures.matrix(z, rows=["a", "b"], columns=["c", "d"], kind="weight")
    printed = {t.textfont.color: [[w.strip() for w in row] for row in t.text] for t in fig.data[1:]}
    assert printed["#ffffff"] == [["0.02", ""], ["", "0.40"]]
    assert printed["#101418"] == [["", "0.98"], ["0.60", ""]]
    assert len({len(w) for t in fig.data[1:] for row in t.text for w in row}) == 1  # or sizes would differ
    large = [str(i) for i in range(17)]
    assert len(figures.matrix(weights(17, 17), rows=large, columns=large, kind="weight").data) == 1
    shown = figures.matrix(weights(17, 17), rows=large, columns=large, kind="weight", show_values=True)
    assert len(shown.data) > 1


def test_long_labels_are_cut_but_whole_in_the_hover() -> None:
    rows = [f"token{i}" for i in range(40)]
    rows[0] = "unpronounceablylongtoken"
    fig = figures.matrix(weights(40, 40), rows=rows, columns=rows, kind="weight")
    assert len(fig.layout.yaxis.ticktext) == 40
    assert fig.layout.yaxis.ticktext[0].endswith("…")
    assert fig.data[0].customdata[0][39] == "unpronounceablylongtoken<br>token39"
    assert fig.layout.height <= 720


def test_rows_and_columns_are_framed() -> None:
    fig = figures.matrix(weights(4, 4), rows=WORDS, columns=WORDS, kind="weight", highlight_row=2, highlight_column=0)
    row, column = fig.layout.shapes
    assert (row.x0, row.y0, row.x1, row.y1) == (-0.5, 1.5, 3.5, 2.5)
    assert (column.x0, column.y0, column.x1, column.y1) == (-0.5, -0.5, 0.5, 3.5)


def test_only_token_matrices_have_square_cells() -> None:
    assert figures.matrix(weights(4, 4), rows=WORDS, columns=WORDS, kind="weight").layout.yaxis.scaleanchor == "x"
    assert figures.matrix(weights(4, 64), rows=WORDS, columns=None, kind="signed").layout.yaxis.scaleanchor is None


def test_wrong_shapes_say_both_numbers() -> None:
    with pytest.raises(ShapeError, match=r"3 came, 4"):
        figures.matrix(weights(4, 4), rows=WORDS[:3], columns=WORDS, kind="weight")
    with pytest.raises(ShapeError, match="3 dimensions"):
        figures.matrix(weights(1, 4, 4), rows=WORDS, columns=WORDS, kind="weight")


def test_strip_is_22_pixels_a_row_and_wears_its_hue() -> None:
    z = RNG.normal(size=(10, 32)).astype(np.float32)
    rows = [str(i) for i in range(10)]
    fig = figures.vector_strip(z, rows=rows, quantity="key", title="Key")
    np.testing.assert_array_equal(fig.data[0].z, z)
    assert fig.data[0].zmin == -fig.data[0].zmax == -np.abs(z).max()
    assert fig.layout.height - fig.layout.margin.t - fig.layout.margin.b == pytest.approx(220, abs=1)
    assert fig.layout.title.font.color == figures.COLOURS["key"]


# ---------------------------------------------------------------- heads


def tiles(z: np.ndarray, T: int) -> list[np.ndarray]:
    """The tiles of a grid, found by their NaN borders."""
    rows, columns = np.isfinite(z).any(1), np.isfinite(z).any(0)
    tops = [i for i in range(len(rows)) if rows[i] and (i == 0 or not rows[i - 1])]
    lefts = [i for i in range(len(columns)) if columns[i] and (i == 0 or not columns[i - 1])]
    return [z[t : t + T, s : s + T] for t in tops for s in lefts if np.isfinite(z[t, s])]


@pytest.mark.parametrize("columns", [None, 2])
def test_heads_lie_tile_by_tile_between_nan(columns: int | None) -> None:
    layers = [weights(2, 4, 4), weights(3, 4, 4)]
    fig = figures.heads_grid(
        layers, tokens=WORDS, layer_names=["A", "B"], head_names=list("123"), selected=(1, 2), columns=columns
    )
    z = fig.data[0].z
    assert z.dtype == np.float32 and (fig.data[0].zmin, fig.data[0].zmax) == (0, 1)
    found = tiles(z, 4)
    assert len(found) == 5 and np.isfinite(z).sum() == 5 * 16
    for tile, head in zip(found, [*layers[0], *layers[1]], strict=True):
        np.testing.assert_array_equal(tile, head)
    frame = fig.layout.shapes[0]
    top, left = int(frame.y0 + 0.5), int(frame.x0 + 0.5)
    np.testing.assert_array_equal(z[top : top + 4, left : left + 4], layers[1][2])
    assert (frame.x1 - frame.x0, frame.y1 - frame.y0) == (4, 4)


@pytest.mark.parametrize("T", [4, 60])
def test_each_tile_can_be_clicked_and_no_gutter(T: int) -> None:
    layers = [weights(2, T, T), weights(3, T, T)]
    tokens = [str(i) for i in range(T)]
    fig = figures.heads_grid(layers, tokens=tokens, layer_names=["A", "B"], head_names=list("123"))
    z, points = fig.data[0].z, fig.data[-1]
    assert json.loads(fig.to_json())["data"][-1]["customdata"][0] == [0, 0]  # a list, which Streamlit gives back as one
    keys = [tuple(int(i) for i in k) for k in points.customdata]
    assert set(keys) == {(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)}
    assert len(keys) == (5 * T * T if T == 4 else 5)
    for x, y, (layer, head) in zip(points.x, points.y, keys, strict=True):
        value = z[int(np.floor(y)), int(np.floor(x))]
        assert np.isfinite(value) and value in layers[layer][head]


def test_hovering_a_cell_names_layer_head_tokens_and_weight() -> None:
    layer = weights(2, 4, 4)
    fig = figures.heads_grid([layer], tokens=WORDS, layer_names=["L1"], head_names=["H1", "H2"])
    points = fig.data[-1]
    i = 16 + 1 * 4 + 3  # head 2, from 吃 to 檬
    assert points.text[i] == f"H2<br>{layer[1, 1, 3]:.4f}"
    assert fig.layout.yaxis.ticktext[points.y[i]] == "L1 · 吃"
    assert fig.layout.xaxis.ticktext[points.x[i]] == "檬"
    still = figures.heads_grid([layer], tokens=WORDS, layer_names=["L1"], head_names=["H1", "H2"], clickable=False)
    assert still.layout.xaxis.ticktext[points.x[i]] == "檬 · H2"


def test_twelve_by_twelve_heads_are_quick() -> None:
    layers = [weights(12, 32, 32) for _ in range(12)]
    names = [str(i) for i in range(12)]

    def once() -> float:
        start = time.process_time()
        figures.heads_grid(layers, tokens=[str(i) for i in range(32)], layer_names=names, head_names=names)
        return time.process_time() - start

    assert min(once() for _ in range(3)) < 0.2  # 0.03 on an idle core


def test_heads_reject_what_is_not_there() -> None:
    with pytest.raises(ControlError):
        figures.heads_grid([weights(1, 4, 4)], tokens=WORDS, layer_names=["A"], head_names=["1"], selected=(0, 1))
    with pytest.raises(ShapeError):
        figures.heads_grid([], tokens=WORDS, layer_names=[], head_names=[])


# ---------------------------------------------------------------- bars


def test_bars_keep_their_channel_numbers_in_every_order() -> None:
    v = np.array([0.3, 0.9, 0.1, 0.5, 0.7, 0.2], dtype=np.float32)
    index = figures.channel_bars(v).data[0]
    np.testing.assert_array_equal(index.y, v)
    assert list(index.customdata) == [0, 1, 2, 3, 4, 5]
    falling = figures.channel_bars(v, order="sorted").data[0]
    assert list(falling.customdata) == [1, 4, 3, 0, 5, 2]
    np.testing.assert_array_equal(falling.y, v[falling.customdata])
    ends = figures.channel_bars(v, order="top", top=2)
    assert list(ends.data[0].customdata) == [1, 4, 5, 2]
    assert list(ends.layout.xaxis.ticktext) == ["1", "4", "5", "2"]
    everything = figures.channel_bars(v, order="top", top=10).data[0]
    assert list(everything.customdata) == [1, 4, 3, 0, 5, 2]


def test_bar_limits_are_fixed_or_contain_zero() -> None:
    assert tuple(figures.channel_bars(np.array([0.5, 0.51])).layout.yaxis.range) == (0, 1)
    low, high = figures.channel_bars(np.array([2.0, 3.0]), limits=None).layout.yaxis.range
    assert low == 0 and high >= 3
    low, high = figures.channel_bars(np.array([-2.0, -3.0]), limits=None).layout.yaxis.range
    assert low <= -3 and high == 0


def test_second_series_follows_the_order_of_the_first() -> None:
    a, b = np.array([0.1, 0.9]), np.array([5.0, 6.0])
    fig = figures.channel_bars(a, second=b, names=("avg", "max"), order="sorted", limits=None, baseline=1.0)
    assert list(fig.data[1].y) == [6, 5]
    assert [t.name for t in fig.data] == ["avg", "max"] and fig.layout.showlegend
    assert fig.layout.shapes[0].y0 == fig.layout.shapes[0].y1 == 1.0


def test_probabilities_are_on_zero_to_one_with_percentages() -> None:
    fig = figures.probability_bars(["a", "b", "c"], np.array([0.912, 0.0001, 0.99999]), highlight=0)
    assert tuple(fig.layout.xaxis.range) == (0, 1)
    assert list(fig.data[0].text) == ["91.2%", "< 0.1%", "> 99.9%"]
    assert len(set(fig.data[0].marker.color)) == 2


def test_two_series_of_probabilities_stand_side_by_side_and_many_labels_fit_on_a_screen() -> None:
    p, q = np.array([0.5, 0.25, 0.25]), np.array([0.8, 0.2, 0.0])
    fig = figures.probability_bars(["a", "b", "c"], p, second=q, names=("own", "drawn"))
    assert [trace.name for trace in fig.data] == ["own", "drawn"] and fig.layout.showlegend
    assert list(fig.data[1].x) == [0.8, 0.2, 0.0] and list(fig.data[1].text) == ["80.0%", "20.0%", "0.0%"]
    assert fig.layout.height > figures.probability_bars(["a", "b", "c"], p).layout.height
    many = figures.probability_bars(["a"] * 64, np.full(64, 0.1), second=np.full(64, 0.2), names=("own", "drawn"))
    assert many.layout.height < 800
    with pytest.raises(ShapeError):
        figures.probability_bars(["a", "b", "c"], p, second=q[:2], names=("own", "drawn"))


# ---------------------------------------------------------------- maps


def test_maps_share_one_scale_and_lie_between_nan() -> None:
    maps = [RNG.random((4, 4)).astype(np.float32) * k for k in (1, 2, 3)]
    fig = figures.map_grid(maps, titles=["a", "b", "c"], kind="activation", columns=2)
    heat = fig.data[0]
    assert (heat.zmin, heat.zmax) == (0, pytest.approx(max(m.max() for m in maps)))
    for tile, original in zip(tiles(heat.z, 4), maps, strict=True):
        np.testing.assert_array_equal(tile, original)
    assert list(fig.data[1].text) == ["a", "b", "c"]


def test_smaller_maps_are_drawn_with_larger_pixels() -> None:
    small = np.array([[1.0, 2.0], [3.0, 4.0]])
    fig = figures.map_grid([np.zeros((4, 4)), small], titles=["a", "b"], kind="signed")
    np.testing.assert_array_equal(tiles(fig.data[0].z, 4)[1], small.repeat(2, 0).repeat(2, 1))
    with pytest.raises(ShapeError):
        figures.map_grid([np.zeros((4, 4)), np.zeros((3, 3))], titles=["a", "b"], kind="signed")


def test_spatial_map_holds_its_numbers() -> None:
    z = RNG.normal(size=(5, 7)).astype(np.float32)
    fig = figures.spatial_map(z, kind="signed", value_name="v")
    np.testing.assert_array_equal(fig.data[0].z, z)
    assert fig.layout.yaxis.scaleanchor == "x" and figures.range_text(z) in fig.layout.title.text


@pytest.mark.parametrize("size", [(7, 7), (14, 14), (5, 3)])
def test_mask_cells_end_where_the_photo_ends(size: tuple[int, int]) -> None:
    photo = RNG.integers(0, 255, (224, 224, 3), dtype=np.uint8)
    mask = RNG.random(size).astype(np.float32)
    image, heat = figures.mask_over_photo(photo, mask).data
    np.testing.assert_array_equal(heat.z, mask)
    for x0, dx, n in ((heat.x0, heat.dx, size[1]), (heat.y0, heat.dy, size[0])):
        assert x0 - dx / 2 == pytest.approx(-0.5)
        assert x0 + (n - 0.5) * dx == pytest.approx(223.5)
    png = base64.b64decode(image.source.removeprefix("data:image/png;base64,"))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), photo)


def test_a_flat_mask_looks_flat_unless_stretching_is_asked_for() -> None:
    photo = np.zeros((8, 8, 3), dtype=np.uint8)
    mask = np.array([[0.49, 0.51]])
    plain = figures.mask_over_photo(photo, mask, stretched_note="stretched")
    assert (plain.data[1].zmin, plain.data[1].zmax) == (0, 1)
    assert "0.490 … 0.510" in plain.layout.title.text and "stretched" not in plain.layout.title.text
    wide = figures.mask_over_photo(photo, mask, stretch=True, stretched_note="stretched")
    assert (wide.data[1].zmin, wide.data[1].zmax) == (0.49, 0.51)
    assert "0.490 … 0.510" in wide.layout.title.text and "stretched" in wide.layout.title.text
    with pytest.raises(ShapeError):
        figures.mask_over_photo(np.zeros((8, 8), dtype=np.uint8), mask)
