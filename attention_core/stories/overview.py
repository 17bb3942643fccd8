"""One layer and head as one diagram, from the tokens to the output: its matrices, named and in order.

T tokens, D model width, H heads, d head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attention_core.analysis.heads import unscaled_scores
from attention_core.analysis.units import read_unit
from attention_core.figures import Quantity
from attention_core.mechanisms.multi_head import MultiHeadTrace
from attention_core.stories.arrays import array
from attention_core.stories.compared import matrices, strip
from attention_core.stories.story import Block, Folded, Step, Story
from attention_core.stories.text import Followed
from attention_core.words import Say

KEY = "overview"
BLOCKS = ("input", "query", "key", "value", "raw", "scores", "weights", "head", "joined", "output")
_SQUARE = ("raw", "scores", "weights")  # queries × keys


@dataclass(frozen=True)
class DiagramBlock:
    """One matrix of the diagram."""

    name: str
    symbol: str  # where there is no room for the name; ^ raises what follows it, up to a space
    formula: str
    quantity: Quantity
    values: Tensor  # (rows, columns)
    scale: str  # blocks of one scale have one range of colours; "weight" is always 0…1


def overview_story(followed: Followed) -> Story:
    """One step: all of it at once, where nothing answers to the pointer one matrix after the other."""
    shown = diagram(followed)
    blocks: list[Block] = []
    for block, before in zip(shown, _values(followed, followed.attention_before), strict=True):
        blocks += _drawn(followed, block, before)
    arrays = {block.name: array(block.values) for block in shown}
    step = Step("overview.diagram", (), followed.facts, blocks, arrays)
    return Story(KEY, followed.focus, followed.facts, (step,))


def diagram(f: Followed) -> Sequence[DiagramBlock]:
    """The matrices in order, with formulas that hold for this network and change."""
    network, heads = f.network, f.attention.query.shape[1]
    given = f.trace.embedding if f.layer == 0 else f.trace.blocks[f.layer - 1].output
    read = "a = h" if torch.equal(given, f.attention.input[0]) else "a = norm(h)"
    bias = {True: " + {}", False: "", None: " (+ {} )"}[network.bias]
    maps = {name: f"{name} = W^{name} a" + bias.format(f"b^{name}") for name in "qkv"}
    written = {
        "input": ("a", read),
        "query": ("q", maps["q"]),
        "key": ("k", maps["k"]),
        "value": ("v", maps["v"]),
        "raw": ("q·k", "q^i · k^j"),
        "scores": ("α", _score(f)),
        "weights": ("α̃", f"α̃ = softmax({'α' if f.change.temperature == 1 else f'α / {f.change.temperature:g}'})"),
        "head": ("b", f"b = {'' if f.change.gate == 1 else f'{f.change.gate:g} '}Σ α̃ v"),
        "joined": ("[b]", _joined(heads)),
        "output": ("o", "o = W^O [b]" + bias.format("c")),
    }
    quantities: dict[str, tuple[Quantity, str]] = {
        "input": ("embedding", "input"),
        "query": ("query", "match"),
        "key": ("key", "match"),
        "value": ("value", "content"),
        "raw": ("score", "raw"),
        "scores": ("score", "scores"),
        "weights": ("weight", "weight"),
        "head": ("output", "content"),
        "joined": ("output", "content"),
        "output": ("output", "output"),
    }
    return [
        DiagramBlock(name, *written[name], quantities[name][0], values, quantities[name][1])
        for name, values in zip(BLOCKS, _values(f, f.attention), strict=True)
        if values is not None
    ]


def _values(f: Followed, attention: MultiHeadTrace | None) -> Sequence[Tensor | None]:
    """The numbers of each block, (T, …) each; None where there is no trace."""
    if attention is None:
        return [None] * len(BLOCKS)
    one = (attention.query, attention.key, attention.value, unscaled_scores(attention), attention.scores)
    rest = (attention.weights, attention.head_outputs)
    by_head = [values[0, f.head] for values in (*one, *rest)]
    return [attention.input[0], *by_head, attention.concatenated[0], attention.output[0]]


def _score(f: Followed) -> str:
    if not f.change.scaled:
        return "α = q·k"
    return f"α = q·k / √{f.attention.query.shape[-1]}" if f.facts["root"] else "α = c q·k + β"


def _joined(heads: int) -> str:
    between = " " if heads == 2 else " … "
    return "[b^1]" if heads == 1 else f"[b^1{between}b^{heads} ]"


def _drawn(f: Followed, block: DiagramBlock, before: Tensor | None) -> list[Block]:
    """A block as a figure; with `before`, as trained beside it."""
    name, title = f"overview-{block.name}", Say(f"overview.blocks.{block.name}")
    if block.name not in _SQUARE:
        shown: list[Block] = [strip(name, block.values, f.names, block.quantity, title)]
        if before is not None and not torch.equal(before, block.values):
            difference = Say("change.difference", {"title": title})
            change = strip(f"{name}-change", block.values - before, f.names, block.quantity, difference)
            shown.append(Folded(Say("change.folded"), [change]))
        return shown
    unit = read_unit(f.trace, f.network.mask)
    was = None if before is None or f.before is None else (before, read_unit(f.before, f.network.mask))
    kind = "weight" if block.scale == "weight" else "signed"
    quantity = "product" if block.name == "raw" else block.quantity
    return matrices(name, (block.values, unit), was, title=title, quantity=quantity, kind=kind, query=f.query)  # type: ignore[arg-type]
