"""Self-attention: one head, one query token, from the tokens to what the network says.

Vaswani et al. 2017, §3.2. T tokens, D model width, d head width, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from attention_core.analysis.change import empty_rows
from attention_core.analysis.heads import unscaled_scores, weighted_sum
from attention_core.analysis.units import Unit, read_unit
from attention_core.models.tokenization import numbered, visible
from attention_core.stories import formulas
from attention_core.stories.arrays import array
from attention_core.stories.compared import FEW, matrices, matrix, strip, strip_changes
from attention_core.stories.story import Beside, Block, Folded, Note, Sequenced, Step, Story
from attention_core.stories.text import Followed
from attention_core.stories.token_prediction import ONLY_SEEN, Guessing, prediction
from attention_core.words import Listed, Say, Words

KEY = "self_attention"


@dataclass(frozen=True)
class Told:
    """What the steps are made of. limit: where the colours of the weights end, 1 where it is None."""

    followed: Followed
    guessing: Guessing
    limit: float | None


def self_attention_story(followed: Followed, guessing: Guessing = ONLY_SEEN, *, limit: float | None = None) -> Story:
    """The way of one token through one head. limit: where the colours of the weights end, 1 where it is None."""
    told = Told(followed, guessing, limit)
    return Story(KEY, followed.focus, followed.facts, [step(told) for step in STEPS])


def _tokens(told: Told) -> Step:
    f = told.followed
    trace, network = f.trace, f.network
    specials = list(dict.fromkeys(token.text for token in trace.tokens if token.special))
    ids = [network.mask_row if i in trace.hidden else token.id for i, token in enumerate(trace.tokens)]
    rows: list[tuple[Words, Sequence[Words]]] = [
        (Say("self_attention.tokens.position"), [str(i + 1) for i in range(len(trace.tokens))]),
        (Say("self_attention.tokens.token"), visible(trace.tokens)),
        (Say("self_attention.tokens.row"), [str(token.id) for token in trace.tokens]),
        (Say("self_attention.tokens.read_as"), [trace.vocabulary[row] for row in ids if row is not None]),
    ]
    facts = {**f.facts, "special": bool(specials), "specials": Listed(specials)}
    formula = rf"x^1, x^2, \dots, x^{{{len(trace.tokens)}}}"
    return Step(
        "self_attention.tokens",
        [formula],
        facts,
        [Sequenced(rows, Say("self_attention.tokens.table"))],
        {"rows": np.array([row for row in ids if row is not None])},
    )


def _embedding(told: Told) -> Step:
    f = told.followed
    trace, layer, query = f.trace, f.layer, f.query
    given = trace.embedding if layer == 0 else trace.blocks[layer - 1].output
    as_is = torch.equal(given, f.attention.input[0])  # networks that norm behind a block read it as it is
    summands = {
        "token": trace.token_embedding,
        "position": trace.position_embedding,
        "segment": trace.segment_embedding,
        "sum": trace.embedding,
    }
    facts = {**f.facts, "width": trace.embedding.shape[1], "as_is": as_is}
    parts = Say("self_attention.embedding.parts", {"token": f.said[query]})
    title = Say("self_attention.embedding.figure", facts)
    blocks: list[Block] = [strip("embedding", f.attention.input[0], f.names, "embedding", title)]
    if f.attention_before is not None:
        changed = Say("self_attention.embedding.input", {"layer": layer + 1})
        pair = changed, f.attention_before.input[0], f.attention.input[0]
        blocks += strip_changes(f.names, {"embedding": pair})
    # Some networks map the sum to another width before their first block.
    shown = {name: part for name, part in summands.items() if part.shape == trace.token_embedding.shape}
    stacked = torch.stack([part[query] for part in shown.values()])
    rows = [Say(f"self_attention.embedding.{name}") for name in shown]
    blocks.append(Folded(parts, [strip("embedding-parts", stacked, rows, "embedding", parts)]))
    used = [name for name in ("token", "position", "segment") if bool(summands[name].any())]
    formula = formulas.embedding(layer, used, shipped=f.network.shipped, root=f.network.scaled_up, as_is=as_is)
    arrays = {name: array(values) for name, values in summands.items()} | {"input": array(f.attention.input[0])}
    return Step("self_attention.embedding", formula, facts, [*blocks, *_twice(f)], arrays)


def _twice(f: Followed) -> list[Block]:
    """Where the followed token stands more than once: what of its embedding is the same each time, and what is not."""
    trace, query = f.trace, f.query
    read = trace.tokens[query].id
    places = [i for i, token in enumerate(trace.tokens) if token.id == read and i not in trace.hidden]
    apart = len({*map(tuple, trace.position_embedding[places].tolist())}) == len(places)
    if query not in places or len(places) < 2 or not apart:
        return []
    facts = {"token": visible(trace.tokens)[query], "places": Listed([str(place + 1) for place in places])}
    return [Note(Say("self_attention.embedding.twice", facts))]


def _projections(told: Told) -> Step:
    f = told.followed
    attention, before = f.attention, f.attention_before
    names = ("query", "key", "value")
    now = {name: getattr(attention, name)[0, f.head] for name in names}  # (T, d) each
    strips = [
        strip(f"strip-{name}", values, f.names, name, Say(f"words.{name}"))  # type: ignore[arg-type]
        for name, values in now.items()
    ]
    blocks: list[Block] = [Beside(strips)]
    if before is not None:
        changes = {name: (Say(f"words.{name}"), getattr(before, name)[0, f.head], now[name]) for name in names}
        blocks += strip_changes(f.names, changes)  # type: ignore[arg-type]
    facts = {**f.facts, "d": attention.query.shape[-1]}
    arrays = {name: array(values) for name, values in now.items()}
    return Step("self_attention.projections", formulas.projections(f.network.bias), facts, blocks, arrays)


def _scores(told: Told) -> Step:
    f = told.followed
    attention, before, query = f.attention, f.attention_before, f.query
    d = attention.query.shape[-1]
    products, scores = unscaled_scores(attention)[0, f.head], attention.scores[0, f.head]  # (T, T)
    row, allowed = scores[query], f.allowed
    some = allowed is not None and bool(allowed[query].any())
    if some and allowed is not None:  # the mask comes after this step, and leaves only these keys
        row = row.masked_fill(~allowed[query], -math.inf)
    best = int(row.argmax())
    tokens = read_unit(f.trace, f.network.mask)
    facts: dict[str, Any] = {**f.facts, "d": d, "key": f.said[best], "among": some}
    formula = formulas.score(
        query,
        best,
        products[query, best].item(),
        scores[query, best].item(),
        d,
        scaled=f.change.scaled,
        plain=facts["root"],
    )
    arrays = {"products": array(products), "scores": array(scores)}
    shown = scores if allowed is None else scores.masked_fill(~allowed, math.nan)  # what may not be looked at is blank
    if before is not None and f.before is not None:
        was = before.scores[0, f.head]
        facts["before"] = numbered(visible(f.before.tokens))[int(was[query].argmax())]
        pair = (shown, tokens), (was, read_unit(f.before, f.network.mask))
        title = Say("self_attention.scores.figure")
        blocks = matrices("scores", *pair, title=title, quantity="score", kind="signed", query=query)
        return Step("self_attention.scores", [formula], facts, blocks, arrays)
    # Beside each other, long numbers would be too small to read.
    look: dict[str, Any] = {"kind": "signed", "query": query, "digits": 2 if len(tokens.words) <= FEW else 0}
    sides = [
        matrix(
            f"scores-{name}",
            values,
            tokens,
            title=Say(f"self_attention.scores.{name}", facts),
            value=Say("words.product" if name == "raw" else "words.score"),
            **look,
        )
        for name, values in (("raw", products), ("scaled", shown))
    ]
    return Step("self_attention.scores", [formula], facts, [Beside(sides)], arrays)


def _weights(told: Told) -> Step:
    f = told.followed
    attention, before, query = f.attention, f.attention_before, f.query
    weights, unit = attention.weights[0, f.head], f.unit()
    row = unit.row(query)
    empty = empty_rows(f.trace, f.layer, f.head)
    facts: dict[str, Any] = {**f.facts, **unit.looks(weights, query), "empty": query in empty}
    title = Say("self_attention.weights.figure", {"layer": f.layer + 1, "head": f.head + 1})
    blocks: list[Block] = []
    if f.change.mask is not None:
        blocks.append(Note(Say("self_attention.weights.mask")))
    if empty:
        rows = Listed([Say("words.token_quoted", {"token": f.said[place]}) for place in empty])
        blocks.append(Note(Say("self_attention.weights.empty", {"tokens": rows}), "info"))
    was: tuple[torch.Tensor, Unit] | None = None
    if before is not None and f.before is not None:
        was = before.weights[0, f.head], f.unit(f.before)
        most = int(unit.weights(weights)[row].argmax())
        facts["before"] = unit.weights(was[0])[row, most].item()
    look = {"limit": told.limit} if was is None else {}
    blocks += matrices(
        "weights", (weights, unit), was, title=title, quantity="weight", kind="weight", query=query, **look
    )
    formula = formulas.weight(temperature=f.change.temperature, masked=facts["masked"])
    return Step("self_attention.weights", formula, facts, blocks, {"weights": array(weights)})


def _sum(told: Told) -> Step:
    f = told.followed
    names, query = f.names, f.query
    total = weighted_sum(f.attention, f.head, query)
    output = f.attention.head_outputs[0, f.head, query]  # with the head's gate
    rows = [f"{weight:.2f} · {name}" for weight, name in zip(total.weights.tolist(), names, strict=True)]
    blocks: list[Block] = [strip("sum-terms", total.terms, rows, "value", Say("self_attention.sum.terms"))]
    title = Say("self_attention.sum.total")
    if f.attention_before is None:
        blocks.append(strip("sum-total", output[None], [names[query]], "output", title))
    else:
        before = f.attention_before.head_outputs[0, f.head, query]
        compared = torch.stack([before, output, output - before])  # (3, d)
        which = [Say(f"change.{row}") for row in ("before", "after", "change")]
        blocks.append(strip("sum-total", compared, which, "output", title))
    blocks.append(Folded(Say("words.differs"), [Note(Say("self_attention.sum.correction"), "text")]))
    facts = {**f.facts, "gated": f.change.gate != 1}
    arrays = {"terms": array(total.terms), "output": array(output)}
    return Step("self_attention.sum", [formulas.output(gate=f.change.gate)], facts, blocks, arrays)


def _prediction(told: Told) -> Step:
    return prediction(told.followed, told.guessing)


STEPS = (_tokens, _embedding, _projections, _scores, _weights, _sum, _prediction)
