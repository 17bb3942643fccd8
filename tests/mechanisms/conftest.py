"""What the tests of all four mechanisms share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

import pytest
import torch
from torch import Tensor, nn

from tests.steady import one_core, seeded

__all__ = ["one_core", "seeded"]


@pytest.fixture(
    params=[
        "cpu",
        pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")),
    ]
)
def device(request: pytest.FixtureRequest) -> torch.device:
    return torch.device(request.param)


@pytest.fixture(params=[torch.float64, torch.float32, torch.bfloat16], ids=["float64", "float32", "bfloat16"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


@pytest.fixture
def rounding(dtype: torch.dtype) -> float:
    """How far two ways of computing the same thing may be apart, for numbers of about 1."""
    return {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 6e-2}[dtype]


def _photograph(module: nn.Module) -> dict[tuple[str, str], object]:
    taken: dict[tuple[str, str], object] = {("", "random state"): torch.get_rng_state().numpy().tobytes()}
    for name, part in module.named_modules():
        for key, value in vars(part).items():
            if isinstance(value, dict):  # parameters, buffers, sub-modules, hooks
                taken[name, key] = {inner: id(item) for inner, item in value.items()}
            else:
                taken[name, key] = value if isinstance(value, bool | int | float | str | tuple) else id(value)
    for name, tensor in module.state_dict(keep_vars=True).items():
        content = tensor.detach().cpu().double().numpy().tobytes()
        taken[name, "tensor"] = (content, tensor._version, tensor.grad is None, tensor.requires_grad)
    return taken


@contextmanager
def _unmarked(module: nn.Module) -> Iterator[None]:
    before = _photograph(module)
    yield
    after = _photograph(module)
    assert after.keys() == before.keys()
    assert [key for key in before if before[key] != after[key]] == []


@pytest.fixture
def unmarked() -> Callable[[nn.Module], AbstractContextManager[None]]:
    """`with unmarked(module):` fails if anything was written to the module, or random numbers were drawn."""
    return _unmarked


@pytest.fixture
def in_eight_threads() -> Callable[[Callable[[Tensor], Tensor], list[Tensor]], list[Tensor]]:
    """The results of a function of a tensor for many tensors, from eight threads at once."""

    def run(function: Callable[[Tensor], Tensor], inputs: list[Tensor]) -> list[Tensor]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(function, inputs))

    return run
