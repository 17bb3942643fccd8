"""What the export says of a page, and how sharp its photos are in print."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from attention_core.analysis import tables
from attention_core.analysis.temporal import temporal_attention
from attention_core.figures import map_grid, mask_over_photo
from attention_core.figures.printed import PRINT_PIXELS, html_page, printed_figure, with_photo
from attention_core.inputs.clip import load_clip
from attention_core.inputs.samples import sample_photo
from attention_core.words import plain
from tests.ui.driver import figure, opened, run
from ui.i18n import catalogue
from ui.inputs.film import Film
from ui.shell.wire import jpeg_uri
from ui.take_along.small import seen

MASK = np.linspace(0, 1, 16).reshape(4, 4)


def exported(page: str, language: str = "en", **link: str) -> AppTest:
    """A page with its export open."""
    app = opened(page, language, **link)
    app.session_state["export"] = True
    return run(app)


def buttons(app: AppTest) -> list[str]:
    return [button.proto.id.rpartition("-")[2] for button in app.get("download_button")]


def program(app: AppTest) -> str:
    [code] = app.code
    return str(code.value)


def square(side: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)


def embedded(picture: Any) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(picture["source"].partition(",")[2])))


def edges(picture: go.Image, side: int) -> tuple[float, ...]:
    """Left, right, top and bottom of a picture in the coordinates of its figure."""
    left, top = picture.x0 - picture.dx / 2, picture.y0 - picture.dy / 2
    return left, left + side * picture.dx, top, top + side * picture.dy


@pytest.mark.parametrize("tiles", [0, 3])
def test_a_photo_is_sharp_in_print_and_stays_in_its_place(tiles: int) -> None:
    before = mask_over_photo(square(40), MASK)
    if tiles:
        before = map_grid([MASK] * tiles, titles=["", "a", "b"], kind="weight", photo=square(40), columns=3)
    asked: list[int] = []

    def photo(most: int) -> tuple[str, int]:
        asked.append(most)
        return jpeg_uri(Image.fromarray(square(most))), most

    after = with_photo(before, photo)
    pairs = list(zip(before.select_traces({"type": "image"}), after.select_traces({"type": "image"}), strict=True))
    assert len(pairs) == max(tiles, 1)
    for (old, new), most in zip(pairs, asked, strict=True):
        assert embedded(old).size == (40, 40)  # the page's own stays as it was
        assert embedded(new).size == (most, most)
        assert edges(new, most) == pytest.approx(edges(old, 40))
    assert asked[0] == PRINT_PIXELS if not tiles else PRINT_PIXELS / 5 < asked[0] < PRINT_PIXELS / 3


def test_a_photo_without_more_pixels_stays_as_it_is() -> None:
    before = mask_over_photo(square(40), MASK)
    assert with_photo(before, lambda most: (jpeg_uri(Image.fromarray(square(40))), 40)) == before


def test_a_large_photo_is_printed_from_its_own_pixels() -> None:
    stream = io.BytesIO()
    Image.open(io.BytesIO(sample_photo("cat"))).resize((1400, 900)).save(stream, "PNG")
    app = opened("cbam")
    app.file_uploader[0].set_value([("large.png", stream.getvalue(), "image/png")]).run()
    on_the_page = figure(app, "mask-over")["data"][0]
    app.session_state["export"] = True
    run(app)
    app.selectbox(key="export-figure").set_value("mask-over")
    in_print = figure(run(app), "export-preview")["data"][0]
    assert embedded(on_the_page).size == (400, 400)
    assert embedded(in_print).size == (900, 900)


@pytest.mark.parametrize(
    ("page", "caption"),
    [
        ("two_sentences", "layer 2, head 1"),
        ("head_atlas", "query “"),
        ("compare", "plain, se, cbam"),
        ("profiles", "all stages"),
        ("mask_trial", "cbam, stage 4"),
    ],
)
def test_pages_about_a_trace_can_be_taken_along(page: str, caption: str) -> None:
    app = exported(page, **({"layer": "1", "head": "0"} if page == "two_sentences" else {}))
    assert buttons(app) == ["html", "npz", "csv", "json", "py"]
    assert any(plain(caption) in one.value for one in app.caption)
    exec(compile(program(app), "snippet", "exec"), {})


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_without_figures_offers_its_numbers(language: str) -> None:
    app = exported("overview", language, whatif="tau-2")
    assert buttons(app) == ["npz", "csv", "json", "py"]
    assert "temperature=2.0" in program(app)
    assert buttons(exported("head_view", language)) == ["npz", "csv", "json", "py"]


def test_a_changed_photo_is_computed_anew_by_its_program() -> None:
    app = exported("photo_what_if", photo="cat", build="se", stage="stage2", photo_if="stage2.top8")
    assert "html" in buttons(app)
    exec(compile(program(app), "snippet", "exec"), {})
    assert "gate_override" in program(app)
    assert any(plain("Changed: Stage 2: 8 strongest channels off.") in caption.value for caption in app.caption)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Changed: temperature τ = 2 · causal attention mask · 1 hidden: “柠” · gate of layer 1, head 2: 0.5."),
        ("zh", "改动：温度 τ = 2；因果注意力掩码；遮住 1 个词元：“柠”；第 1 层第 2 头的门控 = 0.5。"),
    ],
)
def test_what_is_changed_is_said_in_words(language: str, said: str) -> None:
    app = exported("self_attention", language, s="我吃柠檬", whatif="tau-2_causal_hide-3_gate-0-1-0.5")
    assert any(caption.value.endswith(plain(said)) for caption in app.caption)
    printed = figure(app, "export-preview")["layout"]
    lines = " ".join(note["text"].replace("<br>", " ") for note in printed["annotations"])
    assert said.replace(" ", "") in lines.replace(" ", "")


def test_what_was_tried_with_a_mask_is_taken_along() -> None:
    app = exported("mask_trial", photo="cat", stage="stage2")
    offered = app.selectbox(key="export-figure").options
    for name in ("maps.alt", "curves.deletion", "curves.insertion"):
        assert any(catalogue("en")[f"mask_trial.{name}"] in option for option in offered)
    assert any(plain("Cat in the trained network cbam, stage 2.") in one.value for one in app.caption)
    exec(compile(program(app), "snippet", "exec"), {})  # it compares the areas by itself
    assert "try_map" in program(app)


@pytest.mark.parametrize("score", ["scaled_dot", "dot", "cosine", "additive"])
def test_the_numbers_by_hand_are_taken_along(score: str) -> None:
    app = exported("self_attention", view="hand", score=score, hand="wq-0-3-7", hq="3")
    assert buttons(app) == ["html", "npz", "csv", "json", "py"]
    assert "7.0" in program(app)
    exec(compile(program(app), "snippet", "exec"), {})
    wrong = program(app).replace("7.0", "0.5", 1)
    with pytest.raises(AssertionError):
        exec(compile(wrong, "snippet", "exec"), {})


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_clip_is_taken_along(language: str) -> None:
    app = exported("clips", language, clip="cat", stage="stage2", frame="3", tau="2.0")
    assert buttons(app) == ["html", "npz", "csv", "json", "py"]
    assert "temperature=2.0" in program(app)
    assert any("cbam" in one.value and "3" in one.value for one in app.caption)
    player = go.Figure(figure(app, "clip-player"))
    assert player.frames and "Plotly.animate" not in html_page(
        printed_figure("", player), title="", caption="", language=language
    )
    exec(compile(program(app), "snippet", "exec"), {})


def test_a_clip_of_ones_own_is_computed_anew_from_its_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    frames = [Image.fromarray(square(90)), Image.open(io.BytesIO(sample_photo("cat"))).resize((90, 90))]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    app = opened("clips")
    app.file_uploader[0].set_value([("own.gif", stream.getvalue(), "image/gif")]).run()
    app.session_state["export"] = True
    run(app)
    film = Film("own", load_clip(stream.getvalue()), sample=None)
    made = tables.npz(film.trace, beside={"frames": seen(film)})
    (tmp_path / "attention-explorer-clips.npz").write_bytes(made)
    monkeypatch.chdir(tmp_path)
    exec(compile(program(app), "snippet", "exec"), {})
    with zipfile.ZipFile(
        io.BytesIO(tables.csv_zip(tables.clip_tables(film.trace, temporal_attention(film.trace.pooled), film.places)))
    ) as archive:
        rows = archive.read("weights.csv").decode("utf-8-sig").splitlines()
    assert rows[0] == "frame,1,2" and len(rows) == 3


@pytest.mark.parametrize(("page", "key"), [("squeeze_excitation", "channel-weights"), ("cbam", "channel-weights")])
def test_bars_in_two_colours_can_be_taken_along(page: str, key: str) -> None:
    app = exported(page, photo="cat")
    app.selectbox(key="export-figure").set_value(key)
    assert len(set(figure(run(app), "export-preview")["data"][0]["marker"]["color"])) <= 2
