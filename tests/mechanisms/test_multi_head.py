"""Multi-head self-attention against torch, against the paper read again, and by what must hold for any input."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from attention_core.errors import ControlError, KindError, ShapeError
from attention_core.mechanisms.multi_head import MultiHeadSelfAttention
from attention_core.mechanisms.self_attention import SelfAttention

B, T, D, H = 2, 5, 12, 3


def example(*, B: int = B, T: int = T, D: int = D, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(B, T, D, dtype=dtype)


def exact(*, dim: int = D, heads: int = H, bias: bool = True) -> MultiHeadSelfAttention:
    return MultiHeadSelfAttention(dim, heads, bias).double()


def torchs(*, bias: bool = True, batch_first: bool = True, **options: object) -> nn.MultiheadAttention:
    """torch's own, in float64, with biases that are not 0 as they are at its start."""
    module = nn.MultiheadAttention(D, H, bias=bias, batch_first=batch_first, dtype=torch.float64, **options)
    if bias:
        nn.init.normal_(module.in_proj_bias)
        nn.init.normal_(module.out_proj.bias)
    return module


@torch.no_grad()
def by_the_paper(x: Tensor, module: MultiHeadSelfAttention, mask: Tensor) -> Tensor:
    """§3.2.2 for one sentence: each head with its own rows of the projections, then W^O."""
    d = module.dim // module.num_heads
    heads = []
    for h in range(module.num_heads):
        rows = slice(h * d, (h + 1) * d)
        query, key, value = (
            [linear.weight[rows] @ token + linear.bias[rows] for token in x]
            for linear in (module.query, module.key, module.value)
        )
        outputs = []
        for i in range(len(x)):
            exponentials = [
                math.exp(float(query[i] @ key[j]) / math.sqrt(d)) if mask[h, i, j] else 0.0 for j in range(len(x))
            ]
            outputs.append(sum(e / sum(exponentials) * v for e, v in zip(exponentials, value, strict=True)))
        heads.append(outputs)
    return torch.stack(
        [
            module.output.weight @ torch.cat([heads[h][i] for h in range(module.num_heads)]) + module.output.bias
            for i in range(len(x))
        ]
    )


# Parity


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("masked", ["no", "same for all", "per head", "keys"])
def test_equals_torch(training: bool, bias: bool, batch_first: bool, masked: str) -> None:
    theirs = torchs(bias=bias, batch_first=batch_first).train(training)
    ours, x = MultiHeadSelfAttention.from_torch(theirs), example()
    mask, asked = None, {}
    if masked == "same for all":
        mask = (torch.rand(T, T) > 0.4) | torch.eye(T, dtype=torch.bool)
        asked = {"attn_mask": ~mask}  # torch: True = may not attend
    elif masked == "per head":
        mask = (torch.rand(B, H, T, T) > 0.4) | torch.eye(T, dtype=torch.bool)
        asked = {"attn_mask": ~mask.reshape(B * H, T, T)}
    elif masked == "keys":
        mask = torch.tensor([[1, 1, 0, 1, 1], [1, 1, 1, 0, 0]], dtype=torch.bool)[:, None, None, :]
        asked = {"key_padding_mask": ~mask[:, 0, 0]}
    given_ = x if batch_first else x.transpose(0, 1)
    output, weights = theirs(given_, given_, given_, need_weights=True, average_attn_weights=False, **asked)
    output = output if batch_first else output.transpose(0, 1)
    trace = ours.trace(x, mask=mask)
    torch.testing.assert_close(trace.weights, weights, rtol=0, atol=1e-9)
    torch.testing.assert_close(trace.output, output, rtol=0, atol=1e-9)
    torch.testing.assert_close(ours(x, mask), output, rtol=0, atol=1e-9)


