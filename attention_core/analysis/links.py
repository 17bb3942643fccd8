"""Which links of an attention matrix are worth drawing, and what is left out. … any leading axes, T queries or keys."""

from __future__ import annotations

import torch
from torch import Tensor

from attention_core.errors import ControlError, ShapeError


def heaviest_links(weights: Tensor, mass: float) -> Tensor:
    """For each query the fewest links whose weights make up at least `mass` of its row; bool, shaped as `weights`.

    weights: (…, T, T), none negative; a link that shall not count is 0 and is never taken. Of equal weights the first
    comes first. mass: 0…1; 0 takes none, 1 takes all that are not 0. Raises `ControlError`.
    """
    if not 0 <= mass <= 1:
        raise ControlError(
            "links.mass", f"mass is {mass}; expected a share of each row between 0 and 1.", came=mass, limit=1
        )
    ordered, order = weights.double().sort(dim=-1, descending=True, stable=True)
    sums = ordered.cumsum(dim=-1)
    heavier = torch.cat([torch.zeros_like(sums[..., :1]), sums[..., :-1]], dim=-1)  # the mass taken before each
    taken = (heavier < mass * sums[..., -1:]) & (ordered > 0)
    return torch.zeros_like(weights, dtype=torch.bool).scatter(-1, order, taken)


def share_to(weights: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Mean share of the weights that the queries `rows` give to the keys `columns`; (…, T, T) → (…).

    rows, columns: bool (T,). 0 where no query is chosen. Raises `ShapeError`.
    """
    T = weights.shape[-1]
    for chosen in (rows, columns):
        if chosen.shape != (T,):
            raise ShapeError(
                "links.chosen",
                f"the choice of tokens has shape {tuple(chosen.shape)}; expected ({T},), one a token.",
                came=tuple(chosen.shape),
                expected=T,
            )
    total = (weights * (rows[:, None] & columns).to(weights)).sum(dim=(-2, -1))
    return total / rows.sum().clamp_min(1)
