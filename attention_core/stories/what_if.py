"""What somebody changes inside the text network, as a value: hashable, and short enough for a link.

    unscaled_tau-2_window-1_hide-2.3_gate-0-1-0.5

Positions, layers and heads count from 0. A custom mask is `custom-` and its blocked cells: `row-column`, joined by
dots.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal, Protocol, TypeVar

import torch
from torch import Tensor

from attention_core.analysis.masks import causal_mask, mask_without, window_mask
from attention_core.models.hub.text import HubTextModel
from attention_core.models.text import TextModel, TextTrace
from attention_core.models.tokenization import Token, numbered, visible
from attention_core.stories.text import Change
from attention_core.words import Listed, Say, Words

MaskKind = Literal["none", "causal", "window", "custom"]
MASK_KINDS: tuple[MaskKind, ...] = ("none", "causal", "window", "custom")
MOST_TOLD = 4  # hidden tokens, or gates, that are listed one by one
TEMPERATURES = (0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0)  # even steps of the logarithm, nearly
MOST_CELLS = 24  # tokens up to which a mask can be clicked together: beyond, cells are too small and links too long
UNCHANGED = "none"
Number = TypeVar("Number", int, float)
_CELLS = r"[0-9]+-[0-9]+"
_PATTERNS = {
    "unscaled": re.compile(r"unscaled"),
    "tau": re.compile(r"tau-([0-9]+(?:\.[0-9]+)?)"),
    "mask": re.compile(rf"causal|window-[0-9]{{1,4}}|custom(?:-{_CELLS}(?:\.{_CELLS})*)?"),
    "hide": re.compile(r"hide-([0-9]+(?:\.[0-9]+)*)"),
    "gate": re.compile(r"gate-([0-9]+)-([0-9]+)-([01](?:\.[0-9]{1,2})?)"),
}


class Sizes(Protocol):
    """What of a network limits a what-if."""

    @property
    def heads(self) -> tuple[int, ...]:
        """How many heads each layer has."""

    @property
    def positions(self) -> int:
        """How many tokens it reads."""


@dataclass(frozen=True)
class WhatIf:
    """The controls of one what-if; the defaults are the network as trained."""

    scaled: bool = True  # whether scores are divided by √d
    temperature: float = 1.0
    mask: MaskKind = "none"
    width: int = 1  # of the window
    blocked: tuple[tuple[int, int], ...] = ()  # (query, key) cells of the custom mask
    hidden: tuple[int, ...] = ()  # positions that the network reads as [MASK]
    gates: tuple[tuple[int, int, float], ...] = ()  # (layer, head, gate) of the heads whose gate is not 1

    def __str__(self) -> str:
        """As it stands in a link."""
        parts = [] if self.scaled else ["unscaled"]
        if self.temperature != 1:
            parts.append(f"tau-{self.temperature:g}")
        if self.mask == "causal":
            parts.append("causal")
        elif self.mask == "window":
            parts.append(f"window-{self.width}")
        elif self.mask == "custom":
            cells = ".".join(f"{row}-{column}" for row, column in self.blocked)
            parts.append(f"custom-{cells}" if cells else "custom")
        if self.hidden:
            parts.append("hide-" + ".".join(map(str, self.hidden)))
        parts += [f"gate-{layer}-{head}-{gate:g}" for layer, head, gate in self.gates]
        return "_".join(parts) or UNCHANGED

    def fitting(self, tokens: int) -> WhatIf:
        """What of it can be done to a sentence of so many tokens."""
        mask: MaskKind = "none" if self.mask == "custom" and tokens > MOST_CELLS else self.mask
        blocked = tuple(cell for cell in self.blocked if max(cell) < tokens) if mask == "custom" else ()
        return replace(self, mask=mask, blocked=blocked, hidden=tuple(p for p in self.hidden if p < tokens))

    def gate(self, layer: int, head: int) -> float:
        """The multiplier on one head's output."""
        return next((gate for row, column, gate in self.gates if (row, column) == (layer, head)), 1.0)

    def with_gate(self, layer: int, head: int, gate: float) -> WhatIf:
        """The same with one gate moved."""
        others = [entry for entry in self.gates if entry[:2] != (layer, head)]
        moved = [] if gate == 1 else [(layer, head, round(gate, 2))]
        return replace(self, gates=tuple(sorted([*others, *moved])))

    def with_cell(self, row: int, column: int) -> WhatIf:
        """The same with one cell of the custom mask turned over."""
        return replace(self, blocked=tuple(sorted({*self.blocked} ^ {(row, column)})))

    def with_hidden(self, position: int) -> WhatIf:
        """The same with one more token hidden."""
        return replace(self, hidden=tuple(sorted({*self.hidden, position})))

    def attention_mask(self, tokens: int) -> Tensor | None:
        """(T, T), or None where everything is allowed."""
        if self.mask == "causal":
            return causal_mask(tokens)
        if self.mask == "window":
            return window_mask(tokens, self.width)
        return mask_without(tokens, self.blocked) if self.mask == "custom" else None

    def change(self, tokens: int, layer: int, head: int) -> Change:
        """What a story of one head has to know of it."""
        return Change(self.scaled, self.temperature, self.attention_mask(tokens), self.gate(layer, head))

    def said(self, tokens: Sequence[Token]) -> Words:
        """All changes, one after the other. tokens: of the sentence."""
        names = numbered(visible(tokens))
        said = [] if self.scaled else [Say("what_if.changes.unscaled")]
        if self.temperature != 1:
            said.append(Say("what_if.changes.temperature", {"tau": self.temperature}))
        if self.mask != "none":
            said.append(Say(f"what_if.changes.{self.mask}", {"width": self.width, "cells": len(self.blocked)}))
        if self.hidden:
            quoted = [Say("words.token_quoted", {"token": names[p]}) for p in self.hidden if p < len(names)]
            facts = {"count": len(self.hidden), "tokens": Listed(quoted[:MOST_TOLD]), "more": len(quoted) > MOST_TOLD}
            said.append(Say("what_if.changes.hidden", facts))
        if len(self.gates) > MOST_TOLD:
            said.append(Say("what_if.changes.gates", {"count": len(self.gates)}))
        else:
            gates = ({"layer": layer + 1, "head": head + 1, "gate": gate} for layer, head, gate in self.gates)
            said += [Say("what_if.changes.gate", facts) for facts in gates]
        return Listed(said, "what_if.and")

    def trace(self, model: TextModel | HubTextModel, text: str, pair: str | None) -> TextTrace:
        """The sentence on its way through the network with these changes, which must fit it."""
        return model.trace(text, pair, **self.controls(model, text, pair))

    def controls(self, model: TextModel | HubTextModel, text: str, pair: str | None) -> dict[str, Any]:
        """These changes as the network's `trace` takes them."""
        if isinstance(model, TextModel):
            layers, limit = model.config.heads, model.config.positions
        else:
            layers, limit = model.heads, model.limit
        tokens = model.tokenizer.encode(text, pair, limit)[0]
        gates = [torch.tensor([self.gate(layer, head) for head in range(heads)]) for layer, heads in enumerate(layers)]
        return {
            "hide": self.hidden,
            "head_gates": gates if self.gates else None,
            "scale": None if self.scaled else 1.0,
            "temperature": self.temperature,
            "mask": self.attention_mask(len(tokens)),
        }


