"""The page on short clips, run without a browser."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from attention_core import load_image, load_vision_model
from attention_core.analysis.temporal import ClipTrace, clip_trace, temporal_attention
from attention_core.inputs.clip import load_clip, panned_clip
from attention_core.inputs.samples import sample_photo
from tests.ui.driver import decoded, figure, opened, run
from ui.i18n import LANGUAGES, catalogue

LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


def gif(count: int, size: tuple[int, int] = (40, 30)) -> bytes:
    stream = io.BytesIO()
    frames = [Image.new("RGB", size, (number * 5 % 256, 60, 255 - number * 5 % 256)) for number in range(count)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=50)
    return stream.getvalue()


@pytest.fixture(scope="module")
def cat() -> ClipTrace:
    return clip_trace(load_vision_model("cbam"), panned_clip(load_image(sample_photo("cat"))).frames)


def masks(app: AppTest) -> list[np.ndarray[Any, Any]]:
    """Of all frames, as the browser gets them."""
    return [decoded(frame["data"][0]["z"]) for frame in figure(app, "clip-player")["frames"]]


@LANGUAGE
def test_masks_and_weights_are_those_of_the_trace(language: str, cat: ClipTrace) -> None:
    app = opened("clips", language, clip="cat", stage="stage2", frame="3", tau="2.0")
    assert not app.exception and not app.error
    np.testing.assert_allclose(masks(app), cat.masks["stage2"].numpy(), atol=1e-5)
    attention = temporal_attention(cat.pooled, temperature=2.0)
    for name, expected in (("weights", attention.weights[0]), ("scores", attention.scores[0])):
        np.testing.assert_allclose(decoded(figure(app, f"clip-{name}")["data"][0]["z"]), expected, atol=1e-4)
    assert figure(app, "clip-weights")["layout"]["shapes"][0]["y0"] == 1.5  # frame 3 is framed
    assert figure(app, "clip-player")["layout"]["sliders"][0]["active"] == 2
    row = figure(app, "clip-row")["data"][0]
    np.testing.assert_allclose(decoded({"shape": 16, **row["y"]}), attention.weights[0, 2], atol=1e-5)
    words = catalogue(language)  # type: ignore[arg-type]
    assert words["clips.attention.untrained"] in [warning.value for warning in app.warning]
    assert words["clips.made"].format(frames=16) in [caption.value for caption in app.caption]


@LANGUAGE
def test_an_uploaded_clip_is_used_and_a_long_one_is_sampled(language: str) -> None:
    words = catalogue(language)  # type: ignore[arg-type]
    app = opened("clips", language)
    app.file_uploader(key="clip-file").upload("mine.gif", gif(5)).run()
    assert not app.exception and not app.error
    assert app.query_params["clip"] == "upload"
    expected = clip_trace(load_vision_model("cbam"), load_clip(gif(5)).frames)
    np.testing.assert_allclose(masks(app), expected.masks["stage4"].numpy(), atol=1e-5)
    assert words["clips.whole"].format(frames=5) in [caption.value for caption in app.caption]

    app.file_uploader(key="clip-file").upload("long.gif", gif(50)).run()
    assert not app.exception and not app.error
    assert len(masks(app)) == 32
    told = words["clips.sampled"].format(total=50, kept=32, most=32)
    assert told in [info.value for info in app.info]
    # names and rows count the frames as they stand in the file
    steps = figure(app, "clip-player")["layout"]["sliders"][0]["steps"]
    assert steps[-1]["label"] == words["clips.frame_name"].format(number=50, total=50)

    other = next(each for each in LANGUAGES if each != language)
    app.segmented_control(key="lang").set_value(other).run()
    assert not app.exception
    assert len(masks(app)) == 32


BAD = {
    "image.empty": b"",
    "clip.unsupported": b"\0\0\0\x18ftypmp42" + bytes(40),
    "clip.one_frame": gif(1),
    "image.truncated": gif(4)[:-300],
    "clip.too_many_frames": None,
}


@LANGUAGE
def test_bad_files_are_explained_and_the_page_stays(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = catalogue(language)  # type: ignore[arg-type]
    app = opened("clips", language)
    for key, data in BAD.items():
        with monkeypatch.context() as patch:
            if data is None:
                patch.setattr("attention_core.inputs.clip.MAX_FILE_FRAMES", 5)
                data = gif(6)
            app.file_uploader(key="clip-file").upload("mine.gif", data).run()
        assert not app.exception, key
        [error] = app.error
        assert error.value.startswith(words[f"errors.{key}"].split("{")[0]), key
        assert "{" not in error.value
        assert (words["errors.words.video"] in error.value) == (key == "clip.unsupported")
        assert words["clips.instead"] in [caption.value for caption in app.caption]
        assert len(masks(app)) == 16


@LANGUAGE
def test_a_link_to_a_clip_that_is_not_here_says_so(language: str) -> None:
    app = opened("clips", language, clip="upload")
    assert not app.exception
    assert catalogue(language)["clips.waiting"] in [info.value for info in app.info]  # type: ignore[arg-type]
    assert len(masks(app)) == 16


@LANGUAGE
def test_the_link_says_that_a_clip_of_ones_own_is_not_in_it(language: str) -> None:
    app = opened("clips", language)
    app.session_state["share"] = True
    said = catalogue(language)["share.clip"]  # type: ignore[index]
    assert said not in [caption.value for caption in run(app).caption]
    app.file_uploader(key="clip-file").upload("mine.gif", gif(5))
    assert said in [caption.value for caption in run(app).caption]


def test_the_frame_is_in_the_link_and_fits_the_clip() -> None:
    app = opened("clips", frame="9")
    app.slider[0].set_value(12).run()
    assert app.query_params["frame"] == "12"
    app.file_uploader(key="clip-file").upload("mine.gif", gif(5)).run()
    assert not app.exception
    assert app.query_params["frame"] == "5"


@pytest.mark.parametrize(
    "junk", [{"frame": "0"}, {"frame": "x"}, {"clip": "rocket"}, {"tau": "0"}, {"stage": "stage9"}]
)
def test_junk_in_the_link_falls_back(junk: dict[str, str]) -> None:
    app = opened("clips", **junk)
    assert not app.exception
    assert app.query_params["frame"] == "1" and app.query_params["clip"] == "coffee"
    assert app.info
