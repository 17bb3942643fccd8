"""The text network: its trace is its forward pass, and every what-if does what it says and no more."""

from __future__ import annotations

import copy
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor

from attention_core.errors import ControlError, KindError, ShapeError
from attention_core.models.text import TextConfig, TextModel, TextTrace
from attention_core.models.tokenization import Tokenizer, positions_of

SAVED = Path(__file__).parents[2] / "assets" / "text" / "tokenizer.json"
HEADS = (4, 2, 1)
WIDTH, POSITIONS = 16, 24
SENTENCE, PAIR = "我吃柠檬", "I eat lemons"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(SAVED)


@pytest.fixture
def model(tokenizer: Tokenizer) -> TextModel:
    """A small network in float64, with a different number of heads in each layer."""
    torch.manual_seed(0)
    config = TextConfig(len(tokenizer.vocabulary), WIDTH, HEADS, feed_forward=32, positions=POSITIONS)
    built = TextModel(config, tokenizer).double()
    for parameter in built.parameters():  # no bias may be 0 and no norm the identity
        torch.nn.init.normal_(parameter, std=0.4)
    return built


def inputs(trace: TextTrace, *, hidden_as: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """ids, positions and segments (1, T) of a trace's tokens, as `forward` takes them."""
    ids = [hidden_as if hidden_as is not None and i in trace.hidden else t.id for i, t in enumerate(trace.tokens)]
    segments = [token.segment for token in trace.tokens]
    return torch.tensor([ids]), torch.tensor([positions_of(segments)]), torch.tensor([segments])


def close(came: Tensor, expected: Tensor, atol: float = 1e-9) -> None:
    torch.testing.assert_close(came, expected, rtol=0, atol=atol)


# The trace is the forward pass


@pytest.mark.parametrize("pair", [None, PAIR, ""])
@pytest.mark.parametrize("training", [True, False])
def test_trace_equals_forward(model: TextModel, pair: str | None, training: bool) -> None:
    trace = model.train(training).trace(SENTENCE, pair)
    ids, positions, segments = inputs(trace)
    close(trace.logits, model(ids, positions, segments)[0])
    close(trace.final, model.hidden(ids, positions, segments)[0])


@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float32, 1e-4), (torch.bfloat16, 0.3)])
def test_trace_equals_forward_in_less_precision(model: TextModel, dtype: torch.dtype, rounding: float) -> None:
    model.to(dtype)
    trace = model.trace(SENTENCE, PAIR)
    assert trace.logits.dtype == trace.layers[0].weights.dtype == dtype
    close(trace.logits.float(), model(*inputs(trace))[0].float(), atol=rounding)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_trace_equals_forward_on_cuda(model: TextModel) -> None:
    model.cuda()
    trace = model.trace(SENTENCE, PAIR, hide=(1,), head_gates=[torch.ones(heads) for heads in HEADS])
    expected = model(*(tensor.cuda() for tensor in inputs(trace, hidden_as=model.tokenizer.mask)))
    assert trace.logits.is_cuda
    close(trace.logits, expected[0])


