"""Which heads a guess needs: one token hidden, each head switched off in turn.

What is measured takes passes of the network: `analysis.importance.head_importance`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from attention_core.analysis.importance import HeadImportance
from attention_core.stories import formulas
from attention_core.stories.arrays import array
from attention_core.stories.heads import head_values
from attention_core.stories.story import Beside, Block, Figure, Grouped, Note, Step
from attention_core.stories.text import Followed, TextFacts
from attention_core.words import Say, Words

KEY = "head_importance"
LEAST_DROP = 0.01  # nats: below it, no head is called missed


@dataclass(frozen=True)
class Missed:
    """What was measured of the followed token; before: the same as trained, where something is changed."""

    importance: HeadImportance
    before: HeadImportance | None = None


def guessable(network: TextFacts) -> bool:
    """Whether a network guesses hidden tokens at all."""
    return network.predicts == "hidden" and network.mask_row is not None


def wanted(f: Followed) -> bool:
    """Whether there is something to measure at the followed token."""
    token = f.trace.tokens[f.query]
    return guessable(f.network) and not token.special and not token.unknown


def importance_step(f: Followed, missed: Missed | None) -> Step:
    """The guess at the followed token, then the map of all heads. missed: None where it has not been measured."""
    if not guessable(f.network):
        return Step(KEY, absent=Say(f"{KEY}.absent"))
    token = f.trace.tokens[f.query]
    facts: dict[str, Any] = {
        **f.facts,
        "measured": missed is not None and wanted(f),
        "unasked": missed is None and wanted(f),
    }
    if not wanted(f):
        why = "special" if token.special else "unknown"
        return Step(KEY, formulas.importance(), facts, [Note(Say(f"{KEY}.{why}", facts), "info")])
    if missed is None:
        return Step(KEY, formulas.importance(), facts)
    found = missed.importance
    blocks: list[Block]
    if missed.before is None:
        blocks = [Beside([_guess(f, found), _map(f, "importance-map", found.drops)])]
    else:
        blocks = _compared(f, found, missed.before)
    blocks.append(Note(Say(f"{KEY}.costliest", _costliest(found)), "text"))
    arrays = {"log_probability": array(found.drops[0].new_tensor(found.log_probability))}
    for layer, (without, drops) in enumerate(zip(found.without, found.drops, strict=True)):
        arrays |= {f"without_{layer}": array(without), f"drops_{layer}": array(drops)}
    return Step(KEY, formulas.importance(), facts, blocks, arrays)


def _guess(f: Followed, found: HeadImportance, name: str = "importance-guess", title: Words | None = None) -> Block:
    """The likeliest tokens, and where the right one stands among them."""
    words = [word for word, _ in found.predictions]
    title = title or Say(f"{KEY}.guess", {"query": f.said[f.query]})
    listed = found.token in words
    given = {
        "labels": words,
        "probabilities": [probability for _, probability in found.predictions],
        "title": title,
        "value_name": Say("words.probability"),
        "highlight": words.index(found.token) if listed else None,
    }
    facts = {"listed": listed, "token": found.token, "rank": found.rank, "probability": math.exp(found.log_probability)}
    return Grouped([Figure(name, "probability_bars", given, title), Note(Say(f"{KEY}.answer", facts))])


def _map(
    f: Followed,
    name: str,
    drops: Sequence[Tensor],
    title: Words | None = None,
    limit: float | None = None,
) -> Figure:
    values, title = [array(layer) for layer in drops], title or Say(f"{KEY}.map")
    return head_values(name, values, title, value=Say(f"{KEY}.drop"), selected=(f.layer, f.head), limit=limit)


def _compared(f: Followed, is_: HeadImportance, was: HeadImportance) -> list[Block]:
    """As trained and with the change beside each other, then what each head's drop has changed by, on one scale."""
    guess, title = Say(f"{KEY}.guess", {"query": f.said[f.query]}), Say(f"{KEY}.map")
    limit = max(drops.abs().max().item() for found in (is_, was) for drops in found.drops)
    guesses: list[Block] = []
    maps: list[Block] = []
    for ending, which, found in (("-before", "before", was), ("", "after", is_)):
        named = [Say("change.which", {"title": of, "which": Say(f"change.{which}")}) for of in (guess, title)]
        guesses.append(_guess(f, found, f"importance-guess{ending}", named[0]))
        maps.append(_map(f, f"importance-map{ending}", found.drops, named[1], limit))
    changes = [after - before for after, before in zip(is_.drops, was.drops, strict=True)]
    if not any(change.any() for change in changes):
        return [Beside(guesses), Beside(maps), Note(Say("change.none"))]
    scale = max(limit, *(change.abs().max().item() for change in changes))
    difference = _map(f, "importance-map-change", changes, Say("change.difference", {"title": title}), scale)
    return [Beside(guesses), Beside(maps), difference]


def _costliest(found: HeadImportance) -> dict[str, Any]:
    layer, head = found.costliest()
    drop = found.drops[layer][head].item()
    return {
        "layer": layer + 1,
        "head": head + 1,
        "token": found.token,
        "probability": math.exp(found.log_probability),
        "without": math.exp(found.without[layer][head].item()),
        "drop": drop,
        "missed": drop >= LEAST_DROP,
        "hindered": any(bool((drops <= -LEAST_DROP).any()) for drops in found.drops),
    }
