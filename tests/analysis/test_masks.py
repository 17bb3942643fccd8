"""Attention masks, by hand."""

from __future__ import annotations

import pytest
import torch

from attention_core.analysis.masks import blocked_cells, causal_mask, mask_without, window_mask
from attention_core.errors import ControlError


def rows(mask: torch.Tensor) -> list[str]:
    assert mask.dtype == torch.bool
    return ["".join(str(int(cell)) for cell in row) for row in mask.tolist()]


def test_causal_by_hand() -> None:
    assert rows(causal_mask(4)) == ["1000", "1100", "1110", "1111"]
    assert rows(causal_mask(1)) == ["1"]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (0, ["1000", "0100", "0010", "0001"]),
        (1, ["1100", "1110", "0111", "0011"]),
        (2, ["1110", "1111", "1111", "0111"]),
        (3, ["1111"] * 4),
        (99, ["1111"] * 4),
    ],
)
def test_window_by_hand(width: int, expected: list[str]) -> None:
    assert rows(window_mask(4, width)) == expected


def test_blocked_cells_by_hand_and_back() -> None:
    mask = mask_without(3, [(0, 2), (2, 0), (0, 2)])
    assert rows(mask) == ["110", "111", "011"]
    assert blocked_cells(mask) == ((0, 2), (2, 0))
    assert blocked_cells(mask_without(3, ())) == ()
    assert torch.equal(mask_without(5, blocked_cells(causal_mask(5))), causal_mask(5))


@pytest.mark.parametrize("tokens", [0, -1, 2.5, True])
def test_a_sentence_has_at_least_one_token(tokens: int) -> None:
    for made in (causal_mask, lambda T: window_mask(T, 1), lambda T: mask_without(T, ())):
        with pytest.raises(ControlError):
            made(tokens)


@pytest.mark.parametrize("width", [-1, 1.5, True])
def test_a_window_has_a_width(width: int) -> None:
    with pytest.raises(ControlError, match="width"):
        window_mask(4, width)


@pytest.mark.parametrize("cell", [(0, 3), (3, 0), (-1, 0), (0, -1)])
def test_a_blocked_cell_lies_in_the_matrix(cell: tuple[int, int]) -> None:
    with pytest.raises(ControlError, match="0 … 2"):
        mask_without(3, [cell])
