"""The strip of photos: what comes is kept, named, shown, moved and removed."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from attention_core.inputs.image import CENTRE, can_move, moved_square
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models.registry import load_vision_model
from tests.ui.driver import figure, opened
from tests.ui.test_photo_pages import STEPS, assert_alive, png
from ui.i18n import LANGUAGES, catalogue
from ui.inputs.kept_photos import MOST
from ui.inputs.networks import Photo
from ui.inputs.square import SquareOf

LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)
PAGE = "squeeze_excitation"


def halves() -> bytes:
    """300 × 100: red on the left, blue on the right."""
    image = Image.new("RGB", (300, 100), "red")
    image.paste("blue", (150, 0, 300, 100))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    return app.file_uploader[0].set_value([(name, data, "image/png") for name, data in files]).run()


def strip(app: AppTest) -> Any:
    return app.segmented_control(key="photo")


def test_several_at_once_make_a_strip_and_the_first_is_shown() -> None:
    app = upload(opened(PAGE), ("one.png", png("teal")), ("two.png", png("orange")))
    assert_alive(app, PAGE, "en")
    assert strip(app).options[:2] == ["1 · one\\.png", "2 · two\\.png"]
    assert app.query_params["photo"] == strip(app).value == "upload"
    first = figure(app, "channel-weights")["data"][0]["y"]
    strip(app).set_value("upload-2").run()
    assert app.query_params["photo"] == "upload-2"
    assert figure(app, "channel-weights")["data"][0]["y"] != first


@LANGUAGE
def test_a_broken_file_is_named_and_the_good_one_beside_it_is_kept(language: str) -> None:
    app = upload(opened(PAGE, language), ("broken.png", png()[:60]), ("good.png", png("navy")))
    assert_alive(app, PAGE, language)
    [error] = app.error
    assert "broken" in error.value and "good" not in error.value
    assert [name for name in strip(app).options if "png" in name] == ["1 · good\\.png"]
    assert strip(app).value == "upload"
    strip(app).set_value("cat").run()
    assert not app.error  # it is old news


def test_the_same_photo_is_kept_once() -> None:
    app = upload(opened(PAGE), ("one.png", png("teal")))
    upload(app, ("other.png", png("navy")), ("again.png", png("teal")))
    assert len([name for name in strip(app).options if "png" in name]) == 2


def test_what_is_too_many_is_named() -> None:
    many = [(f"photo{i}.png", png(f"#{i:02d}5080")) for i in range(MOST + 2)]
    app = upload(opened(PAGE), *many)
    assert len([name for name in strip(app).options if "png" in name]) == MOST
    [warning] = [each.value for each in app.warning if str(MOST) in each.value]
    assert f"photo{MOST}" in warning and f"photo{MOST + 1}" in warning and f"photo{MOST - 1}" not in warning
    assert not app.exception


def test_removing_shows_the_neighbour_and_at_last_a_sample() -> None:
    app = upload(opened(PAGE), ("one.png", png("teal")), ("two.png", png("orange")))
    app.button(key="photo-remove").click().run()
    assert strip(app).value == "upload-2"
    app.button(key="photo-remove").click().run()
    assert strip(app).value == "coffee"
    assert not [name for name in strip(app).options if "png" in name]
    assert not [button for button in app.button if button.key == "photo-remove"]
    upload(app, ("three.png", png("navy")))  # a number is never given twice
    assert app.query_params["photo"] == "upload-3"


@LANGUAGE
def test_the_link_of_somebody_elses_photo_asks_for_it(language: str) -> None:
    app = opened(PAGE, language, photo="upload-4")
    assert_alive(app, PAGE, language)
    assert catalogue(language)["photo.waiting.upload"] in [info.value for info in app.info]
    assert app.query_params["photo"] == "upload"
    upload(app, ("mine.png", png()))
    assert catalogue(language)["photo.waiting.upload"] not in [info.value for info in app.info]
    assert_alive(app, PAGE, language)


def test_the_camera_is_asked_for_only_when_it_is_chosen_and_is_off_after_the_shot() -> None:
    app = opened(PAGE)
    assert not app.get("camera_input")
    strip(app).set_value("camera").run()
    app.camera_input(key="photo-shot").upload("shot.jpg", png("orange")).run()
    assert strip(app).value == "upload"
    assert not app.get("camera_input")


@pytest.mark.parametrize("page", STEPS)
def test_the_square_can_be_moved_and_the_link_says_where(page: str) -> None:
    build = "se" if page == "squeeze_excitation" else "cbam"
    model = load_vision_model(build)
    app = upload(opened(page, stage="stage4"), ("halves.png", halves()))
    for place, box in ((0, (0, 0, 100, 100)), (100, (200, 0, 300, 100))):
        app.slider(key="crop").set_value(place).run()
        assert app.query_params["crop"] == str(place)
        alone = model.trace(Image.open(io.BytesIO(halves())).crop(box))
        attention = alone.stages[-1].attention
        weights = (attention.channel if isinstance(attention, CBAMTrace) else attention).weights[0]
        shown = figure(app, "channel-weights")["data"][0]["y"]
        painted = np.frombuffer(base64.b64decode(shown["bdata"]), shown["dtype"])
        assert painted == pytest.approx(weights.numpy(), abs=1e-5)
    strip(app).set_value("cat").run()
    assert app.slider(key="crop").value == CENTRE  # of another photo
    strip(app).set_value("mountain").run()
    assert not [slider for slider in app.slider if slider.key == "crop"]  # it is square


def test_junk_for_the_square_falls_back() -> None:
    app = opened(PAGE)
    for junk in ("-1", "101", "left"):
        app.query_params["crop"] = junk
        app.run()
        assert_alive(app, PAGE, "en")
        assert app.slider(key="crop").value == CENTRE
        assert any(junk in info.value for info in app.info)


def test_squares_of_a_photo() -> None:
    assert moved_square(300, 100, 0) == (0, 0, 100, 100)
    assert moved_square(100, 300, 100) == (0, 200, 100, 300)
    assert moved_square(301, 100, CENTRE) == (100, 0, 200, 100)
    assert can_move(300, 100) and not can_move(100, 100) and not can_move(100, 101)
    whole = Photo(halves())
    left, right = SquareOf(whole, 0), SquareOf(whole, 100)
    assert left.image.getpixel((50, 50)) == (255, 0, 0) and right.image.getpixel((50, 50)) == (0, 0, 255)
    assert len({whole.digest, left.digest, right.digest}) == 3
