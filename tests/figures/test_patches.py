"""A photo cut into patches: where the lines, the points and the numbers are."""

from __future__ import annotations

import numpy as np
import pytest

from attention_core.errors import ShapeError
from attention_core.figures.patches import photo_patches

PHOTO = np.zeros((60, 60, 3), dtype=np.uint8)


def test_each_patch_is_clickable_where_it_lies() -> None:
    figure = photo_patches(PHOTO, (2, 3), selected=4)
    points = figure.data[-1]
    assert [each[0] for each in points.customdata] == [0, 1, 2, 3, 4, 5]
    assert list(zip(points.y, points.x, strict=True)) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    frame = figure.layout.shapes[-1]
    assert (frame.y0, frame.y1, frame.x0, frame.x1) == (0.5, 1.5, 0.5, 1.5)


def test_the_photo_reaches_exactly_to_the_borders_of_the_patches() -> None:
    figure = photo_patches(PHOTO, (2, 3))
    picture = figure.data[0]
    assert np.isclose(picture.x0 - picture.dx / 2, -0.5) and np.isclose(picture.x0 + 59.5 * picture.dx, 2.5)
    assert np.isclose(picture.y0 - picture.dy / 2, -0.5) and np.isclose(picture.y0 + 59.5 * picture.dy, 1.5)
    lines = {(line.x0, line.x1, line.y0, line.y1) for line in figure.layout.shapes}
    assert lines == {(0.5, 0.5, -0.5, 1.5), (1.5, 1.5, -0.5, 1.5), (-0.5, 2.5, 0.5, 0.5)}


def test_numbers_lie_row_by_row_on_a_fixed_scale_with_their_range() -> None:
    figure = photo_patches(PHOTO, (2, 3), values=np.arange(6.0), limit=10.0, value_name="times")
    heatmap = figure.data[1]
    assert np.array_equal(heatmap.z, [[0, 1, 2], [3, 4, 5]])
    assert (heatmap.zmin, heatmap.zmax) == (0, 10)
    assert "times: 0.000 … 5.000" in figure.layout.title.text
    assert figure.data[-1].text[5].endswith("times: 5.0000")


def test_numbers_for_another_grid_are_refused() -> None:
    with pytest.raises(ShapeError, match="6"):
        photo_patches(PHOTO, (2, 3), values=np.zeros(5))
