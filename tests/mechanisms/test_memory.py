"""The fast paths of inference mode: the same numbers, and nobody who looks on is deceived."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from attention_core.mechanisms.cbam import CBAM
from attention_core.mechanisms.memory import LARGE, room
from attention_core.mechanisms.multi_head import MultiHeadSelfAttention
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation

MODULES = [lambda: SqueezeExcitation(24), lambda: CBAM(24)]
FORMATS = [torch.contiguous_format, torch.channels_last]
# The last is no whole block of memory, but every second column of one.
LAYOUTS: list[Callable[[Tensor], Tensor]] = [
    *(lambda x, format=format: x.contiguous(memory_format=format) for format in FORMATS),
    lambda x: x.repeat_interleave(2, dim=3)[..., ::2],
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=["contiguous", "channels-last", "strided"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_a_product_lies_in_it_as_anywhere_else(dtype: torch.dtype, layout: Callable[[Tensor], Tensor]) -> None:
    x, gate = layout(torch.randn(4, 24, 160, 150, dtype=dtype)), torch.rand(4, 24, 1, 1, dtype=dtype)
    expected = x * gate
    with torch.inference_mode():
        out = room(x)
        product = torch.mul(x, gate, out=out)
    assert out is not None and product.data_ptr() == out.data_ptr() != x.data_ptr()
    assert torch.equal(product, expected) and product.stride() == expected.stride() and product.dtype == dtype
    assert product._base is None


def test_small_results_and_those_with_a_gradient_take_none() -> None:
    x = torch.randn(LARGE // 4)
    assert room(x) is None
    with torch.no_grad():
        assert room(x) is None
    with torch.inference_mode():
        assert room(x[1:]) is None and room(x, (LARGE // 4 - 1,)) is None
        assert room(x[1:], (2, LARGE // 8)).shape == (2, LARGE // 8)  # type: ignore[union-attr]


@pytest.mark.parametrize("masked", [True, False])
def test_attention_of_a_long_text_is_the_same(masked: bool) -> None:
    module, x = MultiHeadSelfAttention(48, 6), torch.randn(2, 300, 48)
    mask = torch.rand(300, 300) < 0.5 if masked else None
    expected = module.trace(x, mask=mask)
    assert expected.scores.nbytes >= LARGE
    with torch.inference_mode():
        came = module.trace(x, mask=mask)
    for name in ("scores", "weights", "head_outputs", "output"):
        torch.testing.assert_close(getattr(came, name), getattr(expected, name))
        assert getattr(came, name).stride() == getattr(expected, name).stride()
    assert came.scores.data_ptr() != came.weights.data_ptr()


@pytest.mark.parametrize("build", MODULES, ids=["se", "cbam"])
@pytest.mark.parametrize("size", [(2, 160, 150), (1, 9, 7), (1, 63, 65), (3, 8, 8)])
@pytest.mark.parametrize("format", FORMATS, ids=["contiguous", "channels-last"])
@pytest.mark.parametrize("training", [True, False])
def test_inference_mode_changes_no_number(
    build: Callable[[], nn.Module], size: tuple[int, int, int], format: torch.memory_format, training: bool
) -> None:
    module = build().train(training)
    B, H, W = size
    x = torch.randn(B, 24, H, W).contiguous(memory_format=format)
    before, expected = x.clone(), module(x)
    with torch.inference_mode():
        came = module(x)
    torch.testing.assert_close(came, expected, rtol=1e-5, atol=1e-6)
    assert came.stride() == expected.stride() and torch.equal(x, before)


def test_hooks_see_what_the_formula_says() -> None:
    module, x = CBAM(8).eval(), torch.randn(1, 8, 6, 6)
    trace = module.trace(x)
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        return lambda _module, _inputs, output: seen.__setitem__(name, output)

    parts = {"channel": module.channel, "spatial": module.spatial, "conv": module.spatial.conv}
    for watched in (["channel"], ["spatial"], ["conv"], list(parts)):
        seen.clear()
        handles = [parts[name].register_forward_hook(keep(name)) for name in watched]
        with torch.inference_mode():
            output = module(x)
        for handle in handles:
            handle.remove()
        assert sorted(seen) == sorted(watched)
        for name, value in {"channel": trace.channel.output, "spatial": trace.spatial.output}.items():
            if name in seen:
                torch.testing.assert_close(seen[name], value)
        torch.testing.assert_close(output, trace.output)


def test_a_part_put_in_place_of_ours_keeps_the_input() -> None:
    module, x = CBAM(8).eval(), torch.randn(1, 8, 6, 6)
    module.channel = nn.Identity()  # type: ignore[assignment]
    before = x.clone()
    with torch.inference_mode():
        output = module(x)
    assert torch.equal(x, before)
    torch.testing.assert_close(output, module.spatial(x))


@pytest.mark.parametrize("build", MODULES, ids=["se", "cbam"])
@pytest.mark.parametrize("size", [220, 6])
@pytest.mark.filterwarnings("ignore:.*torch.jit.trace:FutureWarning", "ignore::torch.jit.TracerWarning")
def test_transforms_and_tracers_go_the_plain_way(build: Callable[[], nn.Module], size: int) -> None:
    module = build().eval()
    x = torch.randn(2, 1, 24, size, size)
    expected = torch.stack([module(one) for one in x])
    assert size == 6 or x[0].nbytes >= LARGE
    with torch.inference_mode():
        came = torch.func.vmap(module)(x)
        torch.testing.assert_close(came, expected)
    with torch.inference_mode():
        followed = torch.jit.trace(module, x[0], check_trace=False)
    torch.testing.assert_close(followed(x[1]), expected[1])


@pytest.mark.parametrize("build", MODULES, ids=["se", "cbam"])
def test_autocast_gives_what_it_gives_otherwise(build: Callable[[], nn.Module]) -> None:
    module, x = build().eval(), torch.randn(1, 24, 8, 8)
    with torch.no_grad(), torch.autocast("cpu"):
        expected = module(x)
    with torch.inference_mode(), torch.autocast("cpu"):
        came = module(x)
    assert came.dtype == expected.dtype and torch.equal(came, expected)
