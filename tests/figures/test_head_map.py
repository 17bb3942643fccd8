"""The map of all heads: the numbers it was given, nothing where there is no head, clicks that name the head."""

from __future__ import annotations

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from attention_core import figures
from attention_core.errors import ControlError, ShapeError

VALUES = [np.array([0.5, -2.0]), np.array([0.001, 0.25, 1.0, -0.004])]


def picture(values: list[np.ndarray] = VALUES, **more: object) -> go.Figure:
    words = {"layer_title": "Layer", "head_title": "Head", "value_name": "drop", "title": "Drops"}
    names = [str(i + 1) for i in range(16)]
    return figures.head_map(values, layer_names=names[: len(values)], head_names=names, **{**words, **more})


def test_layers_are_rows_and_heads_that_do_not_exist_stay_empty() -> None:
    fig = picture()
    z = fig.data[0].z
    np.testing.assert_array_equal(z, [[0.5, -2.0, np.nan, np.nan], VALUES[1]])
    assert (fig.data[0].zmin, fig.data[0].zmax) == (-2, 2)
    assert fig.data[0].hoverongaps is False
    assert fig.layout.yaxis.range[0] > fig.layout.yaxis.range[1]  # first layer on top
    assert fig.layout.yaxis.scaleanchor == "x"
    assert list(fig.layout.xaxis.ticktext) == ["1", "2", "3", "4"]
    assert "Drops" in fig.layout.title.text
    assert f"drop: {figures.range_text(z)}" in fig.layout.title.text
    assert picture(limit=5.0).data[0].zmax == 5


def test_the_scale_is_that_of_the_quantity() -> None:
    heat = {kind: picture([np.array([0.25, 0.5])], kind=kind).data[0] for kind in ("weight", "activation", "signed")}
    assert {kind: (trace.zmin, trace.zmax) for kind, trace in heat.items()} == {
        "weight": (0, 1),
        "activation": (0, 0.5),
        "signed": (-0.5, 0.5),
    }


def test_every_number_is_printed_once_and_no_empty_cell_has_one() -> None:
    cells = [trace for trace in picture().data if trace.type == "heatmap" and trace.text is not None]
    printed = [[" ".join(trace.text[i][j].strip() for trace in cells).strip() for j in range(4)] for i in range(2)]
    assert printed == [["0.50", "−2.00", "", ""], ["0.00", "0.25", "1.00", "0.00"]]


def test_a_click_names_the_head_and_an_empty_place_has_nothing_to_click() -> None:
    fig = picture()
    points = json.loads(fig.to_json())["data"][-1]
    assert points["customdata"] == [[0, 0], [0, 1], [1, 0], [1, 1], [1, 2], [1, 3]]  # lists, as Streamlit needs them
    assert list(zip(points["y"], points["x"], strict=True)) == [tuple(head) for head in points["customdata"]]
    assert points["text"][1] == "Layer: 1<br>Head: 2<br>drop: −2.0000"
    assert fig.layout.clickmode == "event+select"
    cell = (fig.layout.height - fig.layout.margin.t - fig.layout.margin.b) / 2
    assert cell / 2 < fig.layout.hoverdistance < cell
    assert [trace.type for trace in picture(clickable=False).data].count("scatter") == 0


def test_the_chosen_head_is_framed() -> None:
    [shape] = picture(selected=(1, 3)).layout.shapes
    assert (shape.x0, shape.y0, shape.x1, shape.y1) == (2.5, 0.5, 3.5, 1.5)
    with pytest.raises(ControlError):
        picture(selected=(0, 2))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="at least 1"):
        picture([])
    with pytest.raises(ShapeError, match="head_names: 16 came, 17"):
        picture([np.zeros(17)])
    with pytest.raises(ShapeError, match="dimensions"):
        picture([np.zeros((2, 2))])


def test_a_matrix_prints_nothing_for_what_is_not_a_number() -> None:
    fig = figures.matrix([[0.5, np.nan], [np.inf, 1.0]], rows=["a", "b"], columns=["c", "d"], kind="signed")
    printed = "".join(word for trace in fig.data[1:] for row in trace.text for word in row)
    assert "NaN" not in printed
    assert "∞" in printed