def test_shapes_are_those_of_the_contract(model: TextModel) -> None:
    trace = model.trace(SENTENCE, PAIR)
    T, V = len(trace.tokens), len(model.tokenizer.vocabulary)
    for name in ("token_embedding", "position_embedding", "segment_embedding", "embedding", "final"):
        assert getattr(trace, name).shape == (T, WIDTH)
    assert trace.logits.shape == (T, V)
    assert len(trace.layers) == len(trace.blocks) == len(HEADS)
    for heads, layer, block in zip(HEADS, trace.layers, trace.blocks, strict=True):
        assert layer.weights.shape == (1, heads, T, T)
        assert layer.head_outputs.shape == (1, heads, T, WIDTH // heads)
        for name in ("normed_input", "after_attention", "feed_forward", "output"):
            assert getattr(block, name).shape == (T, WIDTH)
    assert (trace.truncated, trace.hidden) == (0, frozenset())


def test_the_embedding_is_the_sum_of_three_table_rows(model: TextModel) -> None:
    trace = model.trace(SENTENCE, PAIR)
    seen = {0: 0, 1: 0}
    for i, token in enumerate(trace.tokens):
        word = model.token_embedding.weight[token.id]
        place = model.position_embedding.weight[seen[token.segment]]
        sentence = model.segment_embedding.weight[token.segment]
        seen[token.segment] += 1
        close(trace.token_embedding[i], WIDTH**0.5 * word, atol=0)
        close(trace.position_embedding[i], WIDTH**0.5 * place, atol=0)
        close(trace.segment_embedding[i], WIDTH**0.5 * sentence, atol=0)
        close(trace.embedding[i], WIDTH**0.5 * (word + place + sentence), atol=1e-12)


def test_embeddings_can_be_left_unscaled(tokenizer: Tokenizer) -> None:
    config = TextConfig(len(tokenizer.vocabulary), WIDTH, HEADS, positions=POSITIONS, embedding_scale=1.0)
    model = TextModel(config, tokenizer)
    trace = model.trace(SENTENCE)
    close(trace.token_embedding[1], model.token_embedding.weight[trace.tokens[1].id], atol=0)


def normalised(x: Tensor, norm: torch.nn.LayerNorm) -> Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    spread = (centred.square().mean(dim=-1, keepdim=True) + norm.eps).sqrt()
    return centred / spread * norm.weight + norm.bias


def gelu(x: Tensor) -> Tensor:
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def test_blocks_chain_from_the_embedding_to_the_logits(model: TextModel) -> None:
    trace = model.trace(SENTENCE, PAIR)
    h = trace.embedding
    for part, layer, block in zip(model.blocks, trace.layers, trace.blocks, strict=True):
        close(block.normed_input, normalised(h, part.attention_norm))
        close(layer.input[0], block.normed_input, atol=0)
        close(block.after_attention, h + layer.output[0])
        first, _, second = part.feed_forward
        normed = normalised(block.after_attention, part.feed_forward_norm)
        close(block.feed_forward, gelu(normed @ first.weight.T + first.bias) @ second.weight.T + second.bias)
        close(block.output, block.after_attention + block.feed_forward)
        h = block.output
    close(trace.final, normalised(h, model.norm))
    close(trace.logits, trace.final @ model.token_embedding.weight.T + model.output_bias)


def test_each_layer_is_its_modules_own_trace(model: TextModel) -> None:
    trace = model.trace(SENTENCE)
    for part, layer, block in zip(model.blocks, trace.layers, trace.blocks, strict=True):
        alone = part.attention.trace(block.normed_input[None])
        for name, tensor in vars(layer).items():
            close(tensor, getattr(alone, name), atol=1e-12)


def test_a_trace_can_be_computed_on(model: TextModel) -> None:
    # Tensors of inference mode could not enter a computation that wants gradients.
    trace = model.trace(SENTENCE)
    contributions = model.blocks[0].attention.head_contributions(trace.layers[0].head_outputs)
    close(contributions.sum(dim=1) + model.blocks[0].attention.output.bias, trace.layers[0].output)
    logits = model.unembed(trace.final)
    logits.sum().backward()
    assert model.output_bias.grad is not None
    assert not trace.logits.requires_grad


# What-if


def test_neutral_controls_change_nothing(model: TextModel) -> None:
    plain = model.trace(SENTENCE, PAIR)
    T = len(plain.tokens)
    neutral = model.trace(
        SENTENCE,
        PAIR,
        hide=(),
        head_gates=[torch.ones(heads) for heads in HEADS],
        scale=None,
        temperature=1.0,
        mask=torch.ones(T, T, dtype=torch.bool),
    )
    assert (neutral.logits == plain.logits).all()


def test_hiding_is_reading_mask(model: TextModel) -> None:
    trace = model.trace(SENTENCE, PAIR, hide=(2, 4))
    assert trace.hidden == {2, 4}
    assert trace.tokens == model.trace(SENTENCE, PAIR).tokens  # labels stay
    close(trace.token_embedding[2], WIDTH**0.5 * model.token_embedding.weight[model.tokenizer.mask], atol=0)
    close(trace.logits, model(*inputs(trace, hidden_as=model.tokenizer.mask))[0])


def test_a_hidden_token_cannot_be_seen(model: TextModel) -> None:
    first, second = model.trace("我吃柠檬", hide=[2]), model.trace("我卖柠檬", hide=[2])
    close(first.logits, second.logits, atol=0)
    assert float((model.trace("我吃柠檬").logits - model.trace("我卖柠檬").logits).abs().max()) > 1e-3


def test_hide_takes_positions_of_any_kind(model: TextModel) -> None:
    expected = model.trace(SENTENCE, hide=(1, 3)).logits
    for hide in ([3, 1, 1], {1, 3}, range(1, 4, 2), torch.tensor([1, 3]), torch.tensor([1, 3]).numpy()):
        close(model.trace(SENTENCE, hide=hide).logits, expected, atol=0)


@pytest.mark.parametrize("layer", range(len(HEADS)))
def test_a_gate_of_zero_removes_exactly_one_contribution(model: TextModel, layer: int) -> None:
    plain = model.trace(SENTENCE)
    gates = [torch.ones(heads) for heads in HEADS]
    gates[layer][-1] = 0
    gated = model.trace(SENTENCE, head_gates=gates)
    removed = model.blocks[layer].attention.head_contributions(plain.layers[layer].head_outputs)[0, -1]
    close(gated.layers[layer].output[0], plain.layers[layer].output[0] - removed, atol=1e-12)
    for before in range(layer):  # nothing earlier moves
        close(gated.blocks[before].output, plain.blocks[before].output, atol=0)
    assert float((gated.logits - plain.logits).abs().max()) > 1e-6


def test_gates_as_one_tensor(tokenizer: Tokenizer) -> None:
    torch.manual_seed(1)
    config = TextConfig(len(tokenizer.vocabulary), WIDTH, (4, 4), feed_forward=16, positions=POSITIONS)
    model = TextModel(config, tokenizer).double()
    gates = torch.tensor([[1.0, 0.0, 1.0, 0.5], [0.0, 0.0, 2.0, 1.0]])
    close(model.trace(SENTENCE, head_gates=gates).logits, model.trace(SENTENCE, head_gates=list(gates)).logits, atol=0)
    assert bool((model.trace(SENTENCE, head_gates=gates).layers[1].head_outputs[0, :2] == 0).all())


def test_a_mask_is_that_of_every_layer(model: TextModel) -> None:
    T = len(model.trace(SENTENCE, PAIR).tokens)
    mask = torch.ones(T, T, dtype=torch.bool).tril()
    trace = model.trace(SENTENCE, PAIR, mask=mask)
    for layer in trace.layers:
        assert bool((layer.weights[0][:, ~mask] == 0).all())
        close(layer.weights.sum(dim=-1), torch.ones(layer.weights.shape[:-1], dtype=torch.float64))
    close(trace.logits, model(*inputs(trace), mask=mask)[0])


def test_under_a_causal_mask_the_future_does_not_matter(model: TextModel) -> None:
    mask = torch.ones(6, 6, dtype=torch.bool).tril()
    first, second = model.trace("我吃柠檬", mask=mask), model.trace("我吃苹果", mask=mask)
    close(first.logits[:3], second.logits[:3], atol=1e-12)  # [CLS] 我 吃
    assert float((first.logits[3] - second.logits[3]).abs().max()) > 1e-3


def test_a_row_with_everything_masked_gives_no_nan(model: TextModel) -> None:
    mask = torch.ones(6, 6, dtype=torch.bool)
    mask[2] = False
    trace = model.trace(SENTENCE, mask=mask)
    assert bool(trace.logits.isfinite().all())
    for part, layer in zip(model.blocks, trace.layers, strict=True):
        assert bool((layer.weights[0, :, 2] == 0).all())
        close(layer.output[0, 2], part.attention.output.bias, atol=0)
    close(trace.logits, model(*inputs(trace), mask=mask)[0])


def test_scale_none_is_one_over_root_of_each_layers_head_width(model: TextModel) -> None:
    for heads, layer in zip(HEADS, model.trace(SENTENCE).layers, strict=True):
        close(layer.scores, layer.query @ layer.key.mT / math.sqrt(WIDTH / heads), atol=1e-12)
    for layer in model.trace(SENTENCE, scale=0.7).layers:
        close(layer.scores, layer.query @ layer.key.mT * 0.7, atol=1e-12)


def test_temperature_flattens_every_layer(model: TextModel) -> None:
    for layer in model.trace(SENTENCE, temperature=1e9).layers:
        close(layer.weights, torch.full_like(layer.weights, 1 / 6), atol=1e-6)
    for layer in model.trace(SENTENCE, temperature=1e-9).layers:
        close(layer.weights.amax(dim=-1), torch.ones(layer.weights.shape[:-1], dtype=torch.float64))
    for layer in model.trace(SENTENCE, temperature=3.0).layers:
        close(layer.weights, (layer.scores / 3).softmax(dim=-1), atol=1e-12)


# Predictions


def test_predictions_are_sorted_probabilities_of_the_vocabulary(model: TextModel) -> None:
    trace = model.trace(SENTENCE)
    everything = trace.predictions(2, k=10**9)
    assert len(everything) == len(model.tokenizer.vocabulary)
    probabilities = [probability for _, probability in everything]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1, abs=1e-4)
    assert {text for text, _ in everything} == set(model.tokenizer.vocabulary)
    assert trace.predictions(2, k=3) == everything[:3]
    assert len(trace.predictions(2)) == 5
    total = sum(math.exp(logit) for logit in trace.logits[2].tolist())
    for text, probability in everything[:20]:
        logit = float(trace.logits[2, model.tokenizer.vocabulary.index(text)])
        assert probability == pytest.approx(math.exp(logit) / total, rel=1e-4)


