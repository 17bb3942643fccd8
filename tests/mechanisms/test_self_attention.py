"""Self-attention against torch, against the paper read again, and by what must hold for any input."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from attention_core.errors import ControlError, KindError, ShapeError
from attention_core.mechanisms.self_attention import SelfAttention, attend, attention_weights


def example(*, B: int = 2, T: int = 5, D: int = 6, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(B, T, D, dtype=dtype)


def exact(*sizes: int, bias: bool = True) -> SelfAttention:
    return SelfAttention(*sizes, bias=bias).double()


def by_the_paper(
    x: Tensor, module: SelfAttention, mask: Tensor, scale: float | None, temperature: float
) -> tuple[list[list[float]], list[list[float]]]:
    """§3.2.1 for one sentence, element by element: weights (T, T) and output (T, dv)."""

    def project(linear: torch.nn.Linear) -> list[list[float]]:
        weight, bias = linear.weight.tolist(), linear.bias.tolist()
        return [
            [sum(w * a for w, a in zip(row, token, strict=True)) + b for row, b in zip(weight, bias, strict=True)]
            for token in x.tolist()
        ]

    query, key, value = project(module.query), project(module.key), project(module.value)
    factor = 1 / math.sqrt(len(query[0])) if scale is None else scale
    weights, output = [], []
    for i, q in enumerate(query):
        exponentials = [
            math.exp(factor * sum(a * b for a, b in zip(q, k, strict=True)) / temperature) if mask[i, j] else 0.0
            for j, k in enumerate(key)
        ]
        total = sum(exponentials)
        row = [e / total if total else 0.0 for e in exponentials]
        weights.append(row)
        output.append([sum(w * v[c] for w, v in zip(row, value, strict=True)) for c in range(len(value[0]))])
    return weights, output


# Parity


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("scale", [None, 0.3, -1.0])
@pytest.mark.parametrize("masked", [False, True])
def test_equals_torch(bias: bool, scale: float | None, masked: bool) -> None:
    module, x = exact(6, 4, 3, bias=bias), example()
    mask = torch.rand(2, 5, 5) > 0.4 if masked else None
    if mask is not None:
        mask |= torch.eye(5, dtype=torch.bool)
    expected = F.scaled_dot_product_attention(
        module.query(x), module.key(x), module.value(x), attn_mask=mask, scale=scale
    )
    trace = module.trace(x, mask=mask, scale=scale)
    torch.testing.assert_close(trace.output, expected, rtol=0, atol=1e-9)
    if scale is None:
        torch.testing.assert_close(module(x, mask), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("scale", [None, 0.7])
@pytest.mark.parametrize("temperature", [1.0, 0.25, 3.0])
def test_equals_the_paper_read_again(scale: float | None, temperature: float) -> None:
    module, x = exact(6, 4, 3), example(B=1)
    mask = torch.rand(5, 5) > 0.3
    mask[2] = False
    trace = module.trace(x, mask=mask, scale=scale, temperature=temperature)
    weights, output = by_the_paper(x[0], module, mask, scale, temperature)
    torch.testing.assert_close(trace.weights[0], torch.tensor(weights, dtype=torch.float64), rtol=0, atol=1e-9)
    torch.testing.assert_close(trace.output[0], torch.tensor(output, dtype=torch.float64), rtol=0, atol=1e-9)


def test_worked_by_hand() -> None:
    module = SelfAttention(2)
    module.query.load_state_dict({"weight": torch.tensor([[2.0, 0.0], [0.0, 1.0]])})
    module.key.load_state_dict({"weight": torch.tensor([[1.0, 0.0], [0.0, 1.0]])})
    module.value.load_state_dict({"weight": torch.tensor([[4.0, 0.0], [0.0, 8.0]])})
    trace = module.trace(torch.tensor([[[1.0, 0.0], [1.0, 1.0]]]))

    # x¹ = (1, 0), x² = (1, 1)
    assert trace.query[0].tolist() == [[2.0, 0.0], [2.0, 1.0]]
    assert trace.key[0].tolist() == [[1.0, 0.0], [1.0, 1.0]]
    assert trace.value[0].tolist() == [[4.0, 0.0], [4.0, 8.0]]
    # q¹·k¹ = 2, q¹·k² = 2; q²·k¹ = 2, q²·k² = 2 + 1 = 3; each by √2
    torch.testing.assert_close(trace.scores[0], torch.tensor([[1.4142136, 1.4142136], [1.4142136, 2.1213203]]))
    # row 1: equal scores, one half each
    # row 2: they differ by 1/√2 = 0.7071; e^0.7071 = 2.0281; 1/3.0281 = 0.3302, 2.0281/3.0281 = 0.6698
    torch.testing.assert_close(trace.weights[0], torch.tensor([[0.5, 0.5], [0.3302385, 0.6697615]]))
    # b¹ = (4, 0)/2 + (4, 8)/2 = (4, 4); b² = 0.3302·(4, 0) + 0.6698·(4, 8) = (4, 5.3581)
    torch.testing.assert_close(trace.output[0], torch.tensor([[4.0, 4.0], [4.0, 5.3580924]]))


def test_shapes_are_those_of_the_contract() -> None:
    trace = SelfAttention(6, 4, 3).trace(example(dtype=torch.float32))
    shapes = {name: tuple(array.shape) for name, array in trace.arrays().items()}
    assert shapes == {
        "input": (2, 5, 6),
        "query": (2, 5, 4),
        "key": (2, 5, 4),
        "value": (2, 5, 3),
        "scores": (2, 5, 5),
        "weights": (2, 5, 5),
        "output": (2, 5, 3),
    }


def test_names_of_the_weights_are_those_of_the_contract() -> None:
    assert list(SelfAttention(6).state_dict()) == ["query.weight", "key.weight", "value.weight"]
    assert set(SelfAttention(6, bias=True).state_dict()) >= {"query.bias", "key.bias", "value.bias"}


# Invariants


@settings(max_examples=40, deadline=None)
@given(
    T=st.integers(1, 7),
    seed=st.integers(0, 2**31),
    scale=st.none() | st.floats(-3, 3),
    temperature=st.floats(1e-3, 1e3),
)
def test_rows_sum_to_one_or_zero(T: int, seed: int, scale: float | None, temperature: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, T, 6, dtype=torch.float64, generator=generator)
    mask = torch.rand(2, T, T, generator=generator) > 0.5
    weights = exact(6).trace(x, mask=mask, scale=scale, temperature=temperature).weights
    assert bool((weights >= 0).all())
    assert bool((weights[~mask] == 0).all())
    torch.testing.assert_close(weights.sum(dim=-1), mask.any(dim=-1).double(), rtol=0, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(5)))
def test_permuting_tokens_permutes_the_trace(order: list[int]) -> None:
    module, x, mask = exact(6, 4, 3), example(), torch.rand(2, 5, 5) > 0.3
    trace = module.trace(x, mask=mask)
    moved = module.trace(x[:, order], mask=mask[:, order][:, :, order])
    for name in ("input", "query", "key", "value", "output"):
        torch.testing.assert_close(getattr(moved, name), getattr(trace, name)[:, order])
    for name in ("scores", "weights"):
        torch.testing.assert_close(getattr(moved, name), getattr(trace, name)[:, order][:, :, order])


@pytest.mark.parametrize("training", [True, False])
def test_forward_is_the_output_of_the_trace(
    device: torch.device, dtype: torch.dtype, rounding: float, training: bool
) -> None:
    module = SelfAttention(8, 4, 5, bias=True).to(device, dtype).train(training)
    x = example(D=8, dtype=dtype).to(device)
    mask = (torch.rand(5, 5) > 0.4).to(device)
    mask[0] = False
    for chosen in (None, mask):
        trace = module.trace(x, mask=chosen)
        assert {tensor.dtype for tensor in vars(trace).values()} == {dtype}
        assert {tensor.device.type for tensor in vars(trace).values()} == {device.type}
        torch.testing.assert_close(module(x, chosen), trace.output, rtol=0, atol=rounding)


@pytest.mark.parametrize("T", [1, 2, 33])
def test_forward_is_the_output_of_the_trace_at_other_lengths(T: int) -> None:
    module, x = exact(6), example(T=T)
    torch.testing.assert_close(module(x), module.trace(x).output, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(5, 5), (2, 5, 5), (1, 5, 5), (2, 1, 5), (1, 5), (5, 1), (5,), ()])
def test_a_mask_broadcasts(shape: tuple[int, ...]) -> None:
    module, x, mask = exact(6), example(), torch.rand(shape) > 0.4
    trace, full = module.trace(x, mask=mask), module.trace(x, mask=mask.expand(2, 5, 5))
    torch.testing.assert_close(trace.weights, full.weights, rtol=0, atol=0)
    torch.testing.assert_close(module(x, mask), full.output, rtol=0, atol=1e-12)


def test_a_mask_of_all_true_changes_nothing() -> None:
    module, x = exact(6), example()
    masked = module.trace(x, mask=torch.ones(5, 5, dtype=torch.bool))
    torch.testing.assert_close(masked.weights, module.trace(x).weights, rtol=0, atol=0)


def test_masked_weights_are_exactly_zero_and_scores_are_before_the_mask() -> None:
    module, x = exact(6), example()
    mask = torch.ones(5, 5, dtype=torch.bool).tril()
    trace = module.trace(x, mask=mask)
    assert bool((trace.weights[:, ~mask] == 0).all())
    torch.testing.assert_close(trace.scores, module.trace(x).scores, rtol=0, atol=0)


def test_masking_is_leaving_out() -> None:
    module, x = exact(6), example()
    mask = torch.tensor([True, True, False, True, False])
    kept = module.trace(x[:, mask])
    trace = module.trace(x, mask=mask)
    torch.testing.assert_close(trace.output[:, mask], kept.output, rtol=0, atol=1e-12)


@pytest.mark.parametrize("T", [4, 40])
@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_a_row_with_everything_masked_is_zero_and_so_are_its_gradients(
    dtype: torch.dtype, T: int, temperature: float
) -> None:
    module = SelfAttention(8).to(dtype)
    mask = torch.ones(T, T, dtype=torch.bool)
    mask[1] = False
    x = example(T=T, D=8, dtype=dtype).requires_grad_()
    trace = module.trace(x, mask=mask, temperature=temperature)
    assert bool((trace.weights[:, 1] == 0).all())
    for output in (trace.output, module(x, mask)):
        assert bool((output[:, 1] == 0).all())
        assert bool(output.isfinite().all())
        for gradient in torch.autograd.grad(output.square().sum(), (x, *module.parameters())):
            assert bool(gradient.isfinite().all())
            assert bool((gradient != 0).any())


def test_gradients_of_trace_and_forward_agree() -> None:
    module, x = exact(6), example().requires_grad_()
    mask = torch.rand(5, 5) > 0.4
    (through_forward,) = torch.autograd.grad(module(x, mask).square().sum(), x)
    (through_trace,) = torch.autograd.grad(module.trace(x, mask=mask).output.square().sum(), x)
    torch.testing.assert_close(through_trace, through_forward, rtol=0, atol=1e-9)


def test_everything_masked_everywhere() -> None:
    module, x = exact(6), example()
    mask = torch.zeros(5, 5, dtype=torch.bool)
    assert bool((module.trace(x, mask=mask).output == 0).all())
    assert bool((module(x, mask) == 0).all())


def test_scale_none_is_one_over_root_of_the_key_width() -> None:
    module, x = exact(6, 4, 9), example()
    trace = module.trace(x)
    torch.testing.assert_close(trace.scores, module.trace(x, scale=0.5).scores, rtol=0, atol=1e-12)
    torch.testing.assert_close(trace.scores, trace.query @ trace.key.mT / 2, rtol=0, atol=1e-12)


def test_scale_zero_attends_evenly() -> None:
    trace = exact(6).trace(example(), scale=0.0)
    torch.testing.assert_close(trace.weights, torch.full_like(trace.weights, 0.2))


def test_temperature_is_the_reciprocal_of_a_scale_and_leaves_the_scores() -> None:
    module, x = exact(6, 4), example()
    hot, scaled = module.trace(x, temperature=2.5), module.trace(x, scale=0.5 / 2.5)
    torch.testing.assert_close(hot.weights, scaled.weights, rtol=0, atol=1e-12)
    torch.testing.assert_close(hot.scores, module.trace(x).scores, rtol=0, atol=0)


def test_rising_temperature_flattens() -> None:
    module, x = exact(6), example()
    entropies = []
    for temperature in (0.1, 0.5, 1.0, 2.0, 10.0):
        weights = module.trace(x, temperature=temperature).weights
        entropies.append(torch.special.entr(weights).sum(dim=-1))
    for cooler, hotter in itertools.pairwise(entropies):
        assert bool((hotter > cooler).all())


@pytest.mark.parametrize("temperature", [1e-40, 1e-300, 5e-324])
@pytest.mark.parametrize("masked", [False, True])
def test_the_cold_limit_is_the_largest_score(dtype: torch.dtype, temperature: float, masked: bool) -> None:
    scores = torch.tensor([[1.0, 3.0, 2.0], [-5.0, -6.0, -4.0], [0.5, 0.5, -0.5]], dtype=dtype)
    mask = torch.tensor([[True, False, True], [True, True, False], [False, False, False]]) if masked else None
    expected = [[0, 1, 0], [0, 0, 1], [0.5, 0.5, 0]]
    if masked:
        expected = [[0, 0, 1], [1, 0, 0], [0, 0, 0]]
    assert attention_weights(scores, mask, temperature).tolist() == expected


@pytest.mark.parametrize("temperature", [1e30, 1e300, 1.7e308])
@pytest.mark.parametrize("masked", [False, True])
def test_the_hot_limit_is_even(dtype: torch.dtype, temperature: float, masked: bool) -> None:
    scores = torch.tensor([[1.0, 3.0, 2.0, -9.0]], dtype=dtype)
    mask = torch.tensor([True, False, True, False]) if masked else None
    expected = [[0.5, 0, 0.5, 0]] if masked else [[0.25] * 4]
    assert attention_weights(scores, mask, temperature).tolist() == expected


def test_attend_takes_any_leading_axes() -> None:
    query, key, value = (torch.randn(2, 3, 4, 5, width, dtype=torch.float64) for width in (6, 6, 7))
    scores, weights, output = attend(query, key, value)
    assert (scores.shape, weights.shape, output.shape) == ((2, 3, 4, 5, 5), (2, 3, 4, 5, 5), (2, 3, 4, 5, 7))
    expected = F.scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-9)


def test_input_of_any_memory_layout() -> None:
    module, x = exact(6), example()
    expected = module.trace(x).output
    channel_first = x.transpose(1, 2).contiguous().transpose(1, 2)
    strided = torch.stack((x, x), dim=-1)[..., 0]
    for view in (channel_first, strided):
        assert not view.is_contiguous()
        torch.testing.assert_close(module.trace(view).output, expected)
        torch.testing.assert_close(module(view), expected)


@pytest.mark.parametrize("training", [True, False])
def test_a_trace_leaves_no_mark(unmarked, training: bool) -> None:
    module, x = exact(6).train(training), example()
    with unmarked(module):
        module.trace(x, mask=torch.ones(5, 5, dtype=torch.bool), scale=1.0, temperature=2.0)


def test_eight_threads_give_what_one_gives(in_eight_threads) -> None:
    module = exact(6)
    inputs = [example() for _ in range(64)]
    together = in_eight_threads(lambda x: module.trace(x).output, inputs)
    for x, output in zip(inputs, together, strict=True):
        torch.testing.assert_close(output, module.trace(x).output, rtol=0, atol=1e-12)


# Refusals: each says what came and what was expected


@pytest.mark.parametrize("shape", [(5, 6), (2, 5, 7), (1, 2, 5, 6), (2, 0, 6), (0, 5, 6), (6,)])
@pytest.mark.parametrize("way", ["forward", "trace"])
def test_a_wrong_shape_is_refused(shape: tuple[int, ...], way: str) -> None:
    with pytest.raises(ShapeError) as caught:
        getattr(SelfAttention(6), way)(torch.zeros(shape))
    assert str(shape) in str(caught.value)
    assert "(B, T, 6)" in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("way", ["forward", "trace"])
def test_a_wrong_dtype_is_refused(way: str) -> None:
    call = getattr(SelfAttention(6), way)
    with pytest.raises(KindError, match=r"x has dtype torch\.int64; expected a floating-point dtype"):
        call(torch.zeros(2, 5, 6, dtype=torch.int64))
    with pytest.raises(KindError, match=r"x has dtype torch\.float64; expected torch\.float32"):
        call(torch.zeros(2, 5, 6, dtype=torch.float64))
    with pytest.raises(KindError, match=r"x is a list; expected a torch\.Tensor") as caught:
        call([[1.0]])
    assert isinstance(caught.value, TypeError)


def test_autocast_may_mix_dtypes() -> None:
    module, x = SelfAttention(6), example(dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        assert module(x).dtype == torch.bfloat16
        assert module.trace(x).output.dtype == torch.bfloat16


@pytest.mark.parametrize("shape", [(4, 4), (5, 4), (3, 5, 5), (2, 2, 5, 5), (6,)])
@pytest.mark.parametrize("way", ["forward", "trace"])
def test_a_mask_of_wrong_shape_is_refused(shape: tuple[int, ...], way: str) -> None:
    with pytest.raises(ShapeError) as caught:
        getattr(exact(6), way)(example(), mask=torch.ones(shape, dtype=torch.bool))
    assert str(shape) in str(caught.value)
    assert "(2, 5, 5)" in str(caught.value)


@pytest.mark.parametrize("way", ["forward", "trace"])
def test_a_mask_that_is_not_boolean_is_refused(way: str) -> None:
    call = getattr(exact(6), way)
    with pytest.raises(KindError, match=r"mask is torch\.float32; expected a torch\.bool"):
        call(example(), mask=torch.ones(5, 5))
    with pytest.raises(KindError, match=r"mask is list; expected a torch\.bool"):
        call(example(), mask=[[True]])


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.inf, math.nan])
def test_a_temperature_out_of_range_is_refused(temperature: float) -> None:
    with pytest.raises(ControlError, match=rf"temperature is {temperature}; expected a finite number above 0"):
        exact(6).trace(example(), temperature=temperature)


@pytest.mark.parametrize("control", ["temperature", "scale"])
def test_a_control_that_is_no_number_is_refused(control: str) -> None:
    with pytest.raises(KindError, match=rf"{control} is 'warm', of type str; expected a number"):
        exact(6).trace(example(), **{control: "warm"})


def test_no_temperature_at_all_is_refused() -> None:
    with pytest.raises(KindError, match="temperature is None, of type NoneType; expected a number"):
        exact(6).trace(example(), temperature=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, -3, 2.0, True, "8"])
@pytest.mark.parametrize("name", ["dim", "key_dim", "value_dim"])
def test_a_size_that_is_no_whole_number_is_refused(name: str, size: object) -> None:
    with pytest.raises(ControlError) as caught:
        SelfAttention(**({"dim": 4} | {name: size}))  # type: ignore[arg-type]
    assert f"{name} is {size!r}; expected a whole number of at least 1" in str(caught.value)
