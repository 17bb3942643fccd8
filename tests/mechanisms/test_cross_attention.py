"""Cross-attention against torch, and by what must hold for any two sequences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from attention_core.errors import ControlError, KindError, ShapeError
from attention_core.mechanisms.cross_attention import MultiHeadCrossAttention
from attention_core.mechanisms.multi_head import MultiHeadSelfAttention

B, T, S, D, H = 2, 3, 5, 12, 3


def both() -> tuple[Tensor, Tensor]:
    return torch.randn(B, T, D, dtype=torch.float64), torch.randn(B, S, D, dtype=torch.float64)


def torchs(bias: bool = True) -> nn.MultiheadAttention:
    module = nn.MultiheadAttention(D, H, bias=bias, batch_first=True, dtype=torch.float64)
    if bias:
        nn.init.normal_(module.in_proj_bias)
        nn.init.normal_(module.out_proj.bias)
    return module


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_equals_torch(bias: bool, masked: bool) -> None:
    theirs, (x, memory) = torchs(bias), both()
    ours = MultiHeadCrossAttention.from_torch(theirs)
    real = torch.tensor([[True] * S, [True] * 3 + [False] * 2])
    mask = real[:, None, None] if masked else None
    expected, weights = theirs(
        x, memory, memory, key_padding_mask=~real if masked else None, average_attn_weights=False
    )
    trace = ours.trace(x, memory, mask=mask)
    assert torch.allclose(ours(x, memory, mask), expected, atol=1e-9)
    assert torch.allclose(trace.output, expected, atol=1e-9)
    assert torch.allclose(trace.weights, weights, atol=1e-9)


def test_a_text_that_asks_itself_is_self_attention() -> None:
    theirs, (x, _) = torchs(), both()
    own = MultiHeadSelfAttention.from_torch(theirs).trace(x)
    across = MultiHeadCrossAttention.from_torch(theirs).trace(x, x)
    assert torch.equal(across.weights, own.weights)
    assert torch.equal(across.output, own.output)


def test_the_order_of_what_is_read_does_not_matter() -> None:
    module, (x, memory) = MultiHeadCrossAttention.from_torch(torchs()), both()
    order = torch.tensor([3, 0, 4, 1, 2])
    trace, moved = module.trace(x, memory), module.trace(x, memory[:, order])
    assert torch.allclose(moved.output, trace.output, atol=1e-12)
    assert torch.allclose(moved.weights, trace.weights[..., order], atol=1e-12)


def test_each_number_comes_from_those_before_it() -> None:
    module, (x, memory) = MultiHeadCrossAttention.from_torch(torchs()), both()
    trace = module.trace(x, memory, temperature=2.0)
    assert trace.weights.shape == (B, H, T, S)
    assert torch.allclose(trace.scores, trace.query @ trace.key.mT / 2.0, atol=1e-12)  # d = 4
    assert torch.allclose(trace.weights, (trace.scores / 2).softmax(dim=-1), atol=1e-12)
    assert torch.allclose(trace.head_outputs, trace.weights @ trace.value, atol=1e-12)
    assert torch.allclose(trace.output, module.output(trace.concatenated), atol=1e-12)
    assert torch.equal(trace.memory, memory)


def test_a_gate_turns_one_head_down() -> None:
    module, (x, memory) = MultiHeadCrossAttention.from_torch(torchs()), both()
    trace = module.trace(x, memory)
    gated = module.trace(x, memory, head_gates=torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64))
    lost = module.head_contributions(trace.head_outputs)[:, 1]
    assert torch.allclose(gated.output, trace.output - lost, atol=1e-12)


def test_what_does_not_fit_is_refused() -> None:
    module, (x, memory) = MultiHeadCrossAttention.from_torch(torchs()), both()
    with pytest.raises(ShapeError, match=r"memory has shape \(1, 5, 12\); expected \(2, S, 12\)"):
        module(x, memory[:1])
    with pytest.raises(ShapeError, match="memory"):
        module.trace(x, memory[..., :6])
    with pytest.raises(ShapeError, match="mask"):
        module.trace(x, memory, mask=torch.ones(T, T + 1, dtype=torch.bool))
    with pytest.raises(KindError, match="memory"):
        module.trace(x, memory.float())
    with pytest.raises(ControlError, match="temperature"):
        module.trace(x, memory, temperature=0.0)