@pytest.mark.parametrize("position", [-1, 6, 100])
def test_a_position_outside_is_refused(model: TextModel, position: int) -> None:
    with pytest.raises(ControlError, match=f"position is {position}; expected 0 … 5"):
        model.trace(SENTENCE).predictions(position)


# Long, short and strange text


def test_text_beyond_the_limit_is_cut_and_counted(model: TextModel) -> None:
    trace = model.trace("一" * 100)
    assert (len(trace.tokens), trace.truncated) == (POSITIONS, 100 - (POSITIONS - 2))
    pair = model.trace("一" * 100, "二" * 3)
    assert (len(pair.tokens), pair.truncated) == (POSITIONS, 103 - (POSITIONS - 3))
    assert [token.text for token in pair.tokens if token.segment == 1] == ["二", "二", "二", "[SEP]"]


@pytest.mark.parametrize("text", ["", " ", "\ud800", "😀", "\u0301"])
def test_strange_text_is_traced(model: TextModel, text: str) -> None:
    trace = model.trace(text)
    assert (trace.tokens[0].text, trace.tokens[-1].text) == ("[CLS]", "[SEP]")
    assert bool(trace.logits.isfinite().all())


def test_traditional_and_simplified_are_the_same_to_the_network(model: TextModel) -> None:
    first, second = model.trace("我喫檸檬"), model.trace("我吃柠檬")
    close(first.logits, second.logits, atol=0)
    assert [token.text for token in first.tokens] != [token.text for token in second.tokens]


