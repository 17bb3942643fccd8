"""The page on networks that write: the painted numbers are those of the library's steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from attention_core import (
    GenerationStep,
    TranslationStep,
    Translator,
    generate,
    load_hub_text_model,
    load_translator,
    sampled,
)
from attention_core.models.writing import Sampling, rivals
from attention_core.words import plain
from tests.ui.driver import decoded, figure, keys, opened, run, said, taken_along
from tests.ui.test_network_picker import SENTENCE, folder, visited
from ui.i18n import LANGUAGES, catalogue

pytestmark = pytest.mark.usefixtures("networks_here")

__all__ = ["folder"]


@pytest.fixture(scope="module")
def translator() -> Translator:
    return load_translator(device="cpu")


def steps(folder: Path, name: str, count: int) -> list[GenerationStep]:
    return [*generate(load_hub_text_model(folder / name, device="cpu"), SENTENCE, steps=count)]


def check(app: AppTest, written: list[GenerationStep], number: int, layer: int, head: int) -> None:
    one = written[number]
    bars = figure(app, "next-token")["data"][0]
    assert np.allclose(decoded(bars["x"]), [rival.probability for rival in rivals(one)], atol=1e-5)
    whole = figure(app, "written-tokens")["data"][0]
    assert np.allclose(decoded(whole["x"]), [each.probability for each in written], atol=1e-5)
    heads = decoded(figure(app, "next-heads")["data"][0]["z"])
    assert np.allclose(heads, one.layers[layer].weights[0, :, 0].numpy(), atol=1e-5)
    translated = isinstance(one, TranslationStep)
    rows = decoded(figure(app, "next-back" if translated else "next-rows")["data"][0]["z"])
    assert rows.shape == (len(written), len(written[-1].read))
    for row, each in zip(rows, written, strict=True):
        assert np.allclose(row[: len(each.read)], each.layers[layer].weights[0, head, 0].numpy(), atol=1e-5)
        assert np.isnan(row[len(each.read) :]).all()


@pytest.mark.parametrize(("name", "language"), [("decoder", "en"), ("grouped", "zh")])
def test_each_new_token_comes_with_its_attention(name: str, language: str, folder: Path) -> None:
    app = visited("generation", name, language, length="6", layer="1", head="2", written="3")
    written = steps(folder, name, 6)
    check(app, written, min(3, len(written) - 1), 1, 2)
    app.slider(key="length").set_value(2)
    run(app)
    check(app, steps(folder, name, 2), 0, 1, 2)


def check_translation(app: AppTest, written: list[TranslationStep], number: int, layer: int, head: int) -> None:
    across = decoded(figure(app, "next-cross")["data"][0]["z"])
    assert np.allclose(across, written[number].cross[layer].weights[0, :, 0].numpy(), atol=1e-5)
    rows = decoded(figure(app, "next-across")["data"][0]["z"])
    expected = [one.cross[layer].weights[0, head, 0].numpy() for one in written]
    assert np.allclose(rows, expected, atol=1e-5)


@pytest.mark.parametrize(("language", "text"), [("zh", "我吃柠檬。"), ("en", "I eat lemons.")])
def test_it_opens_on_the_translator_that_ships(language: str, text: str, translator: Translator) -> None:
    app = opened("generation", language)
    written = [*translator.write(text)]
    check(app, written, (len(written) - 1) // 2, 2, 0)
    check_translation(app, written, (len(written) - 1) // 2, 2, 0)
    words = catalogue("zh" if language == "zh" else "en")
    source, into = (words[f"writing.language.{one}"] for one in (("zh", "en") if language == "zh" else ("en", "zh")))
    line = next(one.value for one in app.markdown if ":primary-background[" in one.value)
    assert line.startswith(words["writing.direction"].format(source=source, into=into))
    assert plain(written[-1].text) in line
    assert not app.error and not app.info


def test_token_layer_and_both_heads_stand_in_the_link(translator: Translator) -> None:
    link = {"written": "1", "cross_layer": "1", "cross_head": "3", "own_head": "6"}
    app = opened("generation", "en", s="我吃柠檬。", **link)
    written = [*translator.write("我吃柠檬。")]
    check(app, written, 1, 1, 6)
    check_translation(app, written, 1, 1, 3)


def test_the_language_can_be_asked_for(translator: Translator) -> None:
    app = opened("generation", "en", s="我吃柠檬。", into="zh")
    written = [*translator.write("我吃柠檬。", into="zh")]
    check(app, written, (len(written) - 1) // 2, 2, 0)
    assert any("Chinese into Chinese" in caption.value for caption in app.caption)


def test_what_is_drawn_stands_in_the_link_and_is_drawn_again(translator: Translator) -> None:
    text, link = "我吃柠檬。", {"how": "drawn", "temperature": "1.6", "top_k": "20", "seed": "4", "written": "0"}
    app = opened("generation", "en", s=text, **link)
    for seed in (4, 5):
        sampling = Sampling(1.6, 20, seed)
        written = [*translator.write(text, choose=sampled(1.6, 20, seed))]
        check_drawn(app, written, sampling)
        app.button(key="draw-again").click()
        run(app)
    assert app.query_params["seed"] == "6"


def check_drawn(app: AppTest, written: list[TranslationStep], sampling: Sampling) -> None:
    own, changed = (decoded(bars["x"]) for bars in figure(app, "written-tokens")["data"])
    assert np.allclose(own, [one.probability for one in written], atol=1e-5)
    assert np.allclose(changed, [sampling.probability(one) for one in written], atol=1e-5)
    others = rivals(written[0], sampling)
    own, changed = (decoded(bars["x"]) for bars in figure(app, "next-token")["data"])
    assert np.allclose(own, [rival.probability for rival in others], atol=1e-5)
    assert np.allclose(changed, [rival.drawn for rival in others], atol=1e-5)


def test_a_decoder_of_others_draws_in_the_same_way(folder: Path) -> None:
    app = visited("generation", "decoder", length="5", how="drawn", temperature="0.5", top_k="3", seed="2")
    model = load_hub_text_model(folder / "decoder", device="cpu")
    written = [*generate(model, SENTENCE, steps=5, choose=sampled(0.5, 3, 2))]
    own = decoded(figure(app, "written-tokens")["data"][0]["x"])
    assert np.allclose(own, [one.probability for one in written], atol=1e-5)


@pytest.mark.parametrize(
    ("key", "value"),
    [("temperature", "0"), ("temperature", "nan"), ("top_k", "-1"), ("seed", "-1"), ("seed", "9" * 9), ("into", "fr")],
)
def test_a_link_with_what_is_out_of_range_says_so(key: str, value: str) -> None:
    app = opened("generation", "en", **{"how": "drawn", key: value})
    assert f"{key} = “{value}”" in said(app)
    assert "next-token" in keys(app)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("typed", ["  ", "x" * 3000, "\u0301"])
@pytest.mark.parametrize("page", ["generation", "cross_attention"])
def test_a_text_that_cannot_be_read_is_named_and_the_example_shown(page: str, typed: str, language: str) -> None:
    app = opened(page, language)
    before = figure(app, "next-cross" if page == "generation" else "cross-weights")
    app.text_input(key="s").set_value(typed)
    run(app)
    assert len(app.error) == 1
    assert figure(app, "next-cross" if page == "generation" else "cross-weights") == before
    assert app.text_input(key="s").value == typed


def test_a_long_text_is_cut_and_what_goes_on_is_stopped() -> None:
    app = opened("generation", "en", s="猫" * 300)
    assert any("256" in warning.value for warning in app.warning)
    assert len(decoded(figure(app, "written-tokens")["data"][0]["x"])) <= 64


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_the_network_cannot_write_the_translator_does(language: str, translator: Translator) -> None:
    app = visited("generation", "encoder", language)
    [note] = [info.value for info in app.info]
    assert "encoder" in note and "translator" in note
    written = [*translator.write(SENTENCE)]
    check(app, written, (len(written) - 1) // 2, 2, 0)


def test_a_text_that_leaves_no_room_says_so(folder: Path) -> None:
    app = visited("generation", "decoder")
    app.text_input(key="s").set_value("the cat " * 3000)
    run(app)
    assert not app.exception


def test_what_was_written_stands_behind_the_text(folder: Path) -> None:
    app = visited("generation", "decoder", length="3")
    said = steps(folder, "decoder", 3)[-1].text
    assert f"{plain(SENTENCE)}:primary-background[{plain(said)}]" in [line.value for line in app.markdown]


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_numbers_can_be_taken_along(language: str, folder: Path) -> None:
    app = visited("generation", "decoder", language, length="5", layer="1", head="2", written="3")
    program = taken_along(app, "folder:decoder")
    assert program.count("shown = torch.tensor([") == 3  # the weights, the rivals, the whole


@pytest.mark.parametrize(
    ("language", "link", "compared"),
    [
        ("en", {"into": "zh"}, 4),  # weights over what is written and read, rivals, the whole
        ("zh", {"how": "drawn", "temperature": "1.4", "top_k": "10", "seed": "7"}, 5),  # and what it was drawn by
    ],
)
def test_the_numbers_of_the_translator_can_be_taken_along(language: str, link: dict[str, str], compared: int) -> None:
    where = {"written": "1", "cross_layer": "1", "cross_head": "2", "own_head": "5"}
    app = opened("generation", language, s="我吃柠檬。", **where, **link)
    program = taken_along(app, "translator")
    assert "ac.load_translator(" in program
    assert program.count("shown = torch.tensor([") == compared
