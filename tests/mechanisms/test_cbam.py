"""CBAM against timm, against the paper read again, and by what must hold for any input."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.layers.cbam import CbamModule, LightCbamModule
from torch import Tensor, nn

from attention_core.errors import ControlError, KindError, ShapeError
from attention_core.mechanisms.cbam import CBAM, ChannelAttention, SpatialAttention, check_pooling

C = 6
NAN = math.nan


def example(*, B: int = 2, C: int = C, H: int = 4, W: int = 5, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(B, C, H, W, dtype=dtype)


def unsettle(norm: nn.BatchNorm2d) -> None:
    """Statistics, γ and β that are not those of a new norm."""
    with torch.no_grad():
        norm.running_mean.uniform_(-0.5, 0.5)
        norm.running_var.uniform_(0.3, 2.0)
        norm.weight.uniform_(0.5, 2.0)
        norm.bias.uniform_(-1.0, 1.0)


def exact(*, channels: int = C, reduction: int = 16, kernel_size: int = 3, training: bool = False) -> CBAM:
    module = CBAM(channels, reduction, kernel_size).double().train(training)
    unsettle(module.spatial.norm)
    return module


def sigmoid(number: float) -> float:
    return 1 / (1 + math.exp(-number))


@torch.no_grad()
def channel_by_the_paper(x: Tensor, module: ChannelAttention) -> Tensor:
    """Equation 2 of §3.1, element by element: M_c (B, C)."""
    B, C, H, W = x.shape
    W0, b0 = module.reduce.weight.tolist(), module.reduce.bias.tolist()
    W1, b1 = module.expand.weight.tolist(), module.expand.bias.tolist()

    def mlp(pooled: list[float]) -> list[float]:
        hidden = [max(0.0, sum(w * a for w, a in zip(r, pooled, strict=True)) + n) for r, n in zip(W0, b0, strict=True)]
        return [sum(w * a for w, a in zip(row, hidden, strict=True)) + n for row, n in zip(W1, b1, strict=True)]

    gates = []
    for b in range(B):
        planes = [[float(x[b, c, i, j]) for i in range(H) for j in range(W)] for c in range(C)]
        average, maximum = mlp([sum(plane) / len(plane) for plane in planes]), mlp([max(plane) for plane in planes])
        gates.append([sigmoid(a + m) for a, m in zip(average, maximum, strict=True)])
    return torch.tensor(gates, dtype=torch.float64)


@torch.no_grad()
def spatial_by_the_paper(x: Tensor, module: SpatialAttention) -> Tensor:
    """Equation 3 of §3.2, element by element, with the BatchNorm of the authors' code: M_s (B, 1, H, W)."""
    B, C, H, W = x.shape
    kernel, k = module.conv.weight[0].tolist(), module.conv.kernel_size[0]
    logits = torch.zeros(B, 1, H, W, dtype=torch.float64)
    for b in range(B):
        at = [[[float(x[b, c, i, j]) for c in range(C)] for j in range(W)] for i in range(H)]
        for i in range(H):
            for j in range(W):
                for u in range(k):
                    for v in range(k):
                        y, z = i + u - k // 2, j + v - k // 2
                        if 0 <= y < H and 0 <= z < W:
                            logits[b, 0, i, j] += kernel[0][u][v] * max(at[y][z])
                            logits[b, 0, i, j] += kernel[1][u][v] * sum(at[y][z]) / C
    norm = module.norm
    mean, variance = float(norm.running_mean), float(norm.running_var)
    if module.training:
        mean = float(logits.sum()) / logits.numel()
        variance = sum((value - mean) ** 2 for value in logits.flatten().tolist()) / logits.numel()
    logits = (logits - mean) / math.sqrt(variance + norm.eps) * float(norm.weight) + float(norm.bias)
    return torch.tensor([sigmoid(value) for value in logits.flatten().tolist()], dtype=torch.float64).view_as(logits)