AS_TRAINED = WhatIf()


def read(written: str, sizes: Sizes) -> WhatIf:
    """The what-if of a link, for a network of these sizes. Raises `ValueError` for anything that it cannot mean.

    Positions beyond one sentence are no mistake: they wait for a longer one.
    """
    parts = [] if written == UNCHANGED else written.split("_")
    named = [(_name(part), part) for part in parts]
    kinds = {name: [part for _, part in group] for name, group in groupby(sorted(named), key=lambda entry: entry[0])}
    if any(len(group) > 1 for name, group in kinds.items() if name != "gate"):
        raise ValueError(f"{written[:80]!r} says something twice")
    mask, width, blocked = _mask(kinds.get("mask", ["none"])[0])
    gates = [_gate(part, sizes) for part in kinds.get("gate", [])]
    if len({gate[:2] for gate in gates}) < len(gates):
        raise ValueError(f"{written[:80]!r} gives one head two gates")
    return WhatIf(
        scaled="unscaled" not in kinds,
        temperature=_within(float(kinds.get("tau", ["tau-1"])[0].removeprefix("tau-")), TEMPERATURES),
        mask=mask,
        width=width,
        blocked=blocked,
        hidden=tuple(
            sorted({_within(int(p), range(sizes.positions)) for p in _numbers(kinds.get("hide", ["hide"])[0])})
        ),
        gates=tuple(sorted(gate for gate in gates if gate[2] != 1)),
    )


def _name(part: str) -> str:
    for name, pattern in _PATTERNS.items():
        if pattern.fullmatch(part):
            return name
    raise ValueError(f"{part[:80]!r} is no change that can be made")


def _numbers(part: str) -> list[str]:
    """What stands between the dots behind the first hyphen."""
    _, _, rest = part.partition("-")
    return rest.split(".") if rest else []


def _mask(part: str) -> tuple[MaskKind, int, tuple[tuple[int, int], ...]]:
    if part.startswith("window"):
        return "window", int(part.removeprefix("window-")), ()
    if not part.startswith("custom"):
        return ("causal" if part == "causal" else "none"), 1, ()
    cells = set()
    for pair in _numbers(part):
        row, column = (_within(int(place), range(MOST_CELLS)) for place in pair.split("-"))
        cells.add((row, column))
    return "custom", 1, tuple(sorted(cells))


def _gate(part: str, sizes: Sizes) -> tuple[int, int, float]:
    _, layer, head, gate = part.split("-")
    row = _within(int(layer), range(len(sizes.heads)))
    if float(gate) > 1:
        raise ValueError(f"a gate is {gate}; expected 0 … 1")
    return row, _within(int(head), range(sizes.heads[row])), float(gate)


def _within(value: Number, allowed: Collection[Number]) -> Number:
    if value not in allowed:
        raise ValueError(f"{value} is not among {allowed}")
    return value
