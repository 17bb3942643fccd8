"""The trace: every intermediate of one pass through a mechanism, named and returned.

A trace is a frozen dataclass of tensors (and of further traces). It is the only thing that pages and
figures read, so that a picture can never show another number than the one that was computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Trace:
    """Base of all traces; `eq=False` because tensors have no single truth value."""

    def arrays(self, prefix: str = "") -> dict[str, npt.NDArray[np.float64 | np.float32 | np.bool_]]:
        """All tensors as NumPy arrays by dotted field name, nested traces included.

        bfloat16, which NumPy does not know, becomes float32 without loss.
        """
        return dict(_walk(self, prefix))


def _walk(value: object, name: str) -> list[tuple[str, npt.NDArray[np.float64 | np.float32 | np.bool_]]]:
    if isinstance(value, Tensor):
        kept = value.detach().cpu()
        return [(name, (kept.float() if kept.dtype in (torch.bfloat16, torch.float16) else kept).numpy())]
    if isinstance(value, Trace):
        children: list[tuple[str, object]] = [(f.name, getattr(value, f.name)) for f in fields(value)]
    elif isinstance(value, Mapping):
        children = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        children = [(str(index), item) for index, item in enumerate(value)]
    else:
        return []
    separator = "." if name else ""
    return [leaf for key, item in children for leaf in _walk(item, f"{name}{separator}{key}")]
