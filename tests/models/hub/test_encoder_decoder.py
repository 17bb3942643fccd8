"""Networks that read one text and write another: both sides and the attention between equal the library's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from attention_core.errors import AttentionCoreError, ControlError, UnsupportedModelError
from attention_core.models.hub.encoder_decoder import EncoderDecoderTrace, HubEncoderDecoder
from attention_core.models.hub.loading import load_hub_text_model
from attention_core.models.hub.text import HubTextModel
from tests.models import hub_networks
from tests.models.hub_networks import ENCODER_DECODERS as NETWORKS
from tests.models.hub_networks import encoder_decoder as network

TEXT, TARGET = "I eat a lemon", "我吃柠檬"


@cache
def model(name: str) -> HubEncoderDecoder:
    return HubEncoderDecoder(network(name), hub_networks.sentence_pieces())


@cache
def traced(name: str) -> EncoderDecoderTrace:
    return model(name).trace(TEXT, TARGET)


@pytest.mark.parametrize("name", NETWORKS)
def test_all_three_attentions_are_those_of_the_library(name: str) -> None:
    trace = traced(name)
    reference = network(name)
    reference.set_attn_implementation("eager")
    ids = [torch.tensor([[token.id for token in side.tokens]]) for side in (trace.source, trace.target)]
    with torch.no_grad():
        own = reference(input_ids=ids[0], decoder_input_ids=ids[1], output_attentions=True, output_hidden_states=True)
    assert (trace.target.logits - own.logits[0]).abs().max() < 1e-5
    pairs = (
        (trace.source.layers, own.encoder_attentions),
        (trace.target.layers, own.decoder_attentions),
        (trace.cross, own.cross_attentions),
    )
    for layers, weights in pairs:
        assert len(layers) == len(weights) == 2
        assert all((a.weights - b).abs().max() < 1e-5 for a, b in zip(layers, weights, strict=True))
    S, T = len(trace.source.tokens), len(trace.target.tokens)
    assert trace.cross[0].weights.shape == (1, 4, T, S) and trace.cross[0].key.shape[2] == S
    assert (trace.source.final - own.encoder_last_hidden_state[0]).abs().max() < 1e-5
    assert (trace.target.final - own.decoder_hidden_states[-1][0]).abs().max() < 1e-5
    for side, states in ((trace.source, own.encoder_hidden_states), (trace.target, own.decoder_hidden_states)):
        assert (side.embedding - states[0][0]).abs().max() < 1e-5
        assert (side.blocks[0].output - states[1][0]).abs().max() < 1e-5


def test_position_bias_is_part_of_the_scores() -> None:
    for layer in traced("T5ForConditionalGeneration").source.layers:
        plain = layer.query @ layer.key.transpose(-2, -1)
        assert not torch.allclose(layer.scores, plain)
        assert torch.allclose(layer.weights, layer.scores.softmax(dim=-1), atol=1e-6)
    cross = traced("T5ForConditionalGeneration").cross[0]
    assert torch.allclose(cross.scores, cross.query @ cross.key.transpose(-2, -1), atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_decoder_looks_back_and_across(name: str) -> None:
    trace = traced(name)
    assert trace.target.layers[0].weights[0].triu(1).abs().max() == 0
    assert trace.cross[0].mask.all() and trace.source.layers[0].mask.all()
    assert [token.text for token in trace.target.tokens][1:3] == ["<s>", "我"]
    assert trace.target.tokens[0].special and trace.target.predicts == "next" and trace.source.predictions(0) == []


@pytest.mark.parametrize("name", NETWORKS)
def test_it_writes_what_the_library_writes(name: str) -> None:
    short = HubEncoderDecoder(network(name), hub_networks.sentence_pieces(), max_tokens=8)
    trace = short.trace("the cat")
    own = network(name).generate(
        torch.tensor([[token.id for token in trace.source.tokens]]), max_length=9, do_sample=False, num_beams=1
    )
    ids = [token.id for token in trace.target.tokens]
    assert own[0].tolist()[: len(ids)] == ids and len(ids) >= len(own[0]) - 1  # its last token is not read again
    assert "\ufffd" not in trace.target.text


def test_scale_and_temperature_act_on_all_three() -> None:
    even = model("BartForConditionalGeneration").trace(TEXT, TARGET, scale=0.0)
    assert torch.allclose(even.cross[1].weights, torch.full_like(even.cross[1].weights, 1 / len(even.source.tokens)))
    with pytest.raises(ControlError):
        model("BartForConditionalGeneration").trace(TEXT, TARGET, temperature=-1)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("side", ["source", "target", "cross"])
def test_a_gate_scales_what_its_head_hands_on_and_no_other(name: str, side: str) -> None:
    gates = torch.ones(2, 4)
    gates[1, 2] = 0.0
    plain, gated = traced(name), model(name).trace(TEXT, TARGET, head_gates={side: gates})  # type: ignore[dict-item]

    def layers(trace: EncoderDecoderTrace, one: str) -> Any:
        return trace.cross if one == "cross" else getattr(trace, one).layers

    before, after = layers(plain, side)[1], layers(gated, side)[1]
    assert torch.equal(after.head_outputs[0, 2], torch.zeros_like(after.head_outputs[0, 2]))
    kept = [0, 1, 3]
    assert torch.equal(after.head_outputs[0, kept], before.head_outputs[0, kept])
    for one in ("source", "target", "cross"):  # what runs before it does not change
        assert torch.equal(layers(gated, one)[0].head_outputs, layers(plain, one)[0].head_outputs) or side == "source"
    assert not torch.allclose(gated.target.logits, plain.target.logits, atol=1e-4)
    same = model(name).trace(TEXT, TARGET, head_gates={side: torch.ones(2, 4)})  # type: ignore[dict-item]
    assert torch.equal(same.target.logits, plain.target.logits)


def test_a_hidden_token_is_read_as_the_one_for_hidden_words() -> None:
    tokenizer = hub_networks.word_pieces()
    reads_hidden = HubEncoderDecoder(network("BartForConditionalGeneration"), tokenizer)
    trace = reads_hidden.trace("the cat eats", "我吃鱼", hide={2})
    assert trace.source.hidden == {2} and trace.source.tokens[2].text == "cat" and not trace.target.hidden
    ids = [token.id for token in trace.source.tokens]
    ids[2] = tokenizer.mask_token_id
    with torch.no_grad():
        own = network("BartForConditionalGeneration")(
            input_ids=torch.tensor([ids]),
            decoder_input_ids=torch.tensor([[token.id for token in trace.target.tokens]]),
        ).logits[0]
    assert (trace.target.logits - own).abs().max() < 1e-5


def test_what_the_controls_refuse() -> None:
    def refused(key: str, **controls: Any) -> None:
        with pytest.raises(AttentionCoreError) as error:
            model("MarianMTModel").trace(TEXT, TARGET, **controls)
        assert error.value.key == key

    refused("control.hide", hide={1})
    refused("control.position", hide={99})
    refused("control.unknown", head_gates={"middle": torch.ones(2, 4)})
    refused("control.layer_gates", head_gates={"cross": torch.ones(3, 4)})
    refused("control.head_gates", head_gates={"cross": torch.ones(2, 3)})
    refused("control.head_gates_finite", head_gates={"cross": torch.full((2, 4), torch.nan)})


@pytest.mark.parametrize("name", ["T5ForConditionalGeneration", "BartForConditionalGeneration"])
def test_a_saved_one_loads(name: str, tmp_path: Path) -> None:
    network(name).save_pretrained(tmp_path)
    hub_networks.sentence_pieces().save_pretrained(tmp_path)
    loaded = load_hub_text_model(tmp_path, "cpu")
    assert isinstance(loaded, HubEncoderDecoder)
    assert torch.equal(loaded.trace(TEXT, TARGET).target.logits, traced(name).target.logits)


def test_a_tokenizer_of_pieces_without_spans_is_refused_with_what_is_expected(tmp_path: Path) -> None:
    network("MarianMTModel").save_pretrained(tmp_path)  # as Marian's networks are given out: no tokenizer.json
    (tmp_path / "vocab.json").write_text('{"</s>": 0, "<unk>": 1, "<pad>": 2}', encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "MarianTokenizer"}', encoding="utf-8")
    for name in ("source.spm", "target.spm"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(UnsupportedModelError, match=r"tokenizer\.json") as refused:
        load_hub_text_model(tmp_path, "cpu")
    assert refused.value.key in ("hub.no_tokenizer", "hub.slow_tokenizer")  # without and with sentencepiece


def test_refusals() -> None:
    with pytest.raises(UnsupportedModelError) as refused:
        HubTextModel(network("T5ForConditionalGeneration"), hub_networks.sentence_pieces())
    assert refused.value.key == "hub.encoder_decoder"
    headless = transformers.T5Model(transformers.T5Config(**hub_networks.T5_SIZES, num_heads=4))
    with pytest.raises(UnsupportedModelError) as refused:
        HubEncoderDecoder(headless, hub_networks.sentence_pieces())
    assert refused.value.key == "hub.no_generation"