def test_equals_the_paper_read_again() -> None:
    module, x = exact(), example(B=1)
    mask = (torch.rand(H, T, T) > 0.4) | torch.eye(T, dtype=torch.bool)
    expected = by_the_paper(x[0], module, mask)
    torch.testing.assert_close(module.trace(x, mask=mask[None]).output[0], expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(module(x, mask[None])[0], expected, rtol=0, atol=1e-9)


def test_worked_by_hand() -> None:
    # D = 2, H = 2, so d = 1: head 1 sees the first coordinate alone, head 2 the second.
    module = MultiHeadSelfAttention(2, 2)
    identity, none = torch.eye(2), torch.zeros(2)
    for name in ("query", "key", "value"):
        getattr(module, name).load_state_dict({"weight": identity, "bias": none})
    module.output.load_state_dict({"weight": torch.tensor([[1.0, 2.0], [0.0, 3.0]]), "bias": torch.tensor([1.0, -1.0])})
    trace = module.trace(torch.tensor([[[1.0, 0.0], [2.0, 1.0]]]))

    # √d = 1. Head 1: q = k = v = (1, 2), products 1·1, 1·2 / 2·1, 2·2. Head 2: (0, 1), products 0, 0 / 0, 1.
    assert trace.scores[0].tolist() == [[[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 1.0]]]
    # softmax of a pair that differs by 1: 1/(1+e) = 0.2689, 0.7311; by 2: 1/(1+e²) = 0.1192, 0.8808
    torch.testing.assert_close(
        trace.weights[0],
        torch.tensor([[[0.2689414, 0.7310586], [0.1192029, 0.8807971]], [[0.5, 0.5], [0.2689414, 0.7310586]]]),
    )
    # head 1: 0.2689·1 + 0.7311·2 = 1.7311, 0.1192·1 + 0.8808·2 = 1.8808; head 2: 0.5·0 + 0.5·1, 0.7311·1
    torch.testing.assert_close(trace.head_outputs[0, :, :, 0], torch.tensor([[1.7310586, 1.8807971], [0.5, 0.7310586]]))
    torch.testing.assert_close(trace.concatenated[0], torch.tensor([[1.7310586, 0.5], [1.8807971, 0.7310586]]))
    # W^O: 1.7311 + 2·0.5 + 1 = 3.7311, 3·0.5 - 1 = 0.5; 1.8808 + 2·0.7311 + 1 = 4.3429, 3·0.7311 - 1 = 1.1932
    torch.testing.assert_close(trace.output[0], torch.tensor([[3.7310586, 0.5], [4.3429143, 1.1931758]]))


def test_shapes_are_those_of_the_contract() -> None:
    trace = exact().trace(example())
    shapes = {name: tuple(array.shape) for name, array in trace.arrays().items()}
    per_head = dict.fromkeys(("query", "key", "value", "head_outputs"), (B, H, T, D // H))
    whole = dict.fromkeys(("input", "concatenated", "output"), (B, T, D))
    assert shapes == per_head | whole | dict.fromkeys(("scores", "weights"), (B, H, T, T))


def test_names_of_the_weights_are_those_of_the_contract() -> None:
    names = [f"{part}.{kind}" for part in ("query", "key", "value", "output") for kind in ("weight", "bias")]
    assert list(MultiHeadSelfAttention(D, H).state_dict()) == names
    assert list(MultiHeadSelfAttention(D, H, bias=False).state_dict()) == names[::2]


def test_one_head_is_self_attention_and_a_projection() -> None:
    many, one, x = exact(heads=1, bias=False), SelfAttention(D).double(), example()
    one.load_state_dict({name: tensor for name, tensor in many.state_dict().items() if "output" not in name})
    single, trace = one.trace(x), many.trace(x)
    torch.testing.assert_close(trace.weights[:, 0], single.weights)
    torch.testing.assert_close(trace.output, many.output(single.output))


def test_each_head_is_self_attention_with_its_rows() -> None:
    module, x, d = exact(bias=False), example(), D // H
    trace = module.trace(x)
    for h in range(H):
        head = SelfAttention(D, d, d).double()
        rows = slice(h * d, (h + 1) * d)
        head.load_state_dict({f"{n}.weight": getattr(module, n).weight[rows] for n in ("query", "key", "value")})
        single = head.trace(x)
        for name in ("query", "key", "value", "scores", "weights"):
            torch.testing.assert_close(getattr(trace, name)[:, h], getattr(single, name))
        torch.testing.assert_close(trace.head_outputs[:, h], single.output)


# Invariants


@settings(max_examples=25, deadline=None)
@given(T=st.integers(1, 6), heads=st.sampled_from([1, 2, 3, 4, 6, 12]), seed=st.integers(0, 2**31))
def test_rows_sum_to_one_or_zero(T: int, heads: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(B, T, D, dtype=torch.float64, generator=generator)
    mask = torch.rand(B, heads, T, T, generator=generator) > 0.5
    module = exact(heads=heads)
    trace = module.trace(x, mask=mask)
    assert bool((trace.weights[~mask] == 0).all())
    torch.testing.assert_close(trace.weights.sum(dim=-1), mask.any(dim=-1).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close(module(x, mask), trace.output, rtol=0, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(T)))
def test_permuting_tokens_permutes_the_trace(order: list[int]) -> None:
    module, x = exact(), example()
    trace, moved = module.trace(x), module.trace(x[:, order])
    torch.testing.assert_close(moved.output, trace.output[:, order])
    torch.testing.assert_close(moved.head_outputs, trace.head_outputs[:, :, order])
    torch.testing.assert_close(moved.weights, trace.weights[:, :, order][:, :, :, order])


@pytest.mark.parametrize("training", [True, False])
def test_forward_is_the_output_of_the_trace(
    device: torch.device, dtype: torch.dtype, rounding: float, training: bool
) -> None:
    module = MultiHeadSelfAttention(D, H).to(device, dtype).train(training)
    x = example(dtype=dtype).to(device)
    mask = (torch.rand(B, H, T, T) > 0.4).to(device)
    mask[0, 1, 2] = False
    for chosen in (None, mask):
        trace = module.trace(x, mask=chosen)
        assert {tensor.dtype for tensor in vars(trace).values()} == {dtype}
        assert {tensor.device.type for tensor in vars(trace).values()} == {device.type}
        torch.testing.assert_close(module(x, chosen), trace.output, rtol=0, atol=rounding)


MASK_SHAPES = [
    (T, T),
    (B, T, T),
    (1, T, T),
    (B, 1, T),
    (B, H, T, T),
    (1, H, T, T),
    (B, 1, T, T),
    (B, 1, 1, T),
    (1, 1, T, 1),
    (1, T),
    (T,),
    (),
]


@pytest.mark.parametrize("shape", MASK_SHAPES)
def test_a_mask_broadcasts(shape: tuple[int, ...]) -> None:
    module, x, mask = exact(), example(), torch.rand(shape) > 0.4
    full = (mask[:, None] if len(shape) == 3 else mask).expand(B, H, T, T)
    trace, expected = module.trace(x, mask=mask), module.trace(x, mask=full)
    torch.testing.assert_close(trace.weights, expected.weights, rtol=0, atol=0)
    torch.testing.assert_close(module(x, mask), expected.output, rtol=0, atol=1e-12)


@pytest.mark.parametrize("batch", [1, 2])
def test_a_mask_of_one_matrix_a_head_broadcasts_over_the_batch(batch: int) -> None:
    module, x, mask = exact(), example(B=batch), torch.rand(H, T, T) > 0.4
    expected = module.trace(x, mask=mask[None])
    torch.testing.assert_close(module.trace(x, mask=mask).weights, expected.weights, rtol=0, atol=0)
    torch.testing.assert_close(module(x, mask), expected.output, rtol=0, atol=1e-12)


def test_three_dimensions_mean_the_batch_where_both_readings_fit() -> None:
    module, x, mask = exact(), example(B=H), torch.rand(H, T, T) > 0.4
    expected = module.trace(x, mask=mask[:, None])
    torch.testing.assert_close(module.trace(x, mask=mask).weights, expected.weights, rtol=0, atol=0)


@pytest.mark.parametrize("length", [4, 40])
def test_a_row_with_everything_masked_is_zero_and_so_are_its_gradients(dtype: torch.dtype, length: int) -> None:
    module = MultiHeadSelfAttention(D, H, bias=False).to(dtype)
    mask = torch.ones(H, length, length, dtype=torch.bool)
    mask[:, 1] = False  # token 1 in every head
    mask[0, 2] = False  # token 2 in one
    x = example(T=length, dtype=dtype).requires_grad_()
    trace = module.trace(x, mask=mask[None])
    assert bool((trace.weights[:, :, 1] == 0).all())
    assert bool((trace.weights[:, 0, 2] == 0).all())
    assert bool((trace.head_outputs[:, 0, 2] == 0).all())
    for output in (trace.output, module(x, mask[None])):
        assert bool((output[:, 1] == 0).all())
        assert bool(output.isfinite().all())
        for gradient in torch.autograd.grad(output.square().sum(), (x, *module.parameters())):
            assert bool(gradient.isfinite().all())
            assert bool((gradient != 0).any())


def test_scale_none_is_one_over_root_of_the_head_width() -> None:
    module, x = exact(), example()
    expected = module.trace(x, scale=1 / math.sqrt(D / H)).scores
    torch.testing.assert_close(module.trace(x).scores, expected, rtol=0, atol=1e-12)


def test_temperature_is_the_reciprocal_of_a_scale_and_leaves_the_scores() -> None:
    module, x = exact(), example()
    hot, scaled = module.trace(x, temperature=4.0), module.trace(x, scale=1 / (math.sqrt(D / H) * 4))
    torch.testing.assert_close(hot.output, scaled.output, rtol=0, atol=1e-12)
    torch.testing.assert_close(hot.scores, module.trace(x).scores, rtol=0, atol=0)


# Heads


def test_gates_of_one_change_nothing() -> None:
    module, x = exact(), example()
    gated, plain = module.trace(x, head_gates=torch.ones(H)), module.trace(x)
    for name, array in plain.arrays().items():
        assert (array == gated.arrays()[name]).all(), name


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("gates", [(1.0, 1.0, 1.0), (0.0, 1.0, -2.5), (0.0, 0.0, 0.0)])
def test_contributions_and_bias_sum_to_the_output(bias: bool, gates: tuple[float, ...]) -> None:
    module, x = exact(bias=bias), example()
    trace = module.trace(x, head_gates=torch.tensor(gates))
    contributions = module.head_contributions(trace.head_outputs)
    assert contributions.shape == (B, H, T, D)
    total = contributions.sum(dim=1)
    if bias:
        total = total + module.output.bias
    torch.testing.assert_close(total, trace.output, rtol=0, atol=1e-12)


def test_a_contribution_is_the_head_through_its_own_columns() -> None:
    module, x, d = exact(), example(), D // H
    trace = module.trace(x)
    contributions = module.head_contributions(trace.head_outputs)
    for h in range(H):
        expected = trace.head_outputs[:, h] @ module.output.weight[:, h * d : (h + 1) * d].T
        torch.testing.assert_close(contributions[:, h], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("head", range(H))
def test_a_gate_of_zero_removes_exactly_one_contribution(head: int) -> None:
    module, x = exact(), example()
    gates = torch.ones(H)
    gates[head] = 0
    plain, gated = module.trace(x), module.trace(x, head_gates=gates)
    removed = module.head_contributions(plain.head_outputs)[:, head]
    torch.testing.assert_close(gated.output, plain.output - removed, rtol=0, atol=1e-12)
    assert bool((gated.head_outputs[:, head] == 0).all())
    torch.testing.assert_close(gated.weights, plain.weights, rtol=0, atol=0)


def test_gates_multiply() -> None:
    module, x, gates = exact(), example(), torch.tensor([0.5, 2.0, -1.0])
    plain, gated = module.trace(x), module.trace(x, head_gates=gates)
    for h in range(H):
        torch.testing.assert_close(gated.head_outputs[:, h], plain.head_outputs[:, h] * gates[h])


def test_gates_of_another_dtype_leave_the_dtype(dtype: torch.dtype) -> None:
    module = MultiHeadSelfAttention(D, H).to(dtype)
    for given_dtype in (torch.float64, torch.float16):
        trace = module.trace(example(dtype=dtype), head_gates=torch.ones(H, dtype=given_dtype))
        assert trace.output.dtype == dtype


# No marks, threads, layouts


def test_input_of_any_memory_layout() -> None:
    module, x = exact(), example()
    view = x.transpose(1, 2).contiguous().transpose(1, 2)
    assert not view.is_contiguous()
    torch.testing.assert_close(module.trace(view).output, module.trace(x).output)
    torch.testing.assert_close(module(view), module(x))
    repeated = x[:, :1].expand(B, T, D)
    torch.testing.assert_close(module(repeated), module(repeated.contiguous()))


@pytest.mark.parametrize("training", [True, False])
def test_a_trace_leaves_no_mark(unmarked, training: bool) -> None:
    module, x = exact().train(training), example()
    with unmarked(module):
        trace = module.trace(x, mask=torch.ones(T, T, dtype=torch.bool), temperature=2.0, head_gates=torch.zeros(H))
        module.head_contributions(trace.head_outputs)


def test_eight_threads_give_what_one_gives(in_eight_threads) -> None:
    module = exact()
    inputs = [example() for _ in range(64)]
    together = in_eight_threads(lambda x: module.trace(x, temperature=1 + float(x[0, 0, 0]) ** 2).output, inputs)
    for x, output in zip(inputs, together, strict=True):
        expected = module.trace(x, temperature=1 + float(x[0, 0, 0]) ** 2).output
        torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)


# Conversion


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_conversion_keeps_dtype_device_and_mode(
    device: torch.device, dtype: torch.dtype, rounding: float, training: bool, bias: bool
) -> None:
    theirs = nn.MultiheadAttention(D, H, bias=bias, batch_first=True).to(device, dtype).train(training)
    ours, x = MultiHeadSelfAttention.from_torch(theirs), example(dtype=dtype).to(device)
    assert (ours.dim, ours.num_heads) == (D, H)
    assert all(part.training == training for part in ours.modules())
    assert {(p.dtype, p.device.type, p.requires_grad) for p in ours.parameters()} == {(dtype, device.type, True)}
    assert (ours.output.bias is not None) == bias
    torch.testing.assert_close(ours(x), theirs(x, x, x)[0], rtol=0, atol=rounding)


def test_a_converted_module_is_a_copy() -> None:
    theirs = torchs()
    before = theirs.in_proj_weight.clone()
    ours = MultiHeadSelfAttention.from_torch(theirs)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.zero_()
    torch.testing.assert_close(theirs.in_proj_weight, before, rtol=0, atol=0)


def test_conversion_leaves_no_mark(unmarked) -> None:
    theirs = torchs()
    # Random numbers are drawn for the new module's weights; the old module is what must stay.
    state = torch.get_rng_state()
    with unmarked(theirs):
        MultiHeadSelfAttention.from_torch(theirs)
        torch.set_rng_state(state)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"kdim": 6}, "kdim or vdim"),
        ({"vdim": 6}, "kdim or vdim"),
        ({"add_bias_kv": True}, "add_bias_kv=True"),
        ({"add_zero_attn": True}, "add_zero_attn=True"),
        ({"dropout": 0.25}, r"dropout=0\.25 in training mode"),
    ],
)
def test_what_is_unequal_is_refused(options: dict[str, object], reason: str) -> None:
    with pytest.raises(ControlError, match=reason):
        MultiHeadSelfAttention.from_torch(torchs(**options))


