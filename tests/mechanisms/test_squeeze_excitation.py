"""Squeeze-and-excitation against torchvision, against the paper read again, and by what must hold for any input."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision import models, ops

from attention_core.errors import ControlError, KindError, ShapeError
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation, reduced_channels

C = 6
NAN = math.nan


def example(*, B: int = 2, C: int = C, H: int = 4, W: int = 5, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(B, C, H, W, dtype=dtype)


def exact(**options: object) -> SqueezeExcitation:
    return SqueezeExcitation(C, **options).double()  # type: ignore[arg-type]


def by_the_paper(x: Tensor, module: SqueezeExcitation) -> Tensor:
    """Equations 2, 3 and 4 of §3, element by element."""
    B, C, H, W = x.shape
    W1, b1 = module.reduce.weight.tolist(), module.reduce.bias.tolist()
    W2, b2 = module.expand.weight.tolist(), module.expand.bias.tolist()
    output = torch.empty_like(x)
    for b in range(B):
        z = [sum(float(x[b, c, i, j]) for i in range(H) for j in range(W)) / (H * W) for c in range(C)]
        hidden = [max(0.0, sum(w * a for w, a in zip(row, z, strict=True)) + n) for row, n in zip(W1, b1, strict=True)]
        for c in range(C):
            logit = sum(w * a for w, a in zip(W2[c], hidden, strict=True)) + b2[c]
            gate = 1 / (1 + math.exp(-logit))
            for i in range(H):
                for j in range(W):
                    output[b, c, i, j] = gate * x[b, c, i, j]
    return output


# Parity


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("activation", "gate"),
    [
        (nn.ReLU, nn.Sigmoid),
        (nn.ReLU, nn.Hardsigmoid),  # MobileNetV3
        (nn.SiLU, nn.Sigmoid),
        (partial(nn.SiLU, inplace=True), nn.Sigmoid),  # EfficientNet
        (partial(nn.ReLU, inplace=True), partial(nn.Hardsigmoid, inplace=True)),
    ],
)
@pytest.mark.parametrize("size", [(4, 4), (5, 3), (1, 1)])
def test_equals_torchvision(
    training: bool, activation: Callable[[], nn.Module], gate: Callable[[], nn.Module], size: tuple[int, int]
) -> None:
    theirs = ops.SqueezeExcitation(C, 3, activation=activation, scale_activation=gate).double().train(training)
    ours, x = SqueezeExcitation.from_torchvision(theirs), example(H=size[0], W=size[1])
    expected = theirs(x)
    torch.testing.assert_close(ours(x), expected, rtol=0, atol=1e-9)
    trace = ours.trace(x)
    torch.testing.assert_close(trace.output, expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(trace.weights[:, :, None, None], theirs._scale(x), rtol=0, atol=1e-9)


def test_the_logits_are_before_the_gate_even_if_it_works_in_place() -> None:
    module = exact(gate=partial(nn.Hardsigmoid, inplace=True))
    trace = module.trace(example())
    torch.testing.assert_close(trace.logits, module.expand(trace.hidden), rtol=0, atol=0)
    torch.testing.assert_close(trace.weights, (trace.logits / 6 + 0.5).clamp(0, 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("build", [models.mobilenet_v3_small, models.efficientnet_b0])
def test_equals_every_block_of_a_torchvision_network(build: Callable[..., nn.Module]) -> None:
    blocks = [part for part in build(weights=None).modules() if isinstance(part, ops.SqueezeExcitation)]
    assert len(blocks) >= 9
    for theirs in blocks:
        theirs.double().eval()
        x = example(C=theirs.fc1.in_channels)
        torch.testing.assert_close(SqueezeExcitation.from_torchvision(theirs)(x), theirs(x), rtol=0, atol=1e-9)


def test_equals_the_paper_read_again() -> None:
    module, x = exact(hidden_channels=3), example()
    expected = by_the_paper(x, module)
    torch.testing.assert_close(module(x), expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(module.trace(x).output, expected, rtol=0, atol=1e-9)


def test_worked_by_hand() -> None:
    module = SqueezeExcitation(2, hidden_channels=2)
    module.reduce.load_state_dict(
        {"weight": torch.tensor([[1.0, -2.0], [-1.0, 1.0]]), "bias": torch.tensor([0.0, 1.0])}
    )
    module.expand.load_state_dict(
        {"weight": torch.tensor([[1.0, 5.0], [-1.0, 5.0]]), "bias": torch.tensor([-2.0, 0.0])}
    )
    u1, u2 = [[1.0, 3.0], [5.0, 7.0]], [[0.0, 2.0], [2.0, 0.0]]
    trace = module.trace(torch.tensor([[u1, u2]]))

    # z = ((1 + 3 + 5 + 7)/4, (0 + 2 + 2 + 0)/4)
    assert trace.squeezed.tolist() == [[4.0, 1.0]]
    # W₁z + b₁ = (4 - 2, -4 + 1 + 1) = (2, -2); ReLU stops the second, and the fives with it
    assert trace.hidden.tolist() == [[2.0, 0.0]]
    # W₂h + b₂ = (2 + 0 - 2, -2 + 0 + 0)
    assert trace.logits.tolist() == [[0.0, -2.0]]
    # σ(0) = 1/2, σ(-2) = 1/(1 + e²) = 0.1192
    torch.testing.assert_close(trace.weights, torch.tensor([[0.5, 0.1192029]]))
    torch.testing.assert_close(
        trace.output, torch.tensor([[[[0.5, 1.5], [2.5, 3.5]], [[0.0, 0.2384058], [0.2384058, 0.0]]]])
    )


def test_shapes_and_names_are_those_of_the_contract() -> None:
    module = exact(hidden_channels=3)
    shapes = {name: tuple(array.shape) for name, array in module.trace(example()).arrays().items()}
    assert shapes == {
        "input": (2, C, 4, 5),
        "squeezed": (2, C),
        "hidden": (2, 3),
        "logits": (2, C),
        "weights": (2, C),
        "output": (2, C, 4, 5),
    }
    assert list(module.state_dict()) == ["reduce.weight", "reduce.bias", "expand.weight", "expand.bias"]


@pytest.mark.parametrize(
    ("channels", "reduction", "expected"),
    [(64, 16, 4), (16, 16, 4), (8, 16, 4), (1, 16, 4), (256, 16, 16), (100, 16, 6), (64, 2, 32), (79, 16, 4)],
)
def test_the_hidden_layer_has_at_least_four_units(channels: int, reduction: int, expected: int) -> None:
    module = SqueezeExcitation(channels, reduction)
    assert module.hidden_channels == module.reduce.out_features == module.expand.in_features == expected
    assert reduced_channels(channels, reduction, None) == expected


@pytest.mark.parametrize("hidden", [1, 3, 50])
def test_hidden_channels_has_the_last_word(hidden: int) -> None:
    assert SqueezeExcitation(32, hidden_channels=hidden).reduce.out_features == hidden


# Invariants


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_forward_is_the_output_of_the_trace(
    device: torch.device, dtype: torch.dtype, rounding: float, training: bool, pooling: str
) -> None:
    module = SqueezeExcitation(C, pooling=pooling).to(device, dtype).train(training)
    x = example(dtype=dtype).to(device)
    trace = module.trace(x)
    assert {tensor.dtype for tensor in vars(trace).values()} == {dtype}
    assert {tensor.device.type for tensor in vars(trace).values()} == {device.type}
    torch.testing.assert_close(module(x), trace.output, rtol=0, atol=rounding)


def test_max_pooling_squeezes_by_the_maximum() -> None:
    x = example()
    squeezed = exact(pooling="max").trace(x).squeezed
    for b in range(2):
        for c in range(C):
            assert float(squeezed[b, c]) == max(x[b, c].flatten().tolist())


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(20)))
def test_where_things_are_does_not_matter(order: list[int]) -> None:
    module, x = exact(), example()
    moved = x.flatten(2)[:, :, order].view_as(x)
    torch.testing.assert_close(module.trace(moved).weights, module.trace(x).weights, rtol=0, atol=1e-12)
    torch.testing.assert_close(module(moved), module(x).flatten(2)[:, :, order].view_as(x), rtol=0, atol=1e-12)


def test_examples_of_a_batch_do_not_see_each_other() -> None:
    module, x = exact(), example(B=3)
    torch.testing.assert_close(module(x)[1:2], module(x[1:2]), rtol=0, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([NAN, 0.0, 0.25, 1.0]), min_size=C, max_size=C))
def test_an_override_replaces_what_is_not_nan(values: list[float]) -> None:
    module, x = exact(), example()
    plain, override = module.trace(x), torch.tensor(values)
    trace = module.trace(x, gate_override=override)
    for c, value in enumerate(values):
        if math.isnan(value):
            torch.testing.assert_close(trace.weights[:, c], plain.weights[:, c], rtol=0, atol=0)
            torch.testing.assert_close(trace.output[:, c], plain.output[:, c], rtol=0, atol=0)
        else:
            assert trace.weights[:, c].tolist() == [value, value]
            torch.testing.assert_close(trace.output[:, c], x[:, c] * value, rtol=0, atol=0)
    torch.testing.assert_close(trace.logits, plain.logits, rtol=0, atol=0)


def test_gates_of_one_change_nothing() -> None:
    x = example()
    torch.testing.assert_close(exact().trace(x, gate_override=torch.ones(C)).output, x, rtol=0, atol=0)


def test_an_override_of_nan_changes_nothing() -> None:
    module, x = exact(), example()
    trace = module.trace(x, gate_override=torch.full((C,), NAN))
    torch.testing.assert_close(trace.output, module.trace(x).output, rtol=0, atol=0)


def test_an_override_keeps_the_dtype(dtype: torch.dtype) -> None:
    trace = SqueezeExcitation(C).to(dtype).trace(example(dtype=dtype), gate_override=torch.ones(C).double())
    assert trace.weights.dtype == trace.output.dtype == dtype


def test_input_of_any_memory_layout() -> None:
    module, x = exact(), example()
    channels_last = x.contiguous(memory_format=torch.channels_last)
    assert not channels_last.is_contiguous()
    torch.testing.assert_close(module(channels_last), module(x), rtol=0, atol=1e-12)
    torch.testing.assert_close(module.trace(channels_last).output, module(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_a_trace_leaves_no_mark(unmarked, training: bool) -> None:
    module, x = exact().train(training), example()
    with unmarked(module):
        module.trace(x, gate_override=torch.zeros(C))


def test_eight_threads_give_what_one_gives(in_eight_threads) -> None:
    module = exact()
    inputs = [example() for _ in range(64)]
    together = in_eight_threads(lambda x: module.trace(x).weights, inputs)
    for x, weights in zip(inputs, together, strict=True):
        torch.testing.assert_close(weights, module.trace(x).weights, rtol=0, atol=1e-12)


# Conversion


@pytest.mark.parametrize("training", [True, False])
def test_conversion_keeps_dtype_device_and_mode(
    device: torch.device, dtype: torch.dtype, rounding: float, training: bool
) -> None:
    theirs = ops.SqueezeExcitation(C, 2).to(device, dtype).train(training)
    ours, x = SqueezeExcitation.from_torchvision(theirs), example(dtype=dtype).to(device)
    assert (ours.channels, ours.hidden_channels) == (C, 2)
    assert all(part.training == training for part in ours.modules())
    assert {(p.dtype, p.device.type, p.requires_grad) for p in ours.parameters()} == {(dtype, device.type, True)}
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=rounding)


def test_a_converted_module_is_a_copy() -> None:
    theirs = ops.SqueezeExcitation(C, 2, activation=nn.PReLU)
    before = {name: tensor.clone() for name, tensor in theirs.state_dict().items()}
    ours = SqueezeExcitation.from_torchvision(theirs)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.zero_()
    for name, tensor in theirs.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


class LinearLookalike(nn.Module):
    """The same part names with another kind of layer."""

    def __init__(self) -> None:
        super().__init__()
        self.avgpool, self.fc1, self.fc2 = nn.AdaptiveAvgPool2d(1), nn.Linear(4, 2), nn.Linear(2, 4)
        self.activation, self.scale_activation = nn.ReLU(), nn.Sigmoid()


class MaxLookalike(ops.SqueezeExcitation):
    """Squeezes by the maximum, which the parts' names do not tell."""

    def __init__(self) -> None:
        super().__init__(4, 2)
        self.avgpool = nn.AdaptiveMaxPool2d(1)