# Parity


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("mlp_bias", [True, False])
@pytest.mark.parametrize("kernel_size", [3, 7])
@pytest.mark.parametrize(
    ("channels", "rd_ratio", "size"),
    [(32, 1 / 16, (8, 8)), (30, 1 / 4, (5, 7)), (7, 1 / 3, (1, 9)), (9, 1 / 16, (3, 2))],
)
def test_equals_timm(
    training: bool, mlp_bias: bool, kernel_size: int, channels: int, rd_ratio: float, size: tuple[int, int]
) -> None:
    theirs = CbamModule(channels, rd_ratio, spatial_kernel_size=kernel_size, mlp_bias=mlp_bias).double().train(training)
    unsettle(theirs.spatial.conv.bn)
    ours = CBAM.from_timm(theirs)
    x = example(C=channels, H=size[0], W=size[1])
    # While training each forward pass moves the statistics: the trace first, as it must not.
    traced, expected = ours.trace(x).output, theirs(x)
    torch.testing.assert_close(traced, expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(ours(x), expected, rtol=0, atol=1e-9)
    for name, buffer in theirs.spatial.conv.bn.named_buffers():
        torch.testing.assert_close(ours.spatial.norm.get_buffer(name), buffer, rtol=0, atol=1e-9)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kernel_size", [1, 3, 7])
def test_equals_the_paper_read_again(training: bool, kernel_size: int) -> None:
    module, x = exact(kernel_size=kernel_size, training=training), example()
    trace = module.trace(x)
    gates = channel_by_the_paper(x, module.channel)
    mask = spatial_by_the_paper(x * gates[:, :, None, None], module.spatial)
    torch.testing.assert_close(trace.channel.weights, gates, rtol=0, atol=1e-9)
    torch.testing.assert_close(trace.spatial.mask, mask, rtol=0, atol=1e-9)
    expected = x * gates[:, :, None, None] * mask
    torch.testing.assert_close(trace.output, expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(module(x), expected, rtol=0, atol=1e-9)


def test_channel_attention_worked_by_hand() -> None:
    module = ChannelAttention(2, hidden_channels=1)
    module.reduce.load_state_dict({"weight": torch.tensor([[1.0, -1.0]]), "bias": torch.tensor([1.0])})
    module.expand.load_state_dict({"weight": torch.tensor([[2.0], [-2.0]]), "bias": torch.tensor([0.5, 1.0])})
    trace = module.trace(torch.tensor([[[[1.0, 3.0]], [[0.0, 4.0]]]]))

    # averages (1 + 3)/2 and (0 + 4)/2, maxima 3 and 4
    assert trace.avg_pooled.tolist() == [[2.0, 2.0]]
    assert trace.max_pooled.tolist() == [[3.0, 4.0]]
    # 2 - 2 + 1 = 1; 3 - 4 + 1 = 0
    assert (trace.avg_hidden.tolist(), trace.max_hidden.tolist()) == ([[1.0]], [[0.0]])
    # (2·1 + 0.5, -2·1 + 1); (0 + 0.5, 0 + 1)
    assert trace.avg_logits.tolist() == [[2.5, -1.0]]
    assert trace.max_logits.tolist() == [[0.5, 1.0]]
    # σ(2.5 + 0.5) = σ(3) = 0.9526, σ(-1 + 1) = 1/2: the sum first, then the sigmoid
    torch.testing.assert_close(trace.weights, torch.tensor([[0.9525741, 0.5]]))
    torch.testing.assert_close(trace.output, torch.tensor([[[[0.9525741, 2.8577224]], [[0.0, 2.0]]]]))


def test_spatial_attention_worked_by_hand() -> None:
    module = SpatialAttention(3).eval()
    kernel = torch.zeros(1, 2, 3, 3)
    kernel[0, 0, 1] = torch.tensor([0.0, 1.0, 2.0])  # of the maxima: here, and twice the right neighbour
    kernel[0, 1, 1, 1] = -1.0  # of the means: less the one here
    module.conv.load_state_dict({"weight": kernel})
    with torch.no_grad():
        module.norm.running_mean.fill_(0.5)
        module.norm.running_var.fill_(4.0)
        module.norm.weight.fill_(0.5)
        module.norm.bias.fill_(-1.0)
    module.norm.eps = 0.0
    trace = module.trace(torch.tensor([[[[1.0, 3.0]], [[0.0, 4.0]]]]))

    # max(1, 0), max(3, 4); (1 + 0)/2, (3 + 4)/2
    assert trace.max_map.tolist() == [[[[1.0, 4.0]]]]
    assert trace.mean_map.tolist() == [[[[0.5, 3.5]]]]
    # left 1 + 2·4 - 0.5 = 8.5, right 4 + 2·0 - 3.5 = 0.5 (nothing beyond the edge)
    # normed (8.5 - 0.5)/√4·0.5 - 1 = 1, (0.5 - 0.5)/√4·0.5 - 1 = -1
    assert trace.logits.tolist() == [[[[1.0, -1.0]]]]
    # σ(1) = 0.7311, σ(-1) = 0.2689
    torch.testing.assert_close(trace.mask, torch.tensor([[[[0.7310586, 0.2689414]]]]))
    torch.testing.assert_close(trace.output, torch.tensor([[[[0.7310586, 0.8068243]], [[0.0, 1.0757657]]]]))


def test_shapes_are_those_of_the_contract() -> None:
    shapes = {name: tuple(array.shape) for name, array in exact().trace(example()).arrays().items()}
    maps, per_channel, hidden, plane = (2, C, 4, 5), (2, C), (2, 4), (2, 1, 4, 5)
    channel = {
        **dict.fromkeys(("input", "output"), maps),
        **dict.fromkeys(("avg_pooled", "max_pooled", "avg_logits", "max_logits", "weights"), per_channel),
        **dict.fromkeys(("avg_hidden", "max_hidden"), hidden),
    }
    spatial = {
        **dict.fromkeys(("input", "output"), maps),
        **dict.fromkeys(("max_map", "mean_map", "logits", "mask"), plane),
    }
    expected = {f"channel.{name}": shape for name, shape in channel.items()}
    expected |= {f"spatial.{name}": shape for name, shape in spatial.items()} | {"output": maps}
    assert shapes == expected


def test_names_of_the_weights_are_those_of_the_contract() -> None:
    names = [name for name, _ in CBAM(C).named_parameters()]
    linear = [f"channel.{part}.{kind}" for part in ("reduce", "expand") for kind in ("weight", "bias")]
    assert names == [*linear, "spatial.conv.weight", "spatial.norm.weight", "spatial.norm.bias"]
    assert CBAM(C).spatial.conv.weight.shape == (1, 2, 7, 7)


@pytest.mark.parametrize(
    ("channels", "reduction", "expected"), [(8, 16, 4), (64, 16, 4), (80, 16, 5), (128, 16, 8), (64, 8, 8), (1, 1, 4)]
)
def test_the_hidden_layer_has_at_least_four_units(channels: int, reduction: int, expected: int) -> None:
    assert CBAM(channels, reduction).channel.reduce.out_features == expected
    assert ChannelAttention(channels, reduction).hidden_channels == expected


def test_a_new_mask_is_not_flat() -> None:
    # With the γ = 0 of the authors' code it would be 0.5 everywhere.
    mask = CBAM(C).eval().trace(example(dtype=torch.float32)).spatial.mask.detach()
    assert float(mask.max() - mask.min()) > 0.01


# Invariants


@pytest.mark.parametrize("training", [True, False])
def test_forward_is_the_output_of_the_trace(
    device: torch.device, dtype: torch.dtype, rounding: float, training: bool
) -> None:
    x = example(C=8, dtype=dtype).to(device)
    for module in (ChannelAttention(8), SpatialAttention(7), CBAM(8)):
        module.to(device, dtype).train(training)
        trace = module.trace(x)
        tensors = [*vars(trace.channel).values(), *vars(trace.spatial).values()] if isinstance(module, CBAM) else []
        tensors = tensors or list(vars(trace).values())
        assert {tensor.dtype for tensor in tensors} == {dtype}
        assert {tensor.device.type for tensor in tensors} == {device.type}
        torch.testing.assert_close(module(x), trace.output, rtol=0, atol=rounding)


def test_the_mask_alone_is_that_of_the_trace() -> None:
    module, x = exact().spatial, example()
    torch.testing.assert_close(module.mask(x), module.trace(x).mask, rtol=0, atol=1e-12)


def test_the_second_half_reads_the_output_of_the_first() -> None:
    module, x = exact(), example()
    trace = module.trace(x)
    assert trace.channel.input is x
    assert trace.spatial.input is trace.channel.output
    assert trace.output is trace.spatial.output


def test_the_other_order() -> None:
    module, x = exact(), example()
    trace = module.trace(x, order="spatial-first")
    assert trace.spatial.input is x
    assert trace.channel.input is trace.spatial.output
    assert trace.output is trace.channel.output
    torch.testing.assert_close(trace.output, module.channel(module.spatial(x)), rtol=0, atol=1e-12)
    assert not torch.allclose(trace.output, module(x), atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(20)))
def test_where_things_are_does_not_matter_to_the_channels(order: list[int]) -> None:
    module, x = exact().channel, example()
    moved = x.flatten(2)[:, :, order].view_as(x)
    torch.testing.assert_close(module.trace(moved).weights, module.trace(x).weights, rtol=0, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(C)))
