"""Attention masks made to order: bool (T, T), row = query, column = key, True = may attend.

T tokens.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from attention_core.errors import ControlError
from attention_core.mechanisms.checks import check_positive


def causal_mask(tokens: int) -> Tensor:
    """(T, T): each token may attend to itself and to what stands before it, as in a generator of text.

    Vaswani et al. 2017, §3.2.3.
    """
    T = check_positive("tokens", tokens)
    return torch.ones(T, T, dtype=torch.bool).tril()


def window_mask(tokens: int, width: int) -> Tensor:
    """(T, T): each token may attend to itself and to `width` neighbours on either side; 0 leaves only itself.

    Beltagy et al. 2020, "Longformer", §3.1. Raises `ControlError` for a negative width.
    """
    T = check_positive("tokens", tokens)
    if isinstance(width, bool) or not isinstance(width, int) or width < 0:
        raise ControlError(
            "control.window", f"width is {width!r}; expected a whole number of at least 0.", came=repr(width)
        )
    place = torch.arange(T)
    return (place[:, None] - place[None, :]).abs() <= width


def mask_without(tokens: int, blocked: Collection[tuple[int, int]]) -> Tensor:
    """(T, T): everything allowed but the `blocked` cells, (query, key) pairs.

    Raises `ControlError` for a cell outside the matrix.
    """
    T = check_positive("tokens", tokens)
    mask = torch.ones(T, T, dtype=torch.bool)
    for row, column in blocked:
        if not (0 <= row < T and 0 <= column < T):
            raise ControlError(
                "control.cell",
                f"blocked names the cell ({row}, {column}); expected positions 0 … {T - 1}, tokens of this sentence.",
                row=row,
                column=column,
                limit=T - 1,
            )
        mask[row, column] = False
    return mask


def blocked_cells(mask: Tensor) -> tuple[tuple[int, int], ...]:
    """The (query, key) pairs that a mask (T, T) forbids, row by row."""
    return tuple((row, column) for row, column in (~mask).nonzero().tolist())
