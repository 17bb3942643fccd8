"""The clip player, and maps over a photo side by side."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from attention_core.errors import ShapeError
from attention_core.figures import clip_player, map_grid

RNG = np.random.default_rng(0)
MASKS = RNG.random((3, 4, 4), dtype=np.float32)
PICTURES = ["data:image/jpeg;base64,AAAA", "data:image/jpeg;base64,BBBB", "data:image/jpeg;base64,CCCC"]


def player(**options: object) -> go.Figure:
    return clip_player(PICTURES, MASKS, side=80, names=["f1", "f2", "f3"], value_name="M", **options)  # type: ignore[arg-type]


def test_every_frame_has_its_picture_its_mask_and_its_range() -> None:
    fig = player(title="clip")
    assert [frame.name for frame in fig.frames] == ["0", "1", "2"]
    for frame, picture, mask in zip(fig.frames, PICTURES, MASKS, strict=True):
        assert [image.source for image in frame.layout.images] == [picture]
        assert np.array_equal(frame.data[0].z, mask)
        assert f"{mask.min():.3f} … {mask.max():.3f}" in frame.layout.title.text
        assert frame.layout.title.text.startswith("<b>clip<br>")
    steps = fig.layout.sliders[0].steps
    assert [(step.label, tuple(step.args[0])) for step in steps] == [("f1", ("0",)), ("f2", ("1",)), ("f3", ("2",))]


def test_it_starts_at_the_frame_that_is_asked_for() -> None:
    fig = player(start=2)
    assert [image.source for image in fig.layout.images] == [PICTURES[2]]
    assert np.array_equal(fig.data[0].z, MASKS[2])
    assert fig.layout.sliders[0].active == 2


def test_colours_are_fixed_and_cells_lie_on_the_picture() -> None:
    fig = player()
    assert (fig.data[0].zmin, fig.data[0].zmax) == (0, 1)
    # 4 cells over 80 pixels: the first covers -0.5 … 19.5
    assert fig.data[0].dx == 20 and fig.data[0].x0 - fig.data[0].dx / 2 == -0.5
    [picture] = fig.layout.images
    assert (picture.x, picture.y, picture.sizex, picture.sizey) == (-0.5, -0.5, 80, 80)
    assert tuple(fig.layout.xaxis.range) == (-0.5, 79.5)


def test_play_and_stop_have_the_words_that_are_given() -> None:
    play, pause = player(play="go", pause="halt", milliseconds=99).layout.updatemenus[0].buttons
    assert (play.label, play.args[1]["frame"]["duration"]) == ("go", 99)
    assert (pause.label, tuple(pause.args[0])) == ("halt", (None,))


def test_lengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="pictures: 2 came, 3 are needed"):
        clip_player(PICTURES[:2], MASKS, side=80, names=["a", "b", "c"])
    with pytest.raises(ShapeError, match="names"):
        clip_player(PICTURES, MASKS, side=80, names=["a"])


def test_a_photo_lies_under_every_map_of_a_grid() -> None:
    photo = RNG.integers(0, 255, (32, 32, 3), dtype=np.uint8)
    maps = [np.full((4, 4), np.nan), RNG.random((8, 8)), RNG.random((4, 4))]
    fig = map_grid(maps, titles=["a", "b", "c"], kind="weight", photo=photo, opacity=0.5, columns=2)
    pictures = [trace for trace in fig.data if isinstance(trace, go.Image)]
    [heat] = [trace for trace in fig.data if isinstance(trace, go.Heatmap)]
    assert heat.opacity == 0.5
    z = np.asarray(heat.z)
    for picture, values in zip(pictures, maps, strict=True):
        left, top = round(picture.x0 - picture.dx / 2 + 0.5), round(picture.y0 - picture.dy / 2 + 0.5)
        tile = z[top : top + 8, left : left + 8]
        assert np.array_equal(tile, values.repeat(8 // len(values), 0).repeat(8 // len(values), 1), equal_nan=True)
        assert picture.dx * 32 == 8


def test_a_photo_of_another_kind_is_refused() -> None:
    with pytest.raises(ShapeError, match="photo is float64"):
        map_grid([np.zeros((2, 2))], titles=["a"], kind="weight", photo=np.zeros((4, 4, 3)))  # type: ignore[arg-type]
