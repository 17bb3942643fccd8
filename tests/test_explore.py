"""`explore`: any network in a notebook. What is drawn is what the trace holds."""

from __future__ import annotations

import re
import sys
from functools import cache
from html import escape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
import transformers
from PIL import Image
from torch import nn

import attention_core
from attention_core import Explored, PhotoFormat, explore
from attention_core.analysis.head_roles import outstanding_heads, within_a_sentence
from attention_core.errors import AttentionCoreError
from attention_core.models import registry
from attention_core.models.text import TextModel
from attention_core.notebook import _Carriers
from attention_core.words import Say, spoken
from tests.models import hub_networks
from tests.models.photo_networks import SIDE, of_torchvision
from tests.models.small_translator import small_translator


@cache
def shipped() -> TextModel:
    return attention_core.load_text_model(device="cpu")


@cache
def mobilenet() -> nn.Module:
    torch.manual_seed(0)
    return torchvision.models.mobilenet_v3_small().eval()


def photo() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8))


def drawn(explored: Explored, name: str) -> Any:
    """The matrix in a figure's first heatmap."""
    return next(np.asarray(one.z) for one in explored.figures[name].data if one.type == "heatmap")


def refused(key: str, model: Any, given: Any, **options: Any) -> AttentionCoreError:
    with pytest.raises(AttentionCoreError) as error:
        explore(model, given, **options)
    assert error.value.key == key
    return error.value


class TestText:
    def test_the_figures_hold_the_numbers_of_the_trace(self) -> None:
        explored = explore(shipped(), "我吃柠檬", layer=1, head=2)
        trace: Any = explored.trace
        layer = trace.layers[1]
        for name, expected in {
            "weights": layer.weights,
            "scores-scaled": layer.scores,
            "strip-query": layer.query,
            "strip-key": layer.key,
            "strip-value": layer.value,
            "head-outputs": layer.head_outputs,
        }.items():
            assert np.array_equal(drawn(explored, name), expected[0, 2].numpy()), name
            assert explored.captions[name], name
        assert torch.equal(layer.weights, shipped().trace("我吃柠檬").layers[1].weights)

    def test_every_head_is_in_the_grid(self) -> None:
        explored = explore(shipped(), "我吃柠檬")
        trace: Any = explored.trace
        everything = np.concatenate([layer.weights.numpy().ravel() for layer in trace.layers])
        tiles = drawn(explored, "all-heads")
        assert np.array_equal(np.sort(tiles[~np.isnan(tiles)]), np.sort(everything))

    def test_it_opens_on_the_head_that_the_pages_open_on(self) -> None:
        role = within_a_sentence(outstanding_heads(registry.scores("text")))
        assert role is not None
        explored = explore(shipped(), "我吃柠檬")
        chosen = explore(shipped(), "我吃柠檬", layer=role.layer, head=role.head)
        assert explored.summary == chosen.summary
        assert np.array_equal(drawn(explored, "weights"), drawn(chosen, "weights"))

    def test_a_pair_shows_what_lies_between(self) -> None:
        explored = explore(shipped(), ("我吃柠檬", "I eat lemons."))
        assert explored.trace.pair == "I eat lemons."  # type: ignore[attr-defined]
        block = drawn(explored, "between-forth")
        assert block.shape == (3, 4)
        assert block.max() <= 1 and block.min() >= 0

    def test_a_bare_decoder_with_its_tokenizer(self) -> None:
        network, tokenizer = hub_networks.network("GPT2LMHeadModel"), hub_networks.byte_pairs()
        explored = explore(network, "the cat", tokenizer=tokenizer)
        with torch.no_grad():
            own = network(**tokenizer("the cat", return_tensors="pt")).logits[0, -1].softmax(-1)
        best = np.asarray(explored.figures["prediction-next"].data[0].x)
        assert np.allclose(best, own.topk(5).values.numpy(), atol=1e-6)
        scores = drawn(explored, "scores-scaled")
        assert np.isnan(scores[0, 1:]).all() and np.isfinite(scores[-1]).all()  # it only looks back
        assert explored.title == "Attention in GPT2LMHeadModel"

    def test_a_bare_encoder_decoder_with_its_tokenizer(self) -> None:
        network = hub_networks.encoder_decoder("T5ForConditionalGeneration")
        explored = explore(network, ("the lemon", "the cat"), tokenizer=hub_networks.sentence_pieces(), layer=1)
        trace: Any = explored.trace
        assert np.array_equal(drawn(explored, "cross-weights"), trace.cross[1].weights[0, 0].numpy())

    def test_a_translator_alone_and_led_along(self) -> None:
        model = small_translator()
        explored = explore(model, ("我吃柠檬。", "I eat lemons."), layer=1, head=3)
        expected = model.trace("我吃柠檬。", "I eat lemons.")
        weights = expected.cross[1].weights[0, 3].numpy()
        assert np.allclose(drawn(explored, "cross-weights"), weights, atol=1e-6)
        best = [value for _, value in expected.target.predictions(len(expected.target.tokens) - 1)]
        [bars] = explored.figures["cross-guess"].data
        assert np.allclose(bars.x, best, atol=1e-6)
        written: Any = explore(model, "我吃柠檬。").trace
        assert written.target.text == model.trace("我吃柠檬。").target.text
        assert refused("explore.head", model, "我", layer=0, head=2).values["came"] == 2

    def test_what_is_not_there(self) -> None:
        assert refused("explore.layer", shipped(), "我", layer=99).values["came"] == 99
        refused("explore.layer", shipped(), "我", layer="first")
        refused("explore.head", shipped(), "我", layer=0, head=-1)
        refused("explore.tokenizer", hub_networks.network("BertForMaskedLM"), "我")
        refused("explore.model", "google-bert/bert-base-chinese", "我")
        refused("text.empty", shipped(), " ")
        refused("text.wrong_type", shipped(), ("a", "b", "c"))
        refused("text.wrong_type", shipped(), photo())


