"""Networks of the transformers library behind the project's traces: equal to the library's own output."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
import torch
import transformers

from attention_core.analysis.tables import npz, text_tables
from attention_core.analysis.words import word_weights, words
from attention_core.errors import ControlError, InputError, KindError, ShapeError, UnsupportedModelError
from attention_core.models.hub.text import HubTextModel
from attention_core.models.hub.traces import HubTextTrace
from tests.models import hub_networks
from tests.models.hub_networks import DECODERS, ENCODERS, NETWORKS, network, tokenizer_of

TEXT = "I eat 柠檬 and a fish"
BOUND = 1e-5


@cache
def model(name: str) -> HubTextModel:
    return HubTextModel(network(name), tokenizer_of(name))


@cache
def traced(name: str, pair: str | None = None) -> HubTextTrace:
    return model(name).trace(TEXT, pair)


def eager(name: str, trace: HubTextTrace) -> Any:
    """What the library itself computes for the tokens of a trace."""
    reference = network(name)
    reference.set_attn_implementation("eager")
    ids = torch.tensor([[token.id for token in trace.tokens]])
    with torch.no_grad():
        return reference(input_ids=ids, output_attentions=True, output_hidden_states=True)


def close(came: torch.Tensor, expected: torch.Tensor) -> bool:
    """Within the bound, measured by the largest number: another processor rounds in another order."""
    return bool((came - expected).abs().max() < BOUND * max(1, expected.abs().max().item()))


@pytest.mark.parametrize("name", NETWORKS)
def test_output_and_weights_are_those_of_the_library(name: str) -> None:
    trace = traced(name)
    own = eager(name, trace)
    assert close(trace.logits, own.logits[0])
    assert len(trace.layers) == len(own.attentions) == 2
    for layer, weights in zip(trace.layers, own.attentions, strict=True):
        assert close(layer.weights, weights)
    for block, after in zip(trace.blocks[:-1], own.hidden_states[1:-1], strict=True):
        assert close(block.output, after[0])
    assert close(trace.embedding, own.hidden_states[0][0]) or name in EMBEDDED_LATER
    assert close(trace.final, own.hidden_states[-1][0])


EMBEDDED_LATER = ("ElectraForMaskedLM", "AlbertForMaskedLM")  # the library gives the vectors before they are widened


@pytest.mark.parametrize("name", NETWORKS)
def test_every_step_follows_from_the_one_before(name: str) -> None:
    trace = traced(name)
    T = len(trace.tokens)
    for layer in trace.layers:
        H, d = layer.query.shape[1], layer.query.shape[-1]
        assert layer.query.shape == layer.key.shape == layer.value.shape == (1, H, T, d)
        weights = layer.scores.masked_fill(~layer.mask, -torch.inf).softmax(dim=-1)
        assert torch.allclose(layer.weights, weights, atol=1e-6)
        assert torch.allclose(layer.head_outputs, layer.weights @ layer.value, atol=1e-5)
        joined = layer.head_outputs.transpose(1, 2).reshape(1, T, H * d)
        assert torch.equal(layer.concatenated, joined)
    for before, after in pairwise(trace.blocks):
        assert before.output.shape == after.output.shape == trace.embedding.shape


@pytest.mark.parametrize("name", NETWORKS)
def test_queries_and_outputs_go_through_the_networks_own_maps(name: str) -> None:
    maps = dict(network(name).named_modules())
    for layer in traced(name).layers:
        attention = maps[layer.name]
        query = _first(attention, ("query", "q_proj", "q_lin"))
        if query is not None and name in ENCODERS:  # decoders turn it by its position, or scale it here
            H, d = layer.query.shape[1], layer.query.shape[-1]
            made = query(layer.input).view(1, -1, H, d).transpose(1, 2)
            assert torch.allclose(layer.query, made, atol=1e-5)
        joined = _first(attention, ("o_proj", "c_proj", "out_lin", "out_proj"))
        if joined is not None:
            assert torch.allclose(layer.output, joined(layer.concatenated), atol=1e-5)


def _first(module: Any, names: tuple[str, ...]) -> Any:
    return next((getattr(module, name) for name in names if hasattr(module, name)), None)


@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_add_up(name: str) -> None:
    trace = traced(name)
    before = trace.embedding
    post_norm = name.startswith(("Bert", "Roberta", "XLM", "Electra", "Albert", "Distil"))
    for block, layer in zip(trace.blocks, trace.layers, strict=True):
        assert torch.equal(block.normed_input, layer.input[0])
        if not post_norm:
            assert torch.allclose(block.after_attention + block.feed_forward, block.output, atol=1e-5)
        if not name.startswith(("Gemma2", "Gemma3", "Granite")):
            assert torch.allclose(block.after_attention, before + layer.output[0], atol=1e-5)
        before = block.output
    if post_norm:
        norms = {"Bert": "bert", "Roberta": "roberta", "XLM": "roberta", "Electra": "electra"}
        start = next((body for kind, body in norms.items() if name.startswith(kind)), None)
        if start is not None:
            first = getattr(network(name), start).encoder.layer[0]
            read = first.attention.output.LayerNorm(trace.blocks[0].after_attention)
            made = first.output.LayerNorm(read + trace.blocks[0].feed_forward)
            assert torch.allclose(made, trace.blocks[0].output, atol=1e-5)


def test_grouped_heads_share_keys_and_values() -> None:
    layer = traced("LlamaForCausalLM").layers[0]
    assert layer.key_heads == 2 and layer.key.shape[1] == 4
    assert torch.equal(layer.key[:, 0], layer.key[:, 1]) and torch.equal(layer.value[:, 2], layer.value[:, 3])
    assert not torch.equal(layer.key[:, 1], layer.key[:, 2])


@pytest.mark.parametrize("name", DECODERS)
def test_decoders_look_back_only(name: str) -> None:
    trace = traced(name)
    for layer in trace.layers:
        assert not layer.mask[0, 0].triu(1).any() and layer.weights[0].triu(1).abs().max() == 0
        assert layer.mask[0, 0].diagonal().all()
    assert trace.predicts == "next"


def test_a_window_is_in_the_mask() -> None:
    mask = traced("MistralForCausalLM").layers[0].mask[0, 0]
    T = len(mask)
    rows, columns = torch.meshgrid(torch.arange(T), torch.arange(T), indexing="ij")
    assert torch.equal(mask, (columns <= rows) & (columns > rows - 4))


@pytest.mark.parametrize("name", ["BertForMaskedLM", "GPT2LMHeadModel", "LlamaForCausalLM"])
def test_the_network_is_left_as_it_was(name: str) -> None:
    shared = network(name).train()
    shared.set_attn_implementation("sdpa")
    state = {key: tensor.clone() for key, tensor in shared.state_dict().items()}
    HubTextModel(shared, tokenizer_of(name)).trace(TEXT)
    assert shared.training and shared.config._attn_implementation == "sdpa"
    for module in shared.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks
    assert all(torch.equal(tensor, state[key]) for key, tensor in shared.state_dict().items())


def test_dropout_of_a_network_in_training_changes_no_number() -> None:
    shared = network("BertForMaskedLM").train()
    trace = HubTextModel(shared, tokenizer_of("BertForMaskedLM")).trace(TEXT)
    assert torch.equal(trace.logits, traced("BertForMaskedLM").logits)


def test_threads_do_not_see_each_other() -> None:
    shared = model("GPT2LMHeadModel")
    texts = [f"the lemon {'is sour ' * n}" for n in range(8)] * 2
    alone = [shared.trace(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(shared.trace, texts))
    for first, second in zip(alone, together, strict=True):
        assert torch.equal(first.logits, second.logits)
        assert all(torch.equal(a.weights, b.weights) for a, b in zip(first.layers, second.layers, strict=True))


def test_embeddings_of_a_pre_norm_network_add_up() -> None:
    trace = traced("GPT2LMHeadModel")
    assert torch.allclose(trace.token_embedding + trace.position_embedding, trace.embedding, atol=1e-6)
    assert not trace.segment_embedding.any() and trace.position_embedding.any()
    assert not traced("LlamaForCausalLM").position_embedding.any()


def test_embeddings_of_bert_are_normed_after_the_sum() -> None:
    trace = traced("BertForMaskedLM", "the cat")
    norm = network("BertForMaskedLM").bert.embeddings.LayerNorm
    total = trace.token_embedding + trace.position_embedding + trace.segment_embedding
    assert torch.allclose(norm(total), trace.embedding, atol=1e-5)
    segments = [token.segment for token in trace.tokens]
    table = network("BertForMaskedLM").bert.embeddings.token_type_embeddings.weight
    assert torch.equal(trace.segment_embedding, table[segments])


def test_a_pair_has_two_segments() -> None:
    trace = traced("BertForMaskedLM", "the cat")
    assert [token.text for token in trace.tokens if token.segment == 1] == ["the", "cat", "[SEP]"]
    assert trace.pair == "the cat"


@pytest.mark.parametrize("name", ["BertForMaskedLM", "Qwen2ForCausalLM", "LlamaForCausalLM"])
def test_the_views_arithmetic_works_without_knowing_the_model(name: str) -> None:
    trace = traced(name)
    grouped = words(trace)
    texts = [word.text for word in grouped if not word.special]
    unknown = [token.text for token in trace.tokens if token.unknown]
    assert ("[柠][檬]" if unknown else "柠檬") in "".join(texts) and "fish" in texts
    merged = word_weights(trace.layers[0].weights, grouped)
    assert torch.allclose(merged.sum(dim=-1), torch.ones(merged.shape[:-1]), atol=1e-5)
    assert npz(trace) and len(list(text_tables(trace))) > 10


def test_words_of_spaces_alone_can_be_seen() -> None:
    for name in ("Qwen2ForCausalLM", "LlamaForCausalLM"):
        texts = [word.text for word in words(model(name).trace("柠檬 柠\n檬"))]
        assert "␣" in texts and all(text.strip() for text in texts)


class TestControls:
    def test_scale_and_temperature_act_on_every_layer(self) -> None:
        name = "GPT2LMHeadModel"
        plain, even = traced(name), model(name).trace(TEXT, scale=0.0)
        row = even.layers[1].weights[0, 0, 2]
        assert torch.allclose(row[:3], torch.full((3,), 1 / 3))
        hot = model(name).trace(TEXT, temperature=2.0)
        half = model(name).trace(TEXT, scale=0.5 / plain.layers[0].query.shape[-1] ** 0.5)
        assert torch.allclose(hot.layers[1].weights, half.layers[1].weights, atol=1e-6)

    def test_a_mask_only_takes_away(self) -> None:
        T = len(traced("LlamaForCausalLM").tokens)
        allowed = torch.ones(T, T, dtype=torch.bool)
        allowed[:, 1] = False
        trace = model("LlamaForCausalLM").trace(TEXT, mask=allowed)
        for layer in trace.layers:
            assert layer.weights[..., 1].abs().max() == 0 and layer.weights[0].triu(1).abs().max() == 0
            assert not layer.weights.isnan().any()

    def test_gates_of_one_change_nothing_and_of_zero_silence_a_head(self) -> None:
        name = "BertForMaskedLM"
        gates = torch.ones(2, 4)
        assert torch.equal(model(name).trace(TEXT, head_gates=gates).logits, traced(name).logits)
        gates[1, 2] = 0
        silenced = model(name).trace(TEXT, head_gates=gates)
        assert silenced.layers[1].head_outputs[0, 2].abs().max() == 0
        assert not torch.allclose(silenced.logits, traced(name).logits)

    def test_hide_is_a_mask_token_in_that_place(self) -> None:
        trace = model("BertForMaskedLM").trace(TEXT, hide=[2])
        assert trace.hidden == {2} and trace.tokens[2].text == "eat"
        typed = model("BertForMaskedLM").trace(TEXT.replace("eat", "[MASK]"))
        assert torch.equal(trace.logits, typed.logits)

    def test_refusals(self) -> None:
        with pytest.raises(ControlError) as refused:
            model("GPT2LMHeadModel").trace(TEXT, hide=[0])
        assert refused.value.key == "control.hide"
        with pytest.raises(ControlError):
            model("BertForMaskedLM").trace(TEXT, hide=[99])
        with pytest.raises(ShapeError):
            model("BertForMaskedLM").trace(TEXT, head_gates=torch.ones(3, 4))
        with pytest.raises(ShapeError):
            model("BertForMaskedLM").trace(TEXT, head_gates=torch.ones(2, 5))
        with pytest.raises(ControlError):
            model("BertForMaskedLM").trace(TEXT, temperature=0)
        with pytest.raises(ShapeError):
            model("BertForMaskedLM").trace(TEXT, mask=torch.ones(2, 2, dtype=torch.bool))
        with pytest.raises(KindError):
            model("BertForMaskedLM").trace(b"bytes")  # type: ignore[arg-type]


class TestLimits:
    @pytest.mark.parametrize(
        ("name", "limit"), [("BertForMaskedLM", 40), ("RobertaForMaskedLM", 38), ("GPT2LMHeadModel", 40)]
    )
    def test_long_text_is_cut_at_what_the_network_takes(self, name: str, limit: int) -> None:
        text = "the fish " * 60
        trace = model(name).trace(text)
        assert len(trace.tokens) == trace.limit == limit
        whole = tokenizer_of(name)(text, add_special_tokens=False).input_ids
        assert trace.truncated == len(whole) - sum(not token.special for token in trace.tokens)
        assert name not in ENCODERS or trace.tokens[-1].text == "[SEP]"

    def test_a_lower_limit_of_ones_own(self) -> None:
        small = HubTextModel(network("GPT2LMHeadModel"), tokenizer_of("GPT2LMHeadModel"), max_tokens=5)
        trace = small.trace("the fish eats the lemon and the cat")
        whole = model("GPT2LMHeadModel").trace("the fish eats the lemon and the cat")
        assert trace.tokens == whole.tokens[:5] and trace.truncated == len(whole.tokens) - 5

    def test_of_a_pair_the_longer_loses_its_end(self) -> None:
        trace = model("BertForMaskedLM").trace("the cat", "the fish " * 40)
        assert [token.text for token in trace.tokens[:4]] == ["[CLS]", "the", "cat", "[SEP]"]
        assert len(trace.tokens) == 40 and trace.truncated == 80 - 35

    def test_an_empty_text_is_what_the_network_starts_with(self) -> None:
        assert [token.text for token in model("GPT2LMHeadModel").trace("").tokens] == ["<|endoftext|>"]
        startless = HubTextModel(
            network("GPT2LMHeadModel"),
            transformers.PreTrainedTokenizerFast(tokenizer_object=hub_networks.byte_pairs().backend_tokenizer),
        )
        with pytest.raises(InputError) as refused:
            startless.trace("")
        assert refused.value.key == "text.no_tokens"


def test_predictions_are_the_librarys() -> None:
    trace = traced("BertForMaskedLM")
    best = int(eager("BertForMaskedLM", trace).logits[0, 3].argmax())
    [(text, probability)] = trace.predictions(3, 1)
    assert text == trace.vocabulary[best] and 0 < probability < 1


def test_a_network_without_a_head_predicts_nothing() -> None:
    body = hub_networks.filled(transformers.BertModel(transformers.BertConfig(**hub_networks.SIZES)))
    trace = HubTextModel(body, hub_networks.word_pieces()).trace(TEXT)
    assert trace.predicts == "nothing" and trace.predictions(1) == [] and trace.logits.shape == (len(trace.tokens), 0)


def test_half_precision_keeps_its_type() -> None:
    halved = network("LlamaForCausalLM").to(torch.bfloat16)
    trace = HubTextModel(halved, tokenizer_of("LlamaForCausalLM")).trace(TEXT)
    assert trace.layers[0].weights.dtype == torch.bfloat16 and not trace.logits.isnan().any()


class TestUnsupported:
    def test_attention_outside_the_librarys_interface(self) -> None:
        built = transformers.BloomForCausalLM(
            transformers.BloomConfig(vocab_size=400, hidden_size=32, n_layer=1, n_head=4)
        )
        with pytest.raises(UnsupportedModelError) as refused:
            HubTextModel(built, hub_networks.byte_pairs())
        assert refused.value.key == "hub.interface" and refused.value.values["name"] == "BloomForCausalLM"

    def test_a_tokenizer_of_another_network(self) -> None:
        config = transformers.GPT2Config(**(hub_networks.GPT2_SIZES | {"vocab_size": 50}))
        with pytest.raises(UnsupportedModelError) as refused:
            HubTextModel(transformers.GPT2LMHeadModel(config), hub_networks.byte_pairs())
        assert refused.value.key == "hub.vocabulary" and refused.value.values["rows"] == 50

    def test_attention_with_something_of_its_own(self) -> None:
        built = transformers.GptOssForCausalLM(
            transformers.GptOssConfig(**hub_networks.NARROW, num_local_experts=2, num_experts_per_tok=1)
        )
        with pytest.raises(UnsupportedModelError) as refused:
            HubTextModel(hub_networks.filled(built), hub_networks.byte_pairs())
        assert refused.value.key == "hub.attention"