def test_the_order_of_channels_does_not_matter_to_the_mask(order: list[int]) -> None:
    module, x = exact().spatial, example()
    torch.testing.assert_close(module.trace(x[:, order]).mask, module.trace(x).mask, rtol=0, atol=1e-12)


def test_examples_of_a_batch_do_not_see_each_other_in_evaluation() -> None:
    module, x = exact(kernel_size=7), example(B=3)
    torch.testing.assert_close(module(x)[1:2], module(x[1:2]), rtol=0, atol=1e-12)


# Pooling


@pytest.mark.parametrize("pooling", [("avg",), ("max",), ["max"], {"avg"}, "avg"])
def test_one_branch_of_the_channels(pooling: object) -> None:
    module, x = exact().channel, example()
    trace, plain = module.trace(x, pooling=pooling), module.trace(x)  # type: ignore[arg-type]
    used = plain.avg_logits if "avg" in pooling else plain.max_logits  # type: ignore[operator]
    torch.testing.assert_close(trace.weights, used.sigmoid(), rtol=0, atol=1e-12)
    for name in ("avg_pooled", "max_pooled", "avg_hidden", "max_hidden", "avg_logits", "max_logits"):
        torch.testing.assert_close(getattr(trace, name), getattr(plain, name), rtol=0, atol=0)


