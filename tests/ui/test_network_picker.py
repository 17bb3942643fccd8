"""The text pages on a network of somebody else: the same pages, its own numbers, and a way back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from transformers import AutoModelForCausalLM, AutoTokenizer

from attention_core import load_hub_text_model
from attention_core.analysis.sinks import attention_sinks
from tests.models.hub_networks import saved
from tests.ui.driver import decoded, figure, keys, loaded, opened, run, said, unfolded
from ui.i18n import catalogue
from ui.inputs import text_networks
from ui.shell import settings

pytestmark = pytest.mark.usefixtures("networks_here")

SENTENCE = "the cat eats 一只鱼"
PAGES = ("overview", "self_attention", "multi_head", "head_view", "two_sentences", "head_atlas")
NETWORKS = {"encoder": "BertForMaskedLM", "decoder": "GPT2LMHeadModel", "grouped": "LlamaForCausalLM"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("networks")
    for name, architecture in NETWORKS.items():
        saved(made / name, architecture)
    (made / "broken").mkdir()
    (made / "broken" / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    return made


def visited(page: str, name: str, language: str = "en", **link: str) -> AppTest:
    """`page` on a network of the folder, once that is there."""
    app = opened(page, language, net=f"folder:{name}", s=SENTENCE, **link)
    loaded(text_networks.store(), f"folder:{name}")
    return run(app)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("page", PAGES)
def test_every_text_page_shows_it(page: str, name: str) -> None:
    app = visited(page, name, p="我吃水果和鱼")
    assert not app.error
    assert NETWORKS[name] in " ".join(caption.value for caption in app.caption)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_numbers_are_its_own(name: str, folder: Path) -> None:
    app = visited("self_attention", name, layer="1", head="2")
    trace = load_hub_text_model(folder / name, device="cpu").trace(SENTENCE)
    painted = decoded(figure(app, "weights")["data"][0]["z"])
    assert np.allclose(painted, trace.layers[1].weights[0, 2].numpy(), atol=1e-5)
    shown = keys(app)
    assert ("prediction-hidden" in shown) == (name == "encoder")
    assert ("prediction-next" in shown) == (name != "encoder")


def test_a_what_if_reaches_it(folder: Path) -> None:
    app = visited("self_attention", "encoder", layer="0", head="0", whatif="tau-2_gate-0-1-0")
    model = load_hub_text_model(folder / "encoder", device="cpu")
    painted = decoded(figure(app, "weights")["data"][0]["z"])
    expected = model.trace(SENTENCE, temperature=2.0).layers[0].weights[0, 0]
    assert np.allclose(painted, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_cannot_be_read_says_why_and_leads_back(language: str) -> None:
    app = visited("self_attention", "broken", language)
    [error] = app.error
    assert "broken" in error.value
    assert not keys(app)
    words = catalogue("zh" if language == "zh" else "en")
    [back] = [button for button in app.button if button.label == words["network.back"]]
    app = run(back.click())
    assert not app.error
    assert "weights" in keys(app)
    assert app.session_state["net"] == "bilingual"


@pytest.mark.parametrize("junk", ["folder:nothing", "folder:../outside"])
def test_a_link_to_no_network_is_named_and_falls_back(junk: str) -> None:
    app = opened("self_attention", net=junk)
    assert "weights" in keys(app)
    assert junk in said(app)


def test_where_foreign_networks_are_off_there_is_no_picker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTENTION_MODELS", "off")
    settings.settings.cache_clear()
    app = unfolded(opened("self_attention", net="folder:encoder", s=SENTENCE), "net-box")
    assert not [box for box in app.selectbox if str(box.key).startswith("net-wish")]
    assert app.session_state["net"] == "bilingual"


def test_a_list_of_names_is_all_that_may_be_loaded() -> None:
    limited = settings.read({"ATTENTION_MODELS": "google-bert/bert-base-chinese, openai-community/gpt2"})
    assert limited.allows("openai-community/gpt2")
    assert not limited.allows("Qwen/Qwen2.5-0.5B")
    assert settings.read({}).allows("Qwen/Qwen2.5-0.5B")
    assert not settings.read({"ATTENTION_MODELS": "off"}).allows("openai-community/gpt2")


@pytest.mark.parametrize("wrong", [{"ATTENTION_MODELS_KEPT": "0"}, {"ATTENTION_MODELS_GB": "-1"}])
def test_limits_that_leave_nothing_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        settings.read(wrong)


def sunk(folder: Path) -> Path:
    """A decoder all of whose queries look for the first token: its keys there, made long, are added to each query."""
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(folder / "decoder"),
        AutoTokenizer.from_pretrained(folder / "decoder"),
    )
    network = load_hub_text_model(folder / "decoder", device="cpu")
    for number, block in enumerate(model.transformer.h):
        first = network.trace(SENTENCE).layers[number].key[0, :, 0]  # (H, d)
        with torch.no_grad():
            block.attn.c_attn.bias[: first.numel()] = 40 * (first / first.norm(dim=-1, keepdim=True)).flatten()
        model.save_pretrained(folder / "sunk")
        tokenizer.save_pretrained(folder / "sunk")
        network = load_hub_text_model(folder / "sunk", device="cpu")
    return folder / "sunk"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_sinks_are_left_out_of_the_colours_by_a_switch(folder: Path, language: str) -> None:
    trace = load_hub_text_model(sunk(folder), device="cpu").trace(SENTENCE)
    weights = trace.layers[1].weights[0, 2]
    found = attention_sinks(trace)
    assert 0 in found
    app = visited("multi_head", "sunk", language, layer="1", head="2")
    before = figure(app, "one-head")["data"][0]
    assert (before["zmin"], before["zmax"]) == (0, 1)
    assert trace.tokens[0].text in app.toggle(key="sinks").label
    app.toggle(key="sinks").set_value(True)
    run(app)
    after = figure(app, "one-head")["data"][0]
    others = [place for place in range(len(trace.tokens)) if place not in found]
    assert after["zmax"] == pytest.approx(weights[:, others].max().item(), abs=1e-5)
    assert np.allclose(decoded(after["z"]), weights.numpy(), atol=1e-5)  # the numbers stay
    grid = figure(app, "all-heads")["data"][0]
    assert np.nanmax(decoded(grid["customdata"])) == pytest.approx(
        max(layer.weights.max().item() for layer in trace.layers), abs=1e-5
    )
    assert app.query_params["sinks"] == "True"


def test_no_switch_where_there_is_no_sink() -> None:
    assert [toggle for toggle in opened("multi_head").toggle if toggle.key == "sinks"] == []


@pytest.mark.parametrize("name", ["/etc", "~/x", "..", "./assets", "assets", "a/b/c", "folder:../x", "a//b", "-x/y"])
def test_a_link_names_no_folder_of_the_machine(name: str) -> None:
    with pytest.raises(ValueError, match="may not be loaded here"):
        text_networks.named(name)