# Shared by all sessions


@pytest.mark.parametrize("training", [True, False])
def test_a_trace_leaves_no_mark(model: TextModel, training: bool) -> None:
    model.train(training)
    before = {name: (tensor.clone(), tensor._version) for name, tensor in model.state_dict(keep_vars=True).items()}
    attributes = {name: sorted(vars(part)) for name, part in model.named_modules()}
    model.trace(SENTENCE, PAIR, hide=(1,), head_gates=[torch.zeros(h) for h in HEADS], scale=1.0, temperature=2.0)
    for name, tensor in model.state_dict(keep_vars=True).items():
        close(tensor, before[name][0], atol=0)
        assert tensor._version == before[name][1]
        assert tensor.grad is None
    assert {name: sorted(vars(part)) for name, part in model.named_modules()} == attributes
    assert all(not part._forward_hooks and not part._forward_pre_hooks for part in model.modules())
    assert all(part.training == training for part in model.modules())


def test_eight_threads_give_what_one_gives(model: TextModel) -> None:
    jobs = [("學習我吃柠檬"[n % 4 :], 0.5 + n % 5) for n in range(48)]

    def work(job: tuple[str, float]) -> Tensor:
        return model.trace(job[0], PAIR, temperature=job[1]).logits

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, jobs))
    for job, logits in zip(jobs, together, strict=True):
        close(logits, work(job), atol=1e-12)


