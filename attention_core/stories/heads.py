"""What several stories show of all heads: their weights as tiles, one number each, and what one of them does in words.

T tokens, W rows of weights, H heads of a layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from attention_core.analysis.head_atlas import Measure, sentence_atlas
from attention_core.analysis.head_roles import HeadRole, head_roles
from attention_core.analysis.units import Unit
from attention_core.figures.heads import thinning
from attention_core.figures.style import MapKind
from attention_core.models.text import TextTrace
from attention_core.stories.arrays import array
from attention_core.stories.story import Array, Block, Figure, Note, Pick
from attention_core.words import Listed, Say, Words

Scores = Mapping[str, Any]  # what was measured of a text network, as `registry.scores("text")` gives it
NAMED = 3  # roles named of one head
_SHARES: tuple[Measure, ...] = ("previous", "next", "same", "special", "other_language")


def tiles(
    name: str,
    trace: TextTrace,
    unit: Unit,
    alt: Words,
    *,
    selected: tuple[int, int] | None = None,
    limits: Sequence[Array] | None = None,
    clickable: bool = True,
    title: Words = "",
) -> list[Block]:
    """Every head of every layer, a row of tiles a layer; a click chooses a head.

    limits: (H,) a layer, where the colours of each tile end, 1 where it is None.
    """
    weights = [array(unit.weights(layer.weights[0])) for layer in trace.layers]  # (H, W, W) each
    heads = [Say("heads.head_name", {"number": head + 1}) for head in range(max(map(len, weights)))]
    given = {
        "layers": weights,
        "tokens": unit.labels,
        "layer_names": [Say("heads.layer_name", {"number": layer + 1}) for layer in range(len(weights))],
        "head_names": heads,
        # Eight tiles side by side leave room for a number each: the word stands once.
        "column_names": [heads[0], *(str(head + 2) for head in range(len(heads) - 1))],
        "selected": selected,
        "clickable": clickable,
        "limits": limits,
        "limit_name": Say("heads.largest"),
        "title": title,
    }
    blocks: list[Block] = [Figure(name, "heads_grid", given, alt, Pick("head") if clickable else None)]
    block = thinning(len(unit.words))
    if block > 1:
        blocks.append(Note(Say("heads.thinned", {"block": block})))
    return blocks


def head_values(
    name: str,
    values: Sequence[Array],
    title: Words,
    *,
    selected: tuple[int, int],
    value: Words = "",
    kind: MapKind = "signed",
    limit: float | None = None,
) -> Figure:
    """One number a head, (H,) a layer, a row a layer; a click chooses a head."""
    given = {
        "values": values,
        "layer_names": [str(layer + 1) for layer in range(len(values))],
        "head_names": [str(head + 1) for head in range(max(map(len, values)))],
        "layer_title": Say("words.layer"),
        "head_title": Say("words.head"),
        "title": title,
        "value_name": value,
        "kind": kind,
        "limit": limit,
        "selected": selected,
    }
    return Figure(name, "head_map", given, title, Pick("head"))


def role(found: HeadRole) -> Say:
    """A role with its score and its baseline."""
    facts: dict[str, Any] = {"score": found.score, "baseline": found.baseline}
    if found.kind != "relation":
        return Say(f"heads.roles.{found.kind}", facts)
    facts["relation"] = Say(f"relations.{found.relation}")
    return Say(f"heads.roles.{found.direction}", {**facts, "language": Say(f"heads.languages.{found.language}")})


def does(trace: TextTrace, layer: int, head: int, scores: Scores | None) -> Say:
    """What a head was measured to do, and what switching it off costs; without `scores`, what it does in `trace`."""
    if scores is None:
        return _does_here(trace, layer, head)
    roles = [role(found) for found in head_roles(scores, layer, head)[:NAMED]]
    loss = scores["heads"][layer][head].get("loss_increase")
    facts = {
        "outstanding": bool(roles),
        "roles": Listed(roles, by="heads.and"),
        "costed": loss is not None,
        "loss": None if loss is None else round(loss, 2) + 0.0,  # never −0.00
    }
    return Say("heads.does", facts)


def _does_here(trace: TextTrace, layer: int, head: int) -> Say:
    """The same from this sentence alone, for a head that was never measured."""
    measures = sentence_atlas(replace(trace, layers=(trace.layers[layer],)))[head].measures
    shares = [
        Say(f"heads.share.{name}", {"share": measures[name]}) for name in _SHARES if not math.isnan(measures[name])
    ]
    facts = {"shares": Listed(shares), "entropy": measures["entropy"], "distance": measures["distance"]}
    return Say("heads.here", facts)
