"""The trace itself: names, nesting, immutability, and the way to NumPy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from attention_core.mechanisms.cbam import CBAM, CBAMTrace, ChannelAttentionTrace, SpatialAttentionTrace
from attention_core.mechanisms.multi_head import MultiHeadTrace
from attention_core.mechanisms.self_attention import SelfAttention, SelfAttentionTrace
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitationTrace
from attention_core.mechanisms.trace import Trace

CONTRACT = {
    SelfAttentionTrace: "input query key value scores weights output",
    MultiHeadTrace: "input query key value scores weights head_outputs concatenated output",
    SqueezeExcitationTrace: "input squeezed hidden logits weights output",
    ChannelAttentionTrace: ("input avg_pooled max_pooled avg_hidden max_hidden avg_logits max_logits weights output"),
    SpatialAttentionTrace: "input max_map mean_map logits mask output",
    CBAMTrace: "channel spatial output",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Leaf(Trace):
    name: str
    numbers: Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class Tree(Trace):
    single: Tensor
    missing: Leaf | None
    leaves: tuple[Leaf, ...]
    table: dict[str, Tensor]
    count: int


def tree() -> Tree:
    leaves = tuple(Leaf(f"leaf {i}", torch.full((2,), float(i))) for i in range(2))
    return Tree(torch.ones(3, requires_grad=True), None, leaves, {"a": torch.zeros(1)}, 7)


@pytest.mark.parametrize("kind", CONTRACT, ids=lambda kind: kind.__name__)
def test_fields_are_those_of_the_contract(kind: type[Trace]) -> None:
    assert " ".join(field.name for field in dataclasses.fields(kind)) == CONTRACT[kind]


def test_arrays_are_named_by_their_dotted_path() -> None:
    arrays = tree().arrays()
    assert list(arrays) == ["single", "leaves.0.numbers", "leaves.1.numbers", "table.a"]
    assert arrays["leaves.1.numbers"].tolist() == [1.0, 1.0]
    assert all(isinstance(array, np.ndarray) for array in arrays.values())


def test_a_prefix_goes_before_every_name() -> None:
    assert list(tree().arrays("stage2")) == [f"stage2.{name}" for name in tree().arrays()]


def test_arrays_of_a_real_trace_hold_every_tensor_of_it() -> None:
    trace = CBAM(8).trace(torch.randn(1, 8, 4, 4))
    arrays = trace.arrays()
    expected = {
        *(f"channel.{name}" for name in CONTRACT[ChannelAttentionTrace].split()),
        *(f"spatial.{name}" for name in CONTRACT[SpatialAttentionTrace].split()),
        "output",
    }
    assert set(arrays) == expected
    np.testing.assert_array_equal(arrays["spatial.mask"], trace.spatial.mask.detach().numpy())


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (torch.bfloat16, np.float32),
        (torch.float16, np.float32),
        (torch.float32, np.float32),
        (torch.float64, np.float64),
        (torch.bool, np.bool_),
    ],
)
def test_arrays_lose_nothing(dtype: torch.dtype, expected: type) -> None:
    numbers = torch.tensor([0.0, 1.0, 1 / 3]).to(dtype)
    array = Leaf("one", numbers).arrays()["numbers"]
    assert array.dtype == expected
    assert torch.equal(torch.from_numpy(array).to(dtype), numbers)


def test_a_trace_cannot_be_changed() -> None:
    trace = SelfAttention(4).trace(torch.randn(1, 2, 4))
    with pytest.raises(dataclasses.FrozenInstanceError):
        trace.weights = torch.zeros(1, 2, 2)  # type: ignore[misc]


def test_traces_compare_by_identity_and_can_be_keys() -> None:
    # Equality of the fields would ask tensors for one truth value, and raise.
    module, x = SelfAttention(4), torch.randn(1, 2, 4)
    first, second = module.trace(x), module.trace(x)
    assert first == first
    assert first != second
    assert len({first, second}) == 2
