"""Two traces of one sentence beside each other: as trained, and with something changed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from torch import Tensor

from attention_core.models.text import TextTrace


@dataclass(frozen=True)
class Prediction:
    """One token that the network may name, and how likely it is in either trace."""

    token: int  # row of the vocabulary
    text: str
    before: float
    after: float


def predictions_beside(
    before: TextTrace, after: TextTrace, position: int, k: int = 5, also: Collection[int] = ()
) -> list[Prediction]:
    """The k likeliest tokens of `before`, then those of `after` that are new, then `also` (rows of the vocabulary)."""
    first, second = (trace.logits[position].float().softmax(dim=-1) for trace in (before, after))  # (V,)
    likeliest = [*first.topk(k).indices.tolist(), *second.topk(k).indices.tolist()]
    return [
        Prediction(token, before.vocabulary[token], first[token].item(), second[token].item())
        for token in dict.fromkeys([*likeliest, *also])
    ]


def moved(before: Tensor, after: Tensor) -> Tensor:
    """The share of each head's weight that lies elsewhere than before, mean of its rows: (H, T, T) twice → (H,)."""
    return (after - before).abs().sum(dim=-1).mean(dim=-1) / 2


def empty_rows(trace: TextTrace, layer: int, head: int) -> list[int]:
    """The queries that may attend to nothing at all: their weights are all 0."""
    weights = trace.layers[layer].weights[0, head]  # (T, T)
    return [row for row, empty in enumerate((weights == 0).all(dim=-1).tolist()) if empty]
