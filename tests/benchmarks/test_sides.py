"""What is measured against each other computes the same: copied weights, equal numbers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from attention_core.mechanisms.multi_head import MultiHeadSelfAttention, MultiHeadTrace
from attention_core.models.text import EncoderBlock, TextTrace
from benchmarks import attention, cbam, growth, squeeze_excitation, text
from benchmarks.peers import cbam_by_the_paper


@pytest.mark.parametrize("T", [1, 16, 65])
@torch.inference_mode()
def test_attention_gives_the_weights_and_the_output_of_torch(T: int) -> None:
    wanted, unwanted = attention.sides(48, 3, T, "cpu")
    trace, (output, weights) = wanted[attention.TRACE](), wanted[attention.TORCH]()
    assert isinstance(trace, MultiHeadTrace)
    assert trace.weights.shape == weights.shape == (1, 3, T, T)  # a head each, not their mean
    torch.testing.assert_close(trace.weights, weights, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(trace.output, output, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(unwanted[attention.FORWARD](), unwanted[attention.SDPA](), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("B", "C", "S"), [(1, 64, 14), (3, 32, 9), (2, 64, 112)])
@torch.inference_mode()
def test_squeeze_excitation_gives_what_torchvision_gives(B: int, C: int, S: int) -> None:
    came = {name: side() for name, side in squeeze_excitation.sides(B, C, S, "cpu").items()}
    torch.testing.assert_close(
        came[squeeze_excitation.OURS], came[squeeze_excitation.TORCHVISION], rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("layout", list(cbam.FORMATS))
@pytest.mark.parametrize(("B", "C", "S"), [(1, 64, 14), (3, 32, 9), (2, 64, 112)])
@torch.inference_mode()
def test_cbam_gives_what_timm_and_the_paper_give(B: int, C: int, S: int, layout: str) -> None:
    sides = cbam.sides(B, C, S, layout, "cpu")
    ours = sides[cbam.OURS]()
    assert isinstance(ours, Tensor) and ours.is_contiguous(memory_format=cbam.FORMATS[layout])
    for other in (cbam.TIMM, cbam.PAPER):
        torch.testing.assert_close(sides[other](), ours, rtol=1e-4, atol=1e-6)
    copied = sides[cbam.COPY]()
    assert isinstance(copied, Tensor) and copied.shape == ours.shape and copied.stride() == ours.stride()


def test_the_plain_reading_of_cbam_has_biases_and_a_norm_that_is_not_new() -> None:
    module = cbam.CBAM(16).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_()
        module.spatial.norm.running_mean.fill_(0.3)
        module.spatial.norm.running_var.fill_(2.0)
        x = torch.randn(2, 16, 8, 8)
        torch.testing.assert_close(cbam_by_the_paper(module, x), module.trace(x).output, rtol=1e-4, atol=1e-6)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two layers, four heads: the shape that all of text.py reads."""
    for name, value in {"LAYERS": 2, "HEADS": 4, "WIDTH": 32, "FEED_FORWARD": 128, "TOKENS": 24}.items():
        monkeypatch.setattr(text, name, value)


@pytest.mark.usefixtures("small")
@torch.inference_mode()
def test_the_same_network_gives_the_same_logits_and_weights() -> None:
    sides = text.same_network("cpu")
    trace, output = sides[text.TRACE](), sides[text.EAGER]()
    torch.testing.assert_close(trace.logits, output.logits[0], rtol=1e-4, atol=1e-5)
    assert len(trace.tokens) == 24 and len(trace.layers) == len(output.attentions) == 2
    for ours, theirs in zip(trace.layers, output.attentions, strict=True):
        torch.testing.assert_close(ours.weights, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("small")
@torch.inference_mode()
def test_the_same_shape_reads_as_many_tokens_with_as_many_numbers() -> None:
    sides = text.same_shape("cpu")
    trace, output = sides[text.TRACE](), sides[text.EAGER]()
    assert isinstance(trace, TextTrace)
    assert trace.logits.shape == output.logits[0].shape
    assert [layer.weights.shape for layer in trace.layers] == [weights.shape for weights in output.attentions]
    block, theirs = text.text_model(2, 4, 32, 24).blocks[0], text.bert().bert.encoder.layer[0]
    assert isinstance(block, EncoderBlock)
    assert _numbers(block) == _numbers(theirs)
    assert _numbers(block.feed_forward) == _numbers(theirs.intermediate) + _numbers(theirs.output.dense)


@pytest.mark.usefixtures("small")
@torch.inference_mode()
def test_a_layer_of_the_same_shape_attends_alike_with_copied_weights() -> None:
    layer, ours = text.bert().bert.encoder.layer[0].attention, MultiHeadSelfAttention(32, 4).eval()
    parts = {name: getattr(layer.self, name) for name in ("query", "key", "value")} | {"output": layer.output.dense}
    for name, part in parts.items():
        getattr(ours, name).load_state_dict(part.state_dict())
    x = torch.randn(1, 24, 32)
    context, weights = layer.self(x)[:2]
    trace = ours.trace(x)
    torch.testing.assert_close(trace.weights, weights, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(trace.output, layer.output.dense(context), rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("small")
@torch.inference_mode()
def test_tracing_is_measured_against_the_same_text_untraced() -> None:
    sides = text.traced(24, "cpu")
    trace, logits = sides[text.TRACE](), sides[text.FORWARD]()
    assert isinstance(trace, TextTrace) and isinstance(logits, Tensor) and len(trace.tokens) == 24
    torch.testing.assert_close(trace.logits, logits[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", list(growth.GROWING))
def test_what_grows_is_as_large_as_its_label(name: str) -> None:
    build, sizes = growth.GROWING[name]
    size = sizes[1]
    trace = build(size, "cpu")()
    came = {
        "tokens": lambda: len(trace.tokens),
        "layers": lambda: len(trace.layers),
        "heads": lambda: trace.layers[0].weights.shape[1],
        "side of the photo": lambda: trace.image.shape[-1],
    }[name]()
    assert came == size


def _numbers(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