@pytest.mark.parametrize(("pooling", "plane"), [("max", 0), ("avg", 1)])
def test_one_map_of_the_mask(pooling: str, plane: int) -> None:
    module, x = exact().spatial, example()
    trace, plain = module.trace(x, pooling=(pooling,)), module.trace(x)  # type: ignore[arg-type]
    seen = plain.max_map if pooling == "max" else plain.mean_map
    alone = nn.functional.conv2d(seen, module.conv.weight[:, plane : plane + 1], padding=1)
    torch.testing.assert_close(trace.logits, module.norm(alone), rtol=0, atol=1e-12)
    torch.testing.assert_close(trace.max_map, plain.max_map, rtol=0, atol=0)
    torch.testing.assert_close(trace.mean_map, plain.mean_map, rtol=0, atol=0)


def test_both_poolings_in_any_order_are_the_default() -> None:
    module, x = exact(), example()
    for pooling in (("avg", "max"), ("max", "avg"), {"avg", "max"}):
        torch.testing.assert_close(module.trace(x, pooling=pooling).output, module(x), rtol=0, atol=1e-12)


def test_cbam_gives_the_pooling_to_both_halves() -> None:
    module, x = exact(), example()
    trace = module.trace(x, pooling=("max",))
    channel = module.channel.trace(x, pooling=("max",))
    torch.testing.assert_close(trace.channel.weights, channel.weights, rtol=0, atol=0)
    spatial = module.spatial.trace(channel.output, pooling=("max",))
    torch.testing.assert_close(trace.spatial.mask, spatial.mask, rtol=0, atol=0)


@pytest.mark.parametrize("pooling", [(), ("sum",), ("avg", "min"), "average"])
def test_an_unknown_pooling_is_refused(pooling: object) -> None:
    with pytest.raises(ControlError) as caught:
        exact().trace(example(), pooling=pooling)  # type: ignore[arg-type]
    assert f'pooling is {pooling!r}; expected "avg", "max" or both' in str(caught.value)


def test_check_pooling() -> None:
    assert check_pooling("max") == {"max"}
    assert check_pooling(["avg", "avg"]) == {"avg"}


# Overrides