class TestPhoto:
    def test_a_bare_network_with_se_is_drawn_as_it_computes(self) -> None:
        torch.manual_seed(1)
        image = torch.rand(3, 224, 224)
        explored = explore(mobilenet(), image)
        trace: Any = explored.trace
        expected: dict[str, torch.Tensor] = {}
        hooks = [
            part.register_forward_hook(lambda _, given, came, name=name: expected.update({name: came / given[0]}))
            for name, part in mobilenet().named_modules()
            if isinstance(part, torchvision.ops.SqueezeExcitation)
        ]
        with torch.no_grad():
            logits = mobilenet()(PhotoFormat().standardised(image[None]))[0]
        for hook in hooks:
            hook.remove()
        assert (trace.logits - logits).abs().max() <= 1e-5 * logits.abs().max()
        (name,) = re.findall(r"layer='(.+?)'", explored.summary)
        bars = np.asarray(explored.figures["channel-weights"].data[0].y)
        own = expected[name][0].nanmean(dim=(1, 2)).numpy()  # 0 / 0 where a channel was silent
        assert np.allclose(bars[~np.isnan(own)], own[~np.isnan(own)], atol=1e-4)
        assert len(expected) == len(trace.stages)

    def test_every_kind_of_photo_is_the_same(self, tmp_path: Path) -> None:
        picture = photo()
        picture.save(tmp_path / "photo.png")
        cut = picture.crop((40, 0, 280, 240))
        kinds = [picture, np.asarray(cut), tmp_path / "photo.png", str(tmp_path / "photo.png")]
        kinds.append((tmp_path / "photo.png").read_bytes())
        model = attention_core.load_vision_model("se", device="cpu")
        first, *others = (explore(model, kind).trace.logits for kind in kinds)  # type: ignore[attr-defined]
        assert all(torch.equal(first, other) for other in others)
        refused("hub.no_file", model, tmp_path / "none.png")

    def test_cbam_shows_its_masks(self) -> None:
        explored = explore(attention_core.load_vision_model("cbam", device="cpu"), photo())
        trace: Any = explored.trace
        assert np.array_equal(drawn(explored, "mask-alone"), trace.stages[-1].spatial_mask[0, 0].numpy())
        bars = explored.figures["pooled"].data
        assert np.array_equal(np.asarray(bars[1].y), trace.stages[-1].attention.channel.max_pooled[0].numpy())
        other = explore(attention_core.load_vision_model("cbam", device="cpu"), photo(), layer="stage1")
        assert np.array_equal(drawn(other, "mask-alone"), trace.stages[0].spatial_mask[0, 0].numpy())
        assert "mask-stage3" in other.figures

    def test_a_network_without_attention_says_what_is_possible(self) -> None:
        model = attention_core.load_vision_model("plain", device="cpu")
        assert "features" in explore(model, photo()).figures
        error = refused("hub.no_attention", torchvision.models.resnet18(), photo())
        assert "insert_attention" in str(error)
        inserted = attention_core.insert_attention(torchvision.models.resnet18(), "cbam", ["layer4"])
        assert "mask-alone" in explore(inserted, photo()).figures

    @pytest.mark.parametrize("library", ["torchvision", "transformers"])
    def test_a_bare_vision_transformer(self, library: str) -> None:
        torch.manual_seed(0)
        config = transformers.ViTConfig(
            hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=30, image_size=SIDE,
            patch_size=8, id2label=dict(enumerate(("cat", "dog", "fish", "lemon", "bowl"))),
        )  # fmt: skip
        network = of_torchvision() if library == "torchvision" else transformers.ViTForImageClassification(config)
        explored = explore(network.eval(), photo(), layer=1, head=2)
        trace: Any = explored.trace
        tile, weights = drawn(explored, "head-class"), trace.layers[1].weights[0, 2, 0, 1:].reshape(4, 4).numpy()
        assert np.allclose(tile / tile.sum(), weights / weights.sum(), atol=1e-6)
        named = {thing.en for thing in trace.classes}
        assert ("lemon" in named) == (library == "transformers") and len(named) == 5
        refused("explore.head", network, photo(), head=3)

    def test_what_is_not_there(self) -> None:
        refused("explore.no_heads", mobilenet(), torch.rand(3, 64, 64), head=0)
        refused("explore.layer", mobilenet(), torch.rand(3, 64, 64), layer="features.99")


