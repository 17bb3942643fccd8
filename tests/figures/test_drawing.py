"""Figures put together as dicts are as good as any of Plotly's."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from attention_core.figures import matrix
from attention_core.figures.drawing import Drawing, frame, level, upright


def test_it_is_the_figure_that_plotly_makes_of_the_same_steps() -> None:
    z = np.arange(6, dtype=np.float32).reshape(2, 3)
    drawing = Drawing()
    drawing.add("heatmap", z=z, text=None, colorbar={"len": 3})
    drawing.add("scatter", x=[0, 1], y=(0.5, 1), mode="lines")
    drawing.lay(title={"text": "first", "x": 0}, height=300)
    drawing.lay(title={"text": "second"}, height=200)
    drawing.x(range=[0, 1], tickangle=90)
    drawing.x(range=None, nticks=3)
    drawing.y(side="right")
    drawing.mark(level(0.5))
    drawing.mark(upright(1), frame(0, 0, 1, 2))

    figure = go.Figure([go.Heatmap(z=z, colorbar_len=3), go.Scatter(x=[0, 1], y=(0.5, 1), mode="lines")])
    figure.update_layout(title_text="second", title_x=0, height=200)
    figure.update_xaxes(tickangle=90, nticks=3)
    figure.update_yaxes(side="right")
    line = {"color": "#808A96", "width": 1, "dash": "dash"}
    figure.add_shape(type="line", xref="paper", x0=0, x1=1, y0=0.5, y1=0.5, line=line)
    figure.add_shape(type="line", yref="paper", y0=0, y1=1, x0=1, x1=1, line=line)
    figure.add_shape(
        type="rect", x0=0, y0=0, x1=1, y1=2, line={"color": "#F2600C", "width": 3}, fillcolor="rgba(0,0,0,0)",
        layer="above",
    )  # fmt: skip
    template = figure.layout.template
    made = drawing.figure().update_layout(template=template)
    assert made == figure


def test_what_is_changed_later_is_checked_again() -> None:
    figure = matrix(np.eye(2), rows=["a", "b"], columns=["a", "b"], kind="weight")
    for change in ({"hight": 3}, {"height": "tall"}, {"xaxis": {"rang": [0, 1]}}):
        with pytest.raises(ValueError, match=r"Invalid (property|value)"):
            figure.update_layout(change)
    with pytest.raises(ValueError, match="Invalid value"):
        figure.update_traces(zmax="most")
    assert figure.update_layout(height=333).layout.height == 333


def test_a_figure_keeps_nothing_of_what_it_was_made_from() -> None:
    drawing = Drawing()
    z = np.zeros((2, 2))
    drawing.add("heatmap", z=z)
    drawing.lay(title={"text": "before"})
    figure = drawing.figure()
    z[0, 0] = 1
    drawing.lay(title={"text": "after"})
    assert figure.layout.title.text == "before"
    assert figure.data[0].z[0, 0] == 0