def test_overrides_of_one_change_nothing() -> None:
    x = example()
    trace = exact().trace(x, gate_override=torch.ones(C), mask_override=torch.ones(4, 5))
    torch.testing.assert_close(trace.output, x, rtol=0, atol=0)


@pytest.mark.parametrize("training", [True, False])
def test_overrides_of_nan_change_nothing(training: bool) -> None:
    module, x = exact(training=training), example()
    trace = module.trace(x, gate_override=torch.full((C,), NAN), mask_override=torch.full((4, 5), NAN))
    plain = module.trace(x)
    for name, array in plain.arrays().items():
        assert (array == trace.arrays()[name]).all(), name


@settings(max_examples=20, deadline=None)
@given(values=st.lists(st.sampled_from([NAN, 0.0, 0.5, 1.0]), min_size=20, max_size=20))
def test_a_mask_override_replaces_what_is_not_nan(values: list[float]) -> None:
    module, x = exact().spatial, example()
    override = torch.tensor(values).view(4, 5)
    plain, trace = module.trace(x), module.trace(x, mask_override=override)
    for i in range(4):
        for j in range(5):
            value = float(override[i, j])
            expected = plain.mask[:, 0, i, j] if math.isnan(value) else torch.full((2,), value, dtype=torch.float64)
            torch.testing.assert_close(trace.mask[:, 0, i, j], expected, rtol=0, atol=0)
    torch.testing.assert_close(trace.output, x * trace.mask, rtol=0, atol=0)
    torch.testing.assert_close(trace.logits, plain.logits, rtol=0, atol=0)


@settings(max_examples=20, deadline=None)
@given(values=st.lists(st.sampled_from([NAN, 0.0, 0.5, 1.0]), min_size=C, max_size=C))
def test_a_gate_override_replaces_what_is_not_nan(values: list[float]) -> None:
    module, x = exact().channel, example()
    plain, trace = module.trace(x), module.trace(x, gate_override=torch.tensor(values))
    for c, value in enumerate(values):
        expected = plain.weights[:, c] if math.isnan(value) else torch.full((2,), value, dtype=torch.float64)
        torch.testing.assert_close(trace.weights[:, c], expected, rtol=0, atol=0)
    torch.testing.assert_close(trace.output, x * trace.weights[:, :, None, None], rtol=0, atol=0)


def test_a_gate_reaches_the_mask_behind_it() -> None:
    module, x = exact(), example()
    trace = module.trace(x, gate_override=torch.zeros(C))
    assert bool((trace.spatial.max_map == 0).all())
    assert not torch.allclose(trace.spatial.mask, module.trace(x).spatial.mask, atol=1e-3)


def test_wrong_overrides_are_refused() -> None:
    module, x = exact(), example()
    with pytest.raises(ShapeError, match=r"gate_override has shape \(4,\); expected \(6,\)"):
        module.trace(x, gate_override=torch.ones(4))
    with pytest.raises(ShapeError, match=r"mask_override has shape \(5, 4\); expected \(4, 5\)"):
        module.trace(x, mask_override=torch.ones(5, 4))
    with pytest.raises(ShapeError, match=r"mask_override has shape \(1, 4, 5\); expected \(4, 5\)"):
        module.trace(x, mask_override=torch.ones(1, 4, 5))
    with pytest.raises(ControlError, match=r"mask_override runs from 0 to 2; expected values from 0 to 1"):
        module.trace(x, mask_override=torch.tensor([0.0, 2.0, NAN, NAN, NAN]).expand(4, 5))
    with pytest.raises(KindError, match=r"mask_override has dtype torch\.bool"):
        module.trace(x, mask_override=torch.ones(4, 5, dtype=torch.bool))


# No marks, threads, layouts


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("order", ["channel-first", "spatial-first"])
def test_a_trace_leaves_no_mark(unmarked, training: bool, order: str) -> None:
    module, x = exact(training=training), example()
    with unmarked(module):
        module.trace(x)
        module.trace(x, gate_override=torch.zeros(C), mask_override=torch.zeros(4, 5), order=order, pooling=("max",))


def test_the_test_for_marks_notices_one(unmarked) -> None:
    module, x = exact(training=True), example()
    with pytest.raises(AssertionError, match="running_mean"), unmarked(module):
        module(x)


