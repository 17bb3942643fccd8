"""Both photo pages, run as Streamlit runs them: in both languages, with good photos and bad files."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from attention_core import inputs, load_vision_model, words
from attention_core.analysis.familiarity import known_things
from attention_core.analysis.stages import channel_weights
from attention_core.inputs.samples import SAMPLE_PHOTOS, sample_photo
from attention_core.models.registry import gate_bands, scores, vision_groups
from tests.ui.driver import figure, opened
from ui.i18n import LANGUAGES, catalogue
from ui.inputs import networks

ROOT = Path(__file__).resolve().parents[2]
STEPS = {"squeeze_excitation": 7, "cbam": 9}
NAMES = {
    "squeeze_excitation": ["squeeze", "hidden", "logits", "gates", "scale"],
    "cbam": ["pooled", "mlp", "weights", "maps", "convolution", "mask", "stages"],
}
PAGES = pytest.mark.parametrize("page", STEPS)
LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


def assert_alive(app: AppTest, page: str, language: str) -> None:
    """No exception, and every step there with its number, its title and its sentence."""
    assert not app.exception
    html = "".join(block.proto.body for block in app.get("html"))
    assert html.count('step-number">') == STEPS[page]
    shown = html + "".join(text.value for text in app.markdown)
    messages = words.catalogue(language)  # type: ignore[arg-type]
    for name in NAMES[page]:
        for part in ("title", "see"):
            pieces = messages[f"{page}.{name}.{part}"]
            # values stand in the message where it has braces: what comes before the first must be there
            said = [piece.say.split("{")[0] in shown for piece in pieces]
            always = [there for piece, there in zip(pieces, said, strict=True) if not piece.when]
            assert all(always) and any(said)


def png(colour: str = "teal", size: tuple[int, int] = (90, 60)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return stream.getvalue()


@PAGES
@LANGUAGE
def test_page_shows_every_step(page: str, language: str) -> None:
    app = opened(page, language)
    assert_alive(app, page, language)
    assert not app.error
    assert app.title[0].value == catalogue(language)[f"{page}.title"]
    assert app.segmented_control(key="photo").value == "coffee"


@PAGES
@LANGUAGE
def test_corrections_of_the_article_are_there(page: str, language: str) -> None:
    keys = {
        "squeeze_excitation": ["squeeze_excitation.gates.correction", "squeeze_excitation.scale.correction"],
        "cbam": ["cbam.maps.correction"],
    }[page]
    app = opened(page, language)
    folded = [box for box in app.expander if box.label == catalogue(language)["words.differs"]]
    assert [box.markdown[0].value for box in folded] == [catalogue(language)[key] for key in keys]
    assert not app.warning


@PAGES
def test_another_sample_changes_the_numbers(page: str) -> None:
    app = opened(page)
    before = figure(app, "channel-weights")["data"][0]["y"]
    app.segmented_control(key="photo").set_value("cat").run()
    assert_alive(app, page, "en")
    assert figure(app, "channel-weights")["data"][0]["y"] != before
    assert app.query_params["photo"] == "cat"


@PAGES
def test_every_stage_can_be_chosen(page: str) -> None:
    app = opened(page)
    sizes = set()
    for stage in app.segmented_control(key="stage").options:
        number = stage.split()[1]
        app.segmented_control(key="stage").set_value(f"stage{number}").run()
        assert_alive(app, page, "en")
        sizes.add(str(figure(app, "channel-weights")["data"][0]["y"]))
    assert len(sizes) == 4


@PAGES
@LANGUAGE
def test_uploaded_photo_is_used_and_survives_pages_and_languages(page: str, language: str) -> None:
    app = opened(page, language)
    before = figure(app, "channel-weights")["data"][0]["y"]
    app.file_uploader(key="photo-file").upload("mine.png", png()).run()
    assert_alive(app, page, language)
    assert not app.error
    assert app.segmented_control(key="photo").value == "upload"
    assert app.query_params["photo"] == "upload"
    mine = figure(app, "channel-weights")["data"][0]["y"]
    assert mine != before

    other_language = next(each for each in LANGUAGES if each != language)
    app.segmented_control(key="lang").set_value(other_language).run()
    assert_alive(app, page, other_language)
    assert figure(app, "channel-weights")["data"][0]["y"] == mine

    other = next(each for each in STEPS if each != page)
    app.switch_page(str(ROOT / "pages" / f"{other}.py")).run()
    assert_alive(app, other, other_language)
    assert app.segmented_control(key="photo").value == "upload"
    app.switch_page(str(ROOT / "pages" / f"{page}.py")).run()
    assert figure(app, "channel-weights")["data"][0]["y"] == mine


BAD = {
    "image.empty": b"",
    "image.unsupported": "这不是照片 not a photo".encode(),
    "image.truncated": png()[:60],
    "image.too_small": png(size=(4, 4)),
    "image.too_many_pixels": png(size=(6000, 5001)),
    "image.file_too_large": None,
}


@PAGES
@LANGUAGE
def test_bad_files_are_explained_and_the_page_stays(page: str, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(page, language)
    messages = catalogue(language)
    for key, data in BAD.items():
        with monkeypatch.context() as patch:
            if data is None:
                # 40 MB would only be slow: the page must answer a smaller limit in the same way
                patch.setattr("attention_core.inputs.image.MAX_FILE_BYTES", 1000)
                data = png() + bytes(2000)
            app.file_uploader[0].upload("mine.png", data).run()
        assert_alive(app, page, language)
        [error] = app.error
        assert "mine" in error.value
        assert messages[f"errors.{key}"].split("{")[0] in error.value
        assert "{" not in error.value
        if key == "image.unsupported":
            assert messages["errors.words.text"] in error.value
        assert app.segmented_control(key="photo").value == "coffee"
    app.file_uploader[0].upload("mine.png", png()).run()
    assert_alive(app, page, language)
    assert not app.error


@PAGES
@LANGUAGE
@pytest.mark.parametrize("choice", ["upload", "camera"])
def test_link_to_a_photo_that_is_not_here_shows_the_cat_and_says_so(page: str, language: str, choice: str) -> None:
    app = opened(page, language, photo=choice)
    assert_alive(app, page, language)
    assert catalogue(language)[f"photo.waiting.{choice}"] in [info.value for info in app.info]


@PAGES
def test_photo_from_the_camera_is_used(page: str) -> None:
    app = opened(page, photo="camera")
    before = figure(app, "channel-weights")["data"][0]["y"]
    stream = io.BytesIO()
    Image.new("RGB", (80, 60), "orange").save(stream, "JPEG")
    app.camera_input(key="photo-shot").upload("shot.jpg", stream.getvalue()).run()
    assert_alive(app, page, "en")
    assert figure(app, "channel-weights")["data"][0]["y"] != before


@PAGES
@LANGUAGE
def test_junk_in_the_link_falls_back(page: str, language: str) -> None:
    junk = {"photo": "unicorn", "stage": "stage9", "order": "<b>", "opacity": "nan", "stretch": "maybe"}
    app = opened(page, language, **junk)
    assert_alive(app, page, language)
    assert app.segmented_control(key="photo").value == "coffee"
    assert app.segmented_control(key="stage").value == "stage4"  # where photos differ most
    assert app.info  # names what could not be used


@PAGES
def test_orders_of_the_bars(page: str) -> None:
    app = opened(page, order="top")
    seen = [figure(app, "channel-weights")["data"][0]["customdata"]]
    for order in ("sorted", "index"):
        app.segmented_control(key="order").set_value(order).run()
        assert_alive(app, page, "en")
        seen.append(figure(app, "channel-weights")["data"][0]["customdata"])
    assert seen[0] != seen[1] != seen[2]


def test_mask_is_stretched_only_when_asked() -> None:
    app = opened("cbam")
    plain = figure(app, "mask-over")["data"][1]
    assert (plain["zmin"], plain["zmax"]) == (0, 1)
    app.toggle(key="stretch").set_value(True).run()
    stretched = figure(app, "mask-over")["data"][1]
    assert 0 < stretched["zmin"] < stretched["zmax"] < 1
    assert stretched["z"] == plain["z"]


def test_opacity_of_the_mask() -> None:
    app = opened("cbam", opacity="0.25")
    assert figure(app, "mask-over")["data"][1]["opacity"] == 0.25
    app.slider(key="opacity").set_value(0.8).run()
    assert figure(app, "mask-over")["data"][1]["opacity"] == 0.8


@PAGES
def test_weak_prediction_is_no_confident_name(page: str) -> None:
    app = opened(page)
    app.file_uploader(key="photo-file").upload("grey.png", png("grey")).run()
    build = "se" if page == "squeeze_excitation" else "cbam"
    grey = load_vision_model(build).trace(Image.new("RGB", (90, 60), "grey"))
    things = known_things(build)
    answers = {(True, True): "known", (False, True): "doubtful", (True, False): "unsure", (False, False): "strange"}
    [(entry, probability)] = grey.top(1)
    facts = {
        "name": entry.en,
        "group": vision_groups()[entry.group]["en"],
        "grouped": True,
        "probability": probability,
        "threshold": things.unsure_below,
        "less": things.less_familiar(grey),
    }
    key = f"photo.prediction.{answers[things.knows(grey), things.sure(grey)]}"
    expected = words.spoken(words.Say(key, facts), "en", words.plain)
    assert expected in [info.value for info in app.info] + [text.value for text in app.markdown]


@PAGES
@LANGUAGE
def test_what_was_measured_of_the_gates_stands_below_them(page: str, language: str) -> None:
    build = "se" if page == "squeeze_excitation" else "cbam"
    weights = channel_weights(load_vision_model(build).trace(inputs.load_image(sample_photo("pig"))).stages[-1])
    band = gate_bands(build)["stage4"]
    outside = int(((weights < band[0]) | (weights > band[2])).sum())
    app = opened(page, language, photo="pig")
    said = "\n".join(text.value for text in app.markdown)
    counts = {"count": outside, "channels": 192, "expected": 19.2}
    [counted, *_] = words.catalogue(language)["gate_life.unusual"]  # type: ignore[index]
    assert counted.say.format(**counts) in said
    bars = figure(app, "channel-weights")["data"]
    assert sum(colour != bars[0]["marker"]["color"][0] for colour in bars[0]["marker"]["color"]) in (
        outside,
        192 - outside,
    )
    spread = scores("vision")["life"][build]["stages"]["stage4"]["gates"]["spread"]
    assert any(f"{spread:.3f}" in caption.value for caption in app.caption)


@PAGES
def test_gates_that_are_the_same_for_every_photo_are_called_that(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = {"gates": {"spread": 0.004, "fixed_share": 0.998}}
    life = {build: {"photos": 2500, "stages": {"stage4": dead}} for build in ("se", "cbam")}
    monkeypatch.setattr(networks, "measured", lambda kind: {"life": life})
    app = opened(page)
    still = catalogue("en")["gate_life.still"].split("{")[0]
    assert any(info.value.startswith(still) for info in app.info)


def test_each_mask_says_what_it_follows() -> None:
    captions = [caption.value for caption in opened("cbam").caption]
    for found in scores("vision")["life"]["cbam"]["stages"].values():
        assert any(catalogue("en")[f"gate_life.follows.{found['masks']['follows']}"] in line for line in captions)


@pytest.mark.parametrize("name", SAMPLE_PHOTOS)
def test_samples_are_photos(name: str) -> None:
    assert min(inputs.load_image(sample_photo(name)).size) >= 64


def measured(value: float) -> dict[str, float]:
    return {"value": value, "standard_error": 0.005}


@PAGES
@LANGUAGE
def test_scores_of_the_evaluation_stand_beside_the_pictures(
    page: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = {
        "class_top1": measured(0.512),
        "class_top5": measured(0.789),
        "photos": 5000,
        "unknown": {"below": 0.0001},
    }
    part = {kind: {"pixel_auc": measured(0.63)} for kind in ("mask", "features")}
    scores = {
        "builds": dict.fromkeys(("plain", "se", "cbam"), build),
        "minus_plain": {name: measured(0.021) for name in ("se", "cbam")},
        "masks": {"photos": 1234}
        | {f"stage{i}": part for i in (1, 2, 3)}
        | {"centred_gaussian": {"pixel_auc": measured(0.71)}},
    }
    monkeypatch.setattr(networks, "measured", lambda kind: scores)
    app = opened(page, language)
    assert_alive(app, page, language)
    captions = [caption.value for caption in app.caption]
    [trust] = [caption for caption in captions if "51.2%" in caption]
    assert all(number in trust for number in ("5,000", "78.9%", "+2.1 ± 0.5"))
    assert sum("0.63" in caption and "0.71" in caption for caption in captions) == (3 if page == "cbam" else 0)
    known = words.catalogue(language)["photo.prediction.known"][0].say.split("{")[0]  # type: ignore[index]
    assert any(text.value.startswith(known) for text in app.markdown)
