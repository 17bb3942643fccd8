"""The page on networks that write: the painted numbers are those of the library's steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from attention_core import GenerationStep, generate, load_hub_text_model
from tests.ui.driver import decoded, figure, keys, opened, run, taken_along
from tests.ui.test_network_picker import SENTENCE, folder, visited
from ui.i18n import LANGUAGES
from ui.markdown import plain

pytestmark = pytest.mark.usefixtures("networks_here")

__all__ = ["folder"]


def steps(folder: Path, name: str, count: int) -> list[GenerationStep]:
    return [*generate(load_hub_text_model(folder / name, device="cpu"), SENTENCE, steps=count)]


def check(app: AppTest, written: list[GenerationStep], number: int, layer: int, head: int) -> None:
    one = written[number]
    bars = figure(app, "next-token")["data"][0]
    assert np.allclose(decoded(bars["x"]), [probability for _, probability in one.predictions(5)], atol=1e-5)
    heads = decoded(figure(app, "next-heads")["data"][0]["z"])
    assert np.allclose(heads, one.layers[layer].weights[0, :, 0].numpy(), atol=1e-5)
    rows = decoded(figure(app, "next-rows")["data"][0]["z"])
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


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_network_that_fills_gaps_says_what_to_choose(language: str) -> None:
    app = opened("generation", language)
    [note] = [info.value for info in app.info]
    assert "gpt2" in note and "bilingual" in note
    assert "next-token" not in keys(app)
    assert "next-token" not in keys(visited("generation", "encoder", language))


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
    assert program.count("shown = torch.tensor([") == 2  # the weights, then the probabilities