def test_eight_threads_give_what_one_gives(in_eight_threads) -> None:
    module = exact(training=True)  # the mode in which a careless trace would write
    inputs = [example() for _ in range(64)]
    together = in_eight_threads(lambda x: module.trace(x).output, inputs)
    for x, output in zip(inputs, together, strict=True):
        torch.testing.assert_close(output, module.trace(x).output, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (7, 7), (13, 2)])
@pytest.mark.parametrize("kernel_size", [1, 3, 7])
def test_maps_of_any_size(size: tuple[int, int], kernel_size: int) -> None:
    module, x = exact(kernel_size=kernel_size), example(H=size[0], W=size[1])
    trace = module.trace(x)
    assert trace.spatial.mask.shape == (2, 1, *size)
    torch.testing.assert_close(module(x), trace.output, rtol=0, atol=1e-12)


def test_input_of_any_memory_layout() -> None:
    module, x = exact(), example()
    channels_last = x.contiguous(memory_format=torch.channels_last)
    assert not channels_last.is_contiguous()
    torch.testing.assert_close(module(channels_last), module(x), rtol=0, atol=1e-12)
    torch.testing.assert_close(module.trace(channels_last).output, module(x), rtol=0, atol=1e-12)


# Conversion


@pytest.mark.parametrize("training", [True, False])
def test_conversion_keeps_dtype_device_and_mode(
    device: torch.device, dtype: torch.dtype, rounding: float, training: bool
) -> None:
    theirs = CbamModule(32).to(device, dtype).train(training)
    theirs.spatial.conv.bn.eps, theirs.spatial.conv.bn.momentum = 1e-2, 0.3
    ours, x = CBAM.from_timm(theirs), example(C=32, dtype=dtype).to(device)
    assert (ours.channel.channels, ours.channel.hidden_channels) == (32, 2)
    assert (ours.spatial.norm.eps, ours.spatial.norm.momentum) == (1e-2, 0.3)
    assert all(part.training == training for part in ours.modules())
    assert {(p.dtype, p.device.type, p.requires_grad) for p in ours.parameters()} == {(dtype, device.type, True)}
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=rounding)


def test_a_frozen_norm_stays_frozen() -> None:
    theirs = CbamModule(8).double().train()
    unsettle(theirs.spatial.conv.bn)
    theirs.spatial.conv.bn.eval()
    ours, x = CBAM.from_timm(theirs), example(C=8)
    torch.testing.assert_close(ours.trace(x).output, theirs(x), rtol=0, atol=1e-9)
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=1e-9)


def test_a_converted_module_is_a_copy() -> None:
    theirs = CbamModule(8, mlp_bias=True)
    before = {name: tensor.clone() for name, tensor in theirs.state_dict().items()}
    ours = CBAM.from_timm(theirs).train()
    ours(example(C=8, dtype=torch.float32))
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.zero_()
    for name, tensor in theirs.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


@pytest.mark.parametrize("other", [LightCbamModule(8), nn.Conv2d(3, 3, 1), None, ChannelAttention(8)])
def test_another_module_is_refused(other: object) -> None:
    with pytest.raises(KindError, match=rf"got a {type(other).__name__}; expected timm's CbamModule") as caught:
        CBAM.from_timm(other)  # type: ignore[arg-type]
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("build", "came"),
    [
        (partial(CbamModule, 8, gate_layer="hard_sigmoid"), "Hardsigmoid"),
        (partial(CbamModule, 8, act_layer=nn.SiLU), "SiLU"),
    ],
)
def test_what_is_unequal_is_refused(build: Callable[[], nn.Module], came: str) -> None:
    with pytest.raises(ControlError, match=f"has {came} where CBAM has"):
        CBAM.from_timm(build())


# Refusals


@pytest.mark.parametrize("shape", [(2, 5, 4, 4), (6, 4, 4), (2, 6, 4), (0, 6, 4, 4), (2, 6, 4, 0)])
@pytest.mark.parametrize("way", ["forward", "trace"])
def test_a_wrong_shape_is_refused(shape: tuple[int, ...], way: str) -> None:
    with pytest.raises(ShapeError) as caught:
        getattr(CBAM(C).eval(), way)(torch.zeros(shape))
    assert str(shape) in str(caught.value)
    assert "(B, 6, H, W)" in str(caught.value)