@pytest.mark.parametrize("other", [nn.Conv2d(3, 3, 1), None, LinearLookalike(), MaxLookalike()])
def test_what_is_unequal_is_refused(other: object) -> None:
    with pytest.raises(KindError, match=rf"got a {type(other).__name__}; expected a torchvision") as caught:
        SqueezeExcitation.from_torchvision(other)  # type: ignore[arg-type]
    assert isinstance(caught.value, TypeError)


# Refusals


@pytest.mark.parametrize("shape", [(2, 5, 4, 4), (6, 4, 4), (2, 6, 4), (2, 6, 0, 4), (0, 6, 4, 4), (2, 4, 4, 6)])
@pytest.mark.parametrize("way", ["forward", "trace"])
def test_a_wrong_shape_is_refused(shape: tuple[int, ...], way: str) -> None:
    with pytest.raises(ShapeError) as caught:
        getattr(SqueezeExcitation(C), way)(torch.zeros(shape))
    assert str(shape) in str(caught.value)
    assert "(B, 6, H, W)" in str(caught.value)


@pytest.mark.parametrize("way", ["forward", "trace"])
def test_a_wrong_dtype_is_refused(way: str) -> None:
    call = getattr(SqueezeExcitation(C), way)
    with pytest.raises(KindError, match=r"x has dtype torch\.uint8; expected a floating-point dtype"):
        call(torch.zeros(2, C, 4, 4, dtype=torch.uint8))
    with pytest.raises(KindError, match=r"x has dtype torch\.float64; expected torch\.float32"):
        call(torch.zeros(2, C, 4, 4, dtype=torch.float64))