def test_a_copy_traces_the_same(model: TextModel) -> None:
    close(copy.deepcopy(model).trace(SENTENCE).logits, model.trace(SENTENCE).logits, atol=0)


def test_arrays_name_every_layer(model: TextModel) -> None:
    arrays = model.trace(SENTENCE).arrays()
    assert {f"layers.{n}.weights" for n in range(3)} | {f"blocks.{n}.output" for n in range(3)} <= set(arrays)
    assert {"embedding", "final", "logits"} <= set(arrays)


# Refusals


@pytest.mark.parametrize("position", [-1, 6])
def test_hiding_a_position_outside_is_refused(model: TextModel, position: int) -> None:
    with pytest.raises(ControlError, match=f"hide names position {position}; expected 0 … 5"):
        model.trace(SENTENCE, hide=(1, position))


def test_wrong_gates_are_refused(model: TextModel) -> None:
    with pytest.raises(ShapeError, match="head_gates has 2 layers; expected 3"):
        model.trace(SENTENCE, head_gates=torch.ones(2, 4))
    with pytest.raises(ShapeError, match=r"head_gates has shape \(4,\); expected \(2,\)"):
        model.trace(SENTENCE, head_gates=torch.ones(3, 4))
    with pytest.raises(KindError, match="head_gates is a list"):
        model.trace(SENTENCE, head_gates=[[1.0] * 4, [1.0] * 2, [1.0]])  # type: ignore[list-item]


def test_a_wrong_mask_is_refused(model: TextModel) -> None:
    with pytest.raises(ShapeError) as caught:
        model.trace(SENTENCE, mask=torch.ones(4, 4, dtype=torch.bool))
    assert "(4, 4)" in str(caught.value)
    assert "(6, 6)" in str(caught.value)
    with pytest.raises(ShapeError, match=r"\(1, 6, 6\)"):
        model.trace(SENTENCE, mask=torch.ones(1, 6, 6, dtype=torch.bool))
    with pytest.raises(KindError, match=r"mask is torch\.float32; expected a torch\.bool"):
        model.trace(SENTENCE, mask=torch.ones(6, 6))
    with pytest.raises(KindError, match=r"mask is list; expected a torch\.bool"):
        model.trace(SENTENCE, mask=[[True] * 6] * 6)  # type: ignore[arg-type]


@pytest.mark.parametrize("temperature", [0.0, -2.0, math.nan, math.inf])
def test_a_temperature_out_of_range_is_refused(model: TextModel, temperature: float) -> None:
    with pytest.raises(ControlError, match=f"temperature is {temperature}; expected a finite number above 0"):
        model.trace(SENTENCE, temperature=temperature)


def test_what_is_no_text_is_refused(model: TextModel) -> None:
    with pytest.raises(KindError, match="came as NoneType; a str is expected"):
        model.trace(None)  # type: ignore[arg-type]
    with pytest.raises(KindError, match="came as int; a str is expected"):
        model.trace(SENTENCE, 3)  # type: ignore[arg-type]


def test_heads_that_do_not_divide_the_width_are_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(ControlError, match="dim 16 cannot be split over 3 heads"):
        TextModel(TextConfig(len(tokenizer.vocabulary), WIDTH, (4, 3)), tokenizer)
