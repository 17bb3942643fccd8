"""Attention between the two sentences of a pair, read as word alignment, and the heads' measured scores at it.

A words of the first sentence, B words of the second, W of both and the special tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from attention_core.analysis.words import Word
from attention_core.mechanisms.trace import Trace

Direction = Literal["en_zh", "zh_en", "product"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


@dataclass(frozen=True, eq=False)
class PairAttention(Trace):
    """What the words of two sentences give each other in one head; all (A, B)."""

    forth: Tensor  # what the first sentence's words give to the second's
    back: Tensor  # what the second sentence's words give to the first's, transposed
    product: Tensor  # forth · back, cell by cell: high where both look at each other


def pair_attention(weights: Tensor, words: Sequence[Word]) -> PairAttention:
    """The two blocks of a head's word weights (W, W) in which a sentence looks at the other one."""
    first, second = (
        torch.tensor(
            [i for i, word in enumerate(words) if not word.special and word.segment == segment], dtype=torch.long
        )
        for segment in (0, 1)
    )
    forth = weights[first[:, None], second]
    back = weights[second[:, None], first].mT
    return PairAttention(forth, back, forth * back)


@dataclass(frozen=True)
class Links:
    """Each word's strongest partner in the other sentence, as (first, second) pairs of word numbers."""

    forth: frozenset[tuple[int, int]]  # from each word of the first sentence
    back: frozenset[tuple[int, int]]  # from each word of the second sentence

    strengths: Mapping[tuple[int, int], float]  # of each link: its number in the matrix, the smaller of two

    @property
    def both(self) -> frozenset[tuple[int, int]]:
        """Where each is the other's strongest."""
        return self.forth & self.back


def strongest_links(forth: Tensor, back: Tensor, least: float = 0.0) -> Links:
    """The links of two matrices (A, B) that may be the same one; a word that gives nothing has no partner.

    least: of a link's number; a word whose strongest is below has no partner, either.
    """
    if not forth.numel():
        return Links(frozenset(), frozenset(), {})
    rows = enumerate(zip(forth.argmax(dim=1).tolist(), forth.amax(dim=1).tolist(), strict=True))
    columns = enumerate(zip(back.argmax(dim=0).tolist(), back.amax(dim=0).tolist(), strict=True))
    from_first = {(a, b): most for a, (b, most) in rows if most > 0 and most >= least}
    from_second = {(a, b): most for b, (a, most) in columns if most > 0 and most >= least}
    either = from_first.keys() | from_second.keys()
    strengths = {link: min(found[link] for found in (from_first, from_second) if link in found) for link in either}
    return Links(frozenset(from_first), frozenset(from_second), strengths)


@dataclass(frozen=True)
class Aligner:
    """One head's measured scores: shares of hand-aligned words whose strongest partner is right, 0…1."""

    layer: int
    head: int
    scores: Mapping[Direction, float]

    @property
    def direction(self) -> Direction:
        """In which it is best."""
        return max(DIRECTIONS, key=self.scores.__getitem__)

    @property
    def best(self) -> float:
        """The score in that direction."""
        return self.scores[self.direction]


def aligners(scores: Mapping[str, Any]) -> list[Aligner]:
    """Every head with its scores, the best first. scores: as `registry.scores("text")` gives them."""
    heads = [
        Aligner(layer, head, measured)
        for layer, row in enumerate(scores["alignment"]["heads"])
        for head, measured in enumerate(row)
    ]
    return sorted(heads, key=lambda head: -head.best)
