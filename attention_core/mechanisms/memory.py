"""Memory for large results, where writing them takes longer than computing them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

# Below this NumPy asks for no huge pages, and what was freed is soon used again.
LARGE = 4 << 20  # bytes


def unwatched(x: Tensor) -> bool:
    """Whether only the numbers count: inference mode, CPU memory, and nothing that converts or records."""
    return (
        torch.is_inference_mode_enabled()
        and type(x) is Tensor
        and x.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and not torch.is_autocast_enabled("cpu")
        and torch._C._get_tracing_state() is None
        and not torch._C._are_functorch_transforms_active()
    )


def room(x: Tensor, size: Sequence[int] | None = None) -> Tensor | None:
    """New memory for a large result of `size` with the dtype of `x`, or of its size and layout; for `out=`.

    None, with which torch takes memory as always, where the result is small or somebody watches. torch's own comes in
    pages of 4 KB, each of which the system clears and maps at its first touch: for a large map that takes several
    times as long as multiplying it. NumPy asks Linux for pages of 2 MB.
    """
    nbytes = x.itemsize * (x.numel() if size is None else math.prod(size))
    if nbytes < LARGE or not unwatched(x):
        return None
    result = torch.empty_like(x, device="meta") if size is None else x.new_empty(size, device="meta")
    memory = torch.from_numpy(np.empty(nbytes, np.uint8)).untyped_storage()
    return x.new_empty(0).set_(memory, 0, result.size(), result.stride())
