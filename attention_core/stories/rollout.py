"""Attention through all layers, and the test of it: what hiding each token does.

Abnar & Zuidema 2020. T tokens, L layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from attention_core.analysis.blank_out import BlankOut, agreement
from attention_core.analysis.rollout import attention_rollout, mean_over_heads
from attention_core.analysis.units import read_unit
from attention_core.figures.style import MINUS
from attention_core.models.text import TextTrace
from attention_core.stories import formulas
from attention_core.stories.arrays import array
from attention_core.stories.compared import matrices
from attention_core.stories.story import Beside, Block, Grouped, Note, Step, Story, Table
from attention_core.stories.text import Followed
from attention_core.words import Say, Words

KEY = "rollout"
FEWEST, LONGEST = 3, 128  # tokens: hidden in turn at least; of a sentence at most
AT_ONCE = 48  # tokens: hidden in turn without being asked
FEW_OTHERS = 8  # a rank correlation over fewer is often high by chance


@dataclass(frozen=True)
class Effects:
    """What hiding each token does; before: in the network as trained, where something is changed."""

    effect: BlankOut
    before: BlankOut | None = None


def rollout_story(followed: Followed, effects: Effects | None = None) -> Story:
    """effects: None where tokens have not been hidden in turn."""
    steps = passed_on(followed), hidden_in_turn(followed, effects)
    return Story(KEY, followed.focus, followed.facts, steps)


def passed_on(f: Followed) -> Step:
    """The last layer's weights beside the rollout of all layers."""
    means, unit = mean_over_heads(f.trace), f.unit()
    layers = attention_rollout(means, len(f.trace.tokens))
    shown = {"raw": means[-1], "rolled": layers[-1]}
    row = unit.row(f.query)
    passed = unit.weights(shown["rolled"])[row]  # (W,)
    others = passed.clone()
    others[row] = -1.0
    strongest = int(others.argmax())
    facts: dict[str, Any] = {
        **f.facts,
        "query": unit.names[row],
        "own": passed[row].item(),
        "others": others[strongest].item() > 0,
        "key": unit.names[strongest],
        "share": others[strongest].item(),
        "hides": _hides(f),
    }
    titles = {
        "raw": Say("rollout.passed_on.raw", {"layer": len(means)}),
        "rolled": Say("rollout.passed_on.rolled", {"layers": len(means)}),
    }
    names = {"raw": "rollout-raw", "rolled": "rollout"}
    look: dict[str, Any] = {"quantity": "weight", "kind": "weight", "query": f.query}
    blocks: list[Block]
    if f.before is None:
        sides = (matrices(names[one], (shown[one], unit), None, title=titles[one], **look) for one in shown)
        blocks = [Beside([block for side in sides for block in side])]
    else:
        means_before, unit_before = mean_over_heads(f.before), f.unit(f.before)
        rolled_before = attention_rollout(means_before, len(f.before.tokens))[-1]
        was = {"raw": means_before[-1], "rolled": rolled_before}
        facts["before"] = unit_before.weights(rolled_before)[row, row].item()
        blocks = []
        for one in shown:
            pair = (shown[one], unit), (was[one], unit_before)
            blocks += matrices(names[one], *pair, title=titles[one], **look)
    blocks.append(Note(Say("rollout.passed_on.caveat", facts)))
    arrays = {"means": array(torch.stack(means)), "rolled": array(torch.stack(layers))}
    return Step("rollout.passed_on", formulas.rollout(), facts, blocks, arrays)


def _hides(f: Followed) -> bool:
    """Whether the network can read a sentence with a token hidden."""
    return f.network.mask_row is not None


def refusal(trace: TextTrace) -> Say | None:
    """Why tokens are not hidden in turn, where that would tell nothing or take too long."""
    if sum(not token.special for token in trace.tokens) < FEWEST:
        return Say("rollout.hidden.short")
    if len(trace.tokens) > LONGEST:
        return Say("rollout.hidden.long", {"limit": LONGEST, "count": len(trace.tokens)})
    return None


def hidden_in_turn(f: Followed, effects: Effects | None) -> Step:
    """The effect of hiding each token, and how well raw weights and rollout foretell it."""
    if not _hides(f):
        return Step("rollout.hidden", absent=Say("rollout.hidden.absent"))
    facts: dict[str, Any] = {**f.facts, "predicts": f.network.predicts != "nothing"}
    refused = refusal(f.trace)
    if refused is not None:
        return Step("rollout.hidden", [formulas.hiding()], facts, [Note(refused, "info")])
    if effects is None:
        return Step("rollout.hidden", [formulas.hiding()], facts)
    found = _correlations(f.trace, effects.effect)
    below: list[Block] = [
        Note(Say("rollout.hidden.table"), "text"),
        _table(f, effects.effect, found),
        *_found(effects.effect, found),
    ]
    shown = _effect(f, effects.effect, effects.before)
    blocks: list[Block] = [Beside([*shown, Grouped(below)])] if f.before is None else [*shown, *below]
    arrays = {"effect": array(effects.effect.change), **{name: array(rho) for name, rho in found.items()}}
    return Step("rollout.hidden", [formulas.hiding()], facts, blocks, arrays)


def _effect(f: Followed, effect: BlankOut, before: BlankOut | None) -> list[Block]:
    """E, of tokens also where weights are shown by words: hiding was done token by token."""
    unit = read_unit(f.trace, f.network.mask)
    was = None if before is None or f.before is None else (before.change, read_unit(f.before, f.network.mask))
    return matrices(
        "rollout-effect",
        (effect.change, unit),
        was,
        title=Say("rollout.hidden.figure"),
        quantity="effect",
        kind="activation",
        query=f.query,
    )


def _correlations(trace: TextTrace, effect: BlankOut) -> dict[str, Tensor]:
    """Spearman's ρ of each layer's weights, and of the rollout up to it, with the effect of hiding: (L, N)."""
    means = mean_over_heads(trace)
    layers = {"raw": means, "rolled": attention_rollout(means, len(trace.tokens))[1:]}
    return {name: torch.stack([agreement(weights, effect) for weights in found]) for name, found in layers.items()}


def _table(f: Followed, effect: BlankOut, found: dict[str, Tensor]) -> Table:
    rows: dict[str, list[float]] = {f"{name}_mean": rho.nanmean(dim=1).tolist() for name, rho in found.items()}
    if f.query in effect.hidden:
        at = effect.hidden.index(f.query)
        rows |= {f"{name}_query": rho[:, at].tolist() for name, rho in found.items()}
    layers = [Say("rollout.hidden.layer", {"layer": layer + 1}) for layer in range(len(f.trace.layers))]
    lines: list[list[Words]] = [
        [Say(f"rollout.hidden.{row}", {"query": f.said[f.query]}), *map(_written, values)]
        for row, values in rows.items()
    ]
    return Table(["", *layers], lines, Say("rollout.hidden.correlations"))


def _written(rho: float) -> str:
    return "–" if math.isnan(rho) else f"{rho:.2f}".replace("-", MINUS)


def _found(effect: BlankOut, found: dict[str, Tensor]) -> list[Block]:
    """What the last layer says, and how far to trust it."""
    notes: list[Block] = []
    count, last = len(effect.hidden), {name: rho[-1].nanmean().item() for name, rho in found.items()}
    if not any(map(math.isnan, last.values())):
        notes.append(Note(Say("rollout.hidden.found", {"count": count, **last}), "text"))
    if count - 1 < FEW_OTHERS:
        notes.append(Note(Say("rollout.hidden.few", {"count": count - 1})))
    return notes