@pytest.mark.parametrize("way", ["forward", "trace", "mask"])
def test_spatial_attention_refuses_what_is_no_batch_of_maps(way: str) -> None:
    call = getattr(SpatialAttention().eval(), way)
    with pytest.raises(ShapeError, match=r"x has shape \(6, 4, 4\); expected \(B, C, H, W\)"):
        call(torch.zeros(6, 4, 4))
    with pytest.raises(KindError, match=r"x has dtype torch\.float64; expected torch\.float32"):
        call(torch.zeros(2, 6, 4, 4, dtype=torch.float64))


@pytest.mark.parametrize("way", ["forward", "trace"])
def test_a_wrong_dtype_is_refused(way: str) -> None:
    call = getattr(CBAM(C).eval(), way)
    with pytest.raises(KindError, match=r"x has dtype torch\.int32; expected a floating-point dtype"):
        call(torch.zeros(2, C, 4, 4, dtype=torch.int32))
    with pytest.raises(KindError, match=r"x has dtype torch\.float64; expected torch\.float32"):
        call(torch.zeros(2, C, 4, 4, dtype=torch.float64))


@pytest.mark.parametrize("kernel_size", [2, 8])
def test_an_even_kernel_is_refused(kernel_size: int) -> None:
    with pytest.raises(ControlError, match=f"kernel_size is {kernel_size}; expected an odd number"):
        CBAM(C, kernel_size=kernel_size)


def test_a_size_that_is_no_whole_number_is_refused() -> None:
    with pytest.raises(ControlError, match="channels is 0; expected a whole number of at least 1"):
        CBAM(0)
    with pytest.raises(ControlError, match="reduction is -1; expected a whole number of at least 1"):
        CBAM(8, reduction=-1)
    with pytest.raises(ControlError, match=r"kernel_size is 3\.0; expected a whole number of at least 1"):
        CBAM(8, kernel_size=3.0)  # type: ignore[arg-type]


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(ControlError, match='order is \'parallel\'; expected "channel-first" or "spatial-first"'):
        exact().trace(example(), order="parallel")  # type: ignore[arg-type]


# What lies around the map


@pytest.mark.parametrize("kernel_size", [3, 7])
def test_a_mirrored_border_is_a_padded_map(kernel_size: int) -> None:
    module = SpatialAttention(kernel_size, "reflect").double().eval()
    unsettle(module.norm)
    x, reach = example(H=6, W=9), kernel_size // 2
    maps = torch.cat((x.amax(dim=1, keepdim=True), x.mean(dim=1, keepdim=True)), dim=1)
    rows = [abs(i) if i < 6 else 10 - i for i in range(-reach, 6 + reach)]  # …2 1 | 0 1 2 3 4 5 | 4 3…
    columns = [abs(i) if i < 9 else 16 - i for i in range(-reach, 9 + reach)]
    padded = maps[:, :, rows][:, :, :, columns]
    expected = module.norm(nn.functional.conv2d(padded, module.conv.weight)).sigmoid()
    torch.testing.assert_close(module.mask(x), expected)
    torch.testing.assert_close(module.trace(x).mask, expected)
    torch.testing.assert_close(module(x), module.trace(x).output)


def test_a_border_has_no_weights_and_reaches_the_spatial_half_of_cbam() -> None:
    zeros, reflect = CBAM(C, kernel_size=3), CBAM(C, kernel_size=3, border="reflect")
    reflect.load_state_dict(zeros.state_dict())
    assert (zeros.spatial.conv.padding_mode, reflect.spatial.conv.padding_mode) == ("zeros", "reflect")


def test_maps_too_small_to_be_mirrored_are_refused() -> None:
    module = SpatialAttention(7, "reflect").double()
    for run in (module, module.trace, module.mask):
        with pytest.raises(ShapeError, match="expected maps of at least 4 × 4, which can be mirrored"):
            run(example(H=3, W=9))
    assert module.eval()(example(H=4, W=4)).shape == (2, C, 4, 4)


def test_an_unknown_border_is_refused() -> None:
    with pytest.raises(ControlError, match="border is 'circular'; expected one of zeros, reflect"):
        SpatialAttention(3, "circular")  # type: ignore[arg-type]