def test_wrong_overrides_are_refused() -> None:
    module, x = exact(), example()
    with pytest.raises(ShapeError, match=r"gate_override has shape \(5,\); expected \(6,\)"):
        module.trace(x, gate_override=torch.ones(5))
    with pytest.raises(ShapeError, match=r"gate_override has shape \(2, 6\); expected \(6,\)"):
        module.trace(x, gate_override=torch.ones(2, 6))
    with pytest.raises(ControlError, match=r"gate_override runs from -0\.5 to 1\.5; expected values from 0 to 1"):
        module.trace(x, gate_override=torch.tensor([NAN, -0.5, 0, 1.5, NAN, NAN]))
    with pytest.raises(ControlError, match="to inf; expected values from 0 to 1"):
        module.trace(x, gate_override=torch.full((C,), math.inf))
    with pytest.raises(KindError, match=r"gate_override has dtype torch\.int64"):
        module.trace(x, gate_override=torch.ones(C, dtype=torch.int64))
    with pytest.raises(KindError, match="gate_override is a list"):
        module.trace(x, gate_override=[1.0] * C)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"channels": 0}, "channels"),
        ({"channels": 8, "reduction": 0}, "reduction"),
        ({"channels": 8, "reduction": 1.5}, "reduction"),
        ({"channels": 8, "hidden_channels": 0}, "hidden_channels"),
    ],
)
def test_a_size_that_is_no_whole_number_is_refused(options: dict[str, int], name: str) -> None:
    with pytest.raises(ControlError, match=rf"{name} is {options[name]}; expected a whole number of at least 1"):
        SqueezeExcitation(**options)


def test_an_unknown_pooling_is_refused() -> None:
    with pytest.raises(ControlError, match='pooling is \'median\'; expected "avg" or "max"'):
        SqueezeExcitation(C, pooling="median")  # type: ignore[arg-type]
