"""The page on networks that read one text and write another: the painted numbers are those of the library's trace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from attention_core import load_hub_text_model
from attention_core.models.hub_encoder_decoder import EncoderDecoderTrace, HubEncoderDecoder
from tests.models.hub_networks import encoder_decoder, saved, sentence_pieces
from tests.ui.driver import decoded, figure, keys, loaded, opened, run, taken_along
from ui import translators
from ui.i18n import catalogue
from ui.markdown import plain

pytestmark = pytest.mark.usefixtures("networks_here")

SENTENCE = "the cat eats fish"
NETWORKS = {"t5": "T5ForConditionalGeneration", "marian": "MarianMTModel"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("translators")
    saved(made / "encoder", "BertForMaskedLM")
    for name, architecture in NETWORKS.items():
        encoder_decoder(architecture).save_pretrained(made / name)
        sentence_pieces().save_pretrained(made / name)
    return made


def visited(name: str, language: str = "en", **link: str) -> AppTest:
    app = opened("cross_attention", language, translator=f"folder:{name}", s=SENTENCE, **link)
    loaded(translators.store(), f"folder:{name}")
    return run(app)


def traced(folder: Path, name: str, target: str | None) -> EncoderDecoderTrace:
    model = load_hub_text_model(folder / name, device="cpu", max_tokens=256)
    assert isinstance(model, HubEncoderDecoder)
    return model.trace(SENTENCE, target)


def check(app: AppTest, trace: EncoderDecoderTrace, layer: int, head: int, row: int) -> None:
    weights = trace.cross[layer].weights[0, head].numpy()
    assert np.allclose(decoded(figure(app, "cross-weights")["data"][0]["z"]), weights, atol=1e-5)
    grid = decoded(figure(app, "cross-heads")["data"][0]["z"])
    assert np.nansum(grid) == pytest.approx(trace.cross[layer].weights.sum().item(), rel=1e-4)
    for side, layers in (("source", trace.source.layers), ("target", trace.target.layers)):
        painted = decoded(figure(app, f"within-{side}")["data"][0]["z"])
        assert np.allclose(painted, layers[layer].weights[0, head].numpy(), atol=1e-5)
    bars = figure(app, "cross-guess")["data"][0]
    assert np.allclose(decoded(bars["x"]), [p for _, p in trace.target.predictions(row, 5)], atol=1e-5)


@pytest.mark.parametrize(("name", "language"), [("t5", "en"), ("marian", "zh")])
def test_a_typed_text_is_led_along(name: str, language: str, folder: Path) -> None:
    app = visited(name, language, p="the fish eats", cross_layer="1", cross_head="2", row="2")
    assert not app.error
    check(app, traced(folder, name, "the fish eats"), 1, 2, 2)
    app.text_input(key="p").set_value("")
    run(app)
    trace = traced(folder, name, None)
    check(app, trace, 1, 2, min(2, len(trace.target.tokens) - 1))
    said = catalogue("zh" if language == "zh" else "en")["cross_attention.wrote"].split("{")[0]
    assert any(line.value.startswith(said) and plain(trace.target.text) in line.value for line in app.markdown)


def test_without_a_network_the_page_says_what_there_is() -> None:
    app = opened("cross_attention")
    assert "cross-weights" not in keys(app)
    assert any("t5-small" in info.value for info in app.info)


def test_a_network_without_cross_attention_is_refused_and_leads_back() -> None:
    app = visited("encoder")
    assert any("no cross-attention" in error.value for error in app.error)
    app.button(key="network-back").click()
    run(app)
    assert app.session_state["translator"] == "none"


@pytest.mark.parametrize(("language", "target"), [("en", "the fish eats"), ("zh", "")])
def test_its_numbers_can_be_taken_along(language: str, target: str, folder: Path) -> None:
    app = visited("t5", language, p=target, cross_layer="1", cross_head="2", row="1")
    program = taken_along(app, "folder:t5")
    assert program.count("shown = torch.tensor([") == 2  # the weights, then the probabilities