def test_dropout_is_no_obstacle_in_evaluation() -> None:
    theirs, x = torchs(dropout=0.25).eval(), example()
    torch.testing.assert_close(MultiHeadSelfAttention.from_torch(theirs)(x), theirs(x, x, x)[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("other", [nn.Linear(2, 2), None, nn.TransformerEncoderLayer(4, 2, batch_first=True)])
def test_another_module_is_refused(other: object) -> None:
    with pytest.raises(KindError, match=rf"got a {type(other).__name__}; expected a torch\.nn\.MultiheadAttention"):
        MultiHeadSelfAttention.from_torch(other)  # type: ignore[arg-type]


# Refusals


@pytest.mark.parametrize(("dim", "heads"), [(12, 5), (4, 8), (7, 2)])
def test_heads_that_do_not_divide_are_refused(dim: int, heads: int) -> None:
    with pytest.raises(ControlError, match=f"dim {dim} cannot be split over {heads} heads") as caught:
        MultiHeadSelfAttention(dim, heads)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(("dim", "heads", "name"), [(0, 1, "dim"), (4, 0, "num_heads"), (4, 2.0, "num_heads")])
def test_a_size_that_is_no_whole_number_is_refused(dim: int, heads: int, name: str) -> None:
    with pytest.raises(ControlError, match=f"{name} is .*; expected a whole number of at least 1"):
        MultiHeadSelfAttention(dim, heads)


@pytest.mark.parametrize("way", ["forward", "trace"])
def test_a_wrong_input_is_refused(way: str) -> None:
    call = getattr(MultiHeadSelfAttention(D, H), way)
    with pytest.raises(ShapeError, match=r"x has shape \(2, 5, 8\); expected \(B, T, 12\)"):
        call(torch.zeros(2, 5, 8))
    with pytest.raises(ShapeError, match=r"x has shape \(5, 12\); expected \(B, T, 12\)"):
        call(torch.zeros(5, 12))
    with pytest.raises(KindError, match=r"x has dtype torch\.uint8; expected a floating-point dtype"):
        call(torch.zeros(2, 5, D, dtype=torch.uint8))
    with pytest.raises(KindError, match=r"x has dtype torch\.float64; expected torch\.float32"):
        call(torch.zeros(2, 5, D, dtype=torch.float64))


@pytest.mark.parametrize("shape", [(4, 4), (4, T, T), (B, 2, T, T), (3, H, T, T), (B, H, T, 4), (1, B, H, T, T)])
@pytest.mark.parametrize("way", ["forward", "trace"])
def test_a_mask_of_wrong_shape_is_refused(shape: tuple[int, ...], way: str) -> None:
    with pytest.raises(ShapeError) as caught:
        getattr(exact(), way)(example(), mask=torch.ones(shape, dtype=torch.bool))
    assert str(shape) in str(caught.value)
    assert str((B, H, T, T)) in str(caught.value)


@pytest.mark.parametrize("way", ["forward", "trace"])
def test_a_mask_that_is_not_boolean_is_refused(way: str) -> None:
    with pytest.raises(KindError, match=r"mask is torch\.int64; expected a torch\.bool"):
        getattr(exact(), way)(example(), mask=torch.ones(T, T, dtype=torch.int64))


def test_wrong_gates_are_refused() -> None:
    module, x = exact(), example()
    with pytest.raises(ShapeError, match=r"head_gates has shape \(2,\); expected \(3,\)"):
        module.trace(x, head_gates=torch.ones(2))
    with pytest.raises(ShapeError, match=r"head_gates has shape \(1, 3\); expected \(3,\)"):
        module.trace(x, head_gates=torch.ones(1, 3))
    with pytest.raises(KindError, match="head_gates is a list"):
        module.trace(x, head_gates=[1.0, 1.0, 1.0])  # type: ignore[arg-type]
    with pytest.raises(KindError, match=r"head_gates has dtype torch\.bool"):
        module.trace(x, head_gates=torch.ones(3, dtype=torch.bool))
    with pytest.raises(ControlError, match="NaN or infinity"):
        module.trace(x, head_gates=torch.tensor([1.0, math.nan, 1.0]))


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.inf, math.nan])
def test_a_temperature_out_of_range_is_refused(temperature: float) -> None:
    with pytest.raises(ControlError, match=rf"temperature is {temperature}; expected a finite number above 0"):
        exact().trace(example(), temperature=temperature)


def test_contributions_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"head_outputs has shape \(2, 5, 12\); expected \(B, 3, T, 4\)"):
        exact().head_contributions(example())
