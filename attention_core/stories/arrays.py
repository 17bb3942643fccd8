"""From a trace's tensor, wherever it lives, to the array that a figure takes."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from torch import Tensor


def array(tensor: Tensor) -> npt.NDArray[Any]:
    """The numbers of `tensor` on the CPU; bfloat16, which NumPy does not know, as float32."""
    kept = tensor.detach().cpu()
    numbers: npt.NDArray[Any] = (kept if kept.dtype.itemsize >= 4 else kept.float()).numpy()
    return numbers
