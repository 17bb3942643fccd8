"""Who looks at whom: the heaviest links of a layer's heads, and what is left out.

T tokens or words, H heads.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from attention_core.analysis.links import heaviest_links, share_to
from attention_core.analysis.units import Unit
from attention_core.analysis.words import Word, word_weights
from attention_core.models.text import TextTrace
from attention_core.stories import formulas
from attention_core.stories.arrays import array
from attention_core.stories.compared import matrix
from attention_core.stories.story import Block, Note, Step, Story
from attention_core.words import Listed, Say

KEY = "head_view"
Between = Literal["all", "aa", "ab", "ba", "bb"]  # which sentence looks at which
BETWEEN: tuple[Between, ...] = get_args(Between)
USUAL = 70  # percent of a row that is drawn


@dataclass(frozen=True, eq=False)
class Links:
    """What is drawn of one layer. layer, head: the ones that are followed; mass: percent of each row."""

    layer: int
    head: int
    mass: int
    tokens: Sequence[Word]
    weights: Tensor  # (H, T, T)
    taken: Tensor  # bool (H, T, T) the links that are drawn of a head that is
    heads: Sequence[int]  # the heads that are drawn
    queries: Tensor  # bool (T,) what stands on the left
    keys: Tensor  # bool (T,) what stands on the right


def links_of(
    trace: TextTrace,
    layer: int,
    head: int,
    tokens: Sequence[Word],
    *,
    also: Collection[int] = (),
    mass: int = USUAL,
    specials: bool = False,
    between: Between = "all",
) -> Links:
    """tokens: single ones or words; also: heads beside `head`; specials: whether special tokens are shown."""
    weights = word_weights(trace.layers[layer].weights[0], tokens)
    shown = torch.tensor([specials or not token.special for token in tokens])
    queries, keys = (shown & _side(tokens, between, place) for place in (0, 1))
    taken = heaviest_links(weights * (queries[:, None] & keys).to(weights), mass / 100)
    heads = [number for number in range(len(weights)) if number == head or number in also]
    return Links(layer, head, mass, tokens, weights, taken, heads, queries, keys)


def _side(tokens: Sequence[Word], between: Between, place: int) -> Tensor:
    """Which tokens may stand on a side: 0 for queries, 1 for keys."""
    return torch.tensor([between == "all" or token.segment == "ab".index(between[place]) for token in tokens])


def head_view_story(links: Links) -> Story:
    """One step: the links, as a matrix where nothing answers to the pointer."""
    place = {"layer": links.layer, "head": links.head}
    said = {name: number + 1 for name, number in place.items()}
    facts = {
        **said,
        "mass": links.mass,
        "count": int(links.taken[links.heads].sum()),
        "all": len(links.heads) * int(links.queries.sum()) * int(links.keys.sum()),
    }
    unit, weights, taken = Unit(links.tokens), links.weights[links.head], links.taken[links.head]
    look: dict[str, Any] = {
        "kind": "weight",
        "title": Say("head_view.links.figure", said),
        "value": Say("words.weight"),
        "highlight_row": None,  # no token is followed
    }
    only = weights.masked_fill(~taken, math.nan)
    blocks: list[Block] = [matrix("links-matrix", only, unit, query=unit.words[0].tokens[0], **look), *left_out(links)]
    arrays = {"weights": array(links.weights), "taken": array(links.taken)}
    step = Step("head_view.links", [formulas.fewest_links(links.mass)], facts, blocks, arrays)
    return Story(KEY, place, {}, (step,))


def left_out(links: Links) -> list[Block]:
    """How much of the weights goes where no token is shown; nothing where all are."""
    special = torch.tensor([token.special for token in links.tokens])
    hidden, others = ~links.keys & special, ~links.keys & ~special
    if not links.queries.any() or not bool((hidden | others).any()):
        return []
    facts: dict[str, Any] = {"to_special": bool(hidden.any()), "to_others": bool(others.any())}
    for name, columns in (("special", hidden), ("others", others)):
        shares = share_to(links.weights[links.heads], links.queries, columns).tolist()
        drawn = zip(links.heads, shares, strict=True)
        facts[name] = Listed([Say("head_view.head_share", {"head": n + 1, "share": share}) for n, share in drawn])
    return [Note(Say("head_view.links.left_out", facts))]
