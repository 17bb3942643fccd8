"""What a notebook shows of a trace: figures with captions in English.

They are made by the functions that the pages use. Layers and heads are counted from 0, as in the trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
from torch import Tensor

from attention_core.figures import range_text


@dataclass(frozen=True)
class Picture:
    """One figure of Plotly, and what it shows, in a sentence or two with its numbers."""

    figure: Any
    caption: str


def numbers(tensor: Tensor) -> npt.NDArray[Any]:
    """A tensor as the array that a figure takes; bfloat16, which NumPy does not know, as float32."""
    kept = tensor.detach().cpu()
    array: npt.NDArray[Any] = (kept if kept.dtype.itemsize >= 4 else kept.float()).numpy()
    return array


def stated(values: Tensor | npt.NDArray[Any]) -> str:
    """The lowest and the highest value, as a sentence."""
    return f"Values: {range_text(numbers(values) if isinstance(values, Tensor) else values)}."
