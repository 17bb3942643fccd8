"""The page on networks that read one text and write another: the painted numbers are those of the library's trace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from attention_core import load_hub_text_model, load_translator
from attention_core.models import registry
from attention_core.models.hub.encoder_decoder import HubEncoderDecoder, TwoTextTrace
from attention_core.words import plain
from tests.models.hub_networks import encoder_decoder, saved, sentence_pieces
from tests.ui.driver import decoded, figure, loaded, opened, run, taken_along
from ui.i18n import LANGUAGES, catalogue
from ui.inputs import translators

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


def traced(folder: Path, name: str, target: str | None) -> TwoTextTrace:
    model = load_hub_text_model(folder / name, device="cpu", max_tokens=256)
    assert isinstance(model, HubEncoderDecoder)
    return model.trace(SENTENCE, target)


def check(app: AppTest, trace: TwoTextTrace, layer: int, head: int, row: int) -> None:
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


@pytest.mark.parametrize(("language", "text"), [("zh", "我吃柠檬。"), ("en", "I eat lemons.")])
@pytest.mark.parametrize("former", [{}, {"translator": "none"}])
def test_it_opens_on_the_translator_that_ships(language: str, text: str, former: dict[str, str]) -> None:
    app = opened("cross_attention", language, **former)
    assert not app.error and not app.info
    trace = load_translator(device="cpu").trace(text)
    check(app, trace, 2, 0, (len(trace.target.tokens) - 1) // 2)
    assert any(plain(trace.target.text) in line.value for line in app.markdown)
    assert app.query_params["translator"] == "translator"


def test_the_translator_is_led_along_a_typed_text_in_the_language_that_is_asked_for() -> None:
    app = opened("cross_attention", "en", s="我吃柠檬。", p="我吃", into="zh", cross_layer="1", cross_head="3", row="2")
    trace = load_translator(device="cpu").trace("我吃柠檬。", "我吃", into="zh")
    assert [token.text for token in trace.target.tokens] == ["[zh]", "我", "吃"]
    check(app, trace, 1, 3, 2)
    assert any("Chinese into Chinese" in caption.value for caption in app.caption)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_caption_is_of_the_network_and_of_what_was_measured(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"zh-en": {"value": 21.34, "baseline": 3.21}, "en-zh": {"value": 19.87, "baseline": 2.5}}
    measured = {"bleu": both, "chrf": both, "aer": {"value": 0.345, "baseline": 0.678}}
    said = []
    for found in (None, measured):
        monkeypatch.setattr(registry, "translator_scores", lambda found=found: found)
        translators.scores.clear()
        app = opened("cross_attention", language)
        said.append(next(one.value for one in app.caption if "**translator**" in one.value))
    translators.scores.clear()
    model = load_translator(device="cpu")
    assert f"{sum(one.numel() for one in model.parameters()) / 1e6:.1f} M" in said[0]
    assert "BLEU" not in said[0]
    assert said[1].startswith(said[0])
    for number in ("21.3", "3.2", "19.9", "2.5", "34.5%", "67.8%"):
        assert number in said[1]


def test_a_network_without_cross_attention_is_refused_and_leads_back() -> None:
    app = visited("encoder")
    assert any("no cross-attention" in error.value for error in app.error)
    app.button(key="network-back").click()
    run(app)
    assert app.session_state["translator"] == "translator"


@pytest.mark.parametrize(("language", "target"), [("en", "the fish eats"), ("zh", "")])
def test_its_numbers_can_be_taken_along(language: str, target: str, folder: Path) -> None:
    app = visited("t5", language, p=target, cross_layer="1", cross_head="2", row="1")
    program = taken_along(app, "folder:t5")
    assert program.count("shown = torch.tensor([") == 2  # the weights, then the probabilities


@pytest.mark.parametrize(("language", "link"), [("en", {"p": "I eat fruit."}), ("zh", {"into": "en"})])
def test_the_numbers_of_the_translator_can_be_taken_along(language: str, link: dict[str, str]) -> None:
    app = opened("cross_attention", language, s="我吃柠檬。", cross_layer="1", cross_head="2", row="1", **link)
    program = taken_along(app, "translator")
    assert "ac.load_translator(" in program
    assert program.count("shown = torch.tensor([") == 2