class TestHtml:
    def test_a_saved_page_stands_alone(self, tmp_path: Path) -> None:
        explored = explore(shipped(), "<b>我</b></script>")
        page = explored.save(tmp_path / "page.html").read_text(encoding="utf-8")
        assert page.count("Plotly.newPlot(") == len(explored.figures)
        assert page.count("plotly.js (cartesian") == 1
        assert not re.search(r'<(script|link|img)[^>]*\b(src|href)="http', page)

    def test_what_is_typed_does_not_end_the_script(self) -> None:
        piece = explore(shipped(), "</script><i>我")._repr_html_()
        assert piece.count("</script>") == 3 and "<i>" not in piece

    def test_one_cell_of_a_notebook_carries_the_library(self, monkeypatch: pytest.MonkeyPatch) -> None:
        running: dict[str, Any] = {}
        shell = SimpleNamespace(get_parent=lambda: {"metadata": running})
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
        carriers = _Carriers()

        def run(cell: str | None) -> bool:
            running.update({"cellId": cell})
            return carriers.carries()

        assert [run("a"), run("a"), run("b"), run("a"), run(None)] == [True, True, False, True, True]
        monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())  # where each output is a page by itself
        assert run("b")

    def test_without_a_notebook_every_piece_carries_it(self) -> None:
        explored = explore(shipped(), "我")
        pieces = [explored._repr_html_() for _ in range(2)]
        assert all(
            'class="attention-explorer-plotly"' in piece and escape(spoken(Say("notebook.missing"), "en")) in piece
            for piece in pieces
        )
        assert all(len(piece) < 3_000_000 for piece in pieces)
        assert len({re.findall(r'<div id="(.+?)"', piece)[0] for piece in pieces}) == 2
