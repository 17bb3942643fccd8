"""The overview: one layer and head from the tokens to the output, as one diagram that lives in the browser.

Python sends the numbers of a trace, their scales and the words; the component in components/overview/ draws them and
follows the pointer. All that comes back is what the link should say: which pair is locked, which block enlarged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st
from torch import Tensor

from attention_core.analysis.heads import divided_by_root, unscaled_scores
from attention_core.figures import COLOURS, SIGNED_SCALE, WEIGHT_SCALE, Quantity, range_text
from attention_core.figures.style import FRAME, MINUS, QUIET, largest, number
from attention_core.models.text import TextTrace
from attention_core.stories.arrays import array
from ui.i18n import t
from ui.inputs import sentence
from ui.inputs.what_if import AS_TRAINED, WhatIf
from ui.shell import component, url_state
from ui.shell.regions import region
from ui.shell.wire import packed
from ui.stage.steps import framed

_SCRIPTS = ("numbers", "layout", "picture", "texts", "neuron", "overview")
LOCK, BLOCK, NOTHING = "lock", "block", "none"  # in the link
_KEY, _SHOWN = "overview", "_overview_shown"
_TURN = "_overview_turn"
_CELL = re.compile(r"[0-9]{1,3}-[0-9]{1,3}")
BLOCKS = ("input", "query", "key", "value", "raw", "scores", "weights", "head", "joined", "output")
_WORDS = (
    *(
        "label",
        "hint",
        "locked",
        "unlock",
        "whole",
        "expand",
        "query",
        "key",
        "blocked",
        "hidden",
        "colours",
        "trained",
    ),
    *("negative", "positive", "weights", "this_head"),
    *("neuron.title", "neuron.query", "neuron.key", "neuron.product", "neuron.value", "neuron.term", "neuron.sum"),
    *("neuron.see", "neuron.element", "neuron.open"),
)


@dataclass(frozen=True)
class Block:
    """One matrix of the diagram."""

    name: str
    symbol: str  # where there is no room for the name; ^ raises what follows it, up to a space
    formula: str
    quantity: Quantity
    values: Tensor  # (rows, columns)
    scale: str  # blocks of one scale have one range of colours; "weight" is always 0…1


def script() -> str:
    """The component's JavaScript, a module with one default export."""
    return component.script("overview", _SCRIPTS)


def style() -> str:
    """The component's CSS."""
    return (component.FOLDER / "overview" / "overview.css").read_text(encoding="utf-8")


_component = component.component("overview", _SCRIPTS)


@region(LOCK, BLOCK)
def show(trained: TextTrace, trace: TextTrace, what_if: WhatIf, layer: int, head: int, query: int) -> None:
    """The diagram of `trace`, which is `trained` with a what-if; it opens on the row of `query`."""
    sent = payload(trace, layer, head, query, what_if) | _held(trace, query)
    if what_if != AS_TRAINED:
        sent["trained"] = packed(array(trained.layers[layer].weights[0, head]))

    def held() -> None:
        told = st.session_state[_KEY]["held"]
        st.session_state[LOCK], st.session_state[BLOCK] = told["lock"], told["block"]
        st.session_state[_TURN] = told["turn"]

    with framed(_KEY):
        _component(key=_KEY, data={**sent, "words": words()}, on_held_change=held)


def _held(trace: TextTrace, query: int) -> dict[str, Any]:
    """What the link has locked and enlarged; a pair is let go of where the sentence or the row is another."""
    T, shown = len(trace.tokens), (trace.text, trace.pair, query)
    before = st.session_state.get(LOCK)
    lock = url_state.put(LOCK, NOTHING, _pair)
    left_over = lock == before and st.session_state.get(_SHOWN) != shown
    if left_over or (lock != NOTHING and any(int(place) >= T for place in lock.split("-"))):
        st.session_state[LOCK] = lock = NOTHING
    st.session_state[_SHOWN] = shown
    block = url_state.put_choice(BLOCK, (NOTHING, *BLOCKS))
    return {"lock": lock, "block": block, "turn": st.session_state.get(_TURN, 0)}


def _pair(raw: str) -> str:
    if raw != NOTHING and not _CELL.fullmatch(raw):
        raise ValueError(f"{raw[:80]!r} is no pair of tokens")
    return raw


def words(say: Callable[[str], str] = t) -> dict[str, str]:
    """Every word in the diagram, by its key in the catalogue without the first part."""
    names = {f"blocks.{name}": say(f"overview.blocks.{name}") for name in BLOCKS}
    return names | {name: say(f"overview.{name}") for name in _WORDS}


def payload(trace: TextTrace, layer: int, head: int, query: int, what_if: WhatIf = AS_TRAINED) -> dict[str, Any]:
    """What the component draws, without its words: ready for JSON, arrays as base64 of little-endian float32."""
    blocks = _blocks(trace, layer, head, what_if)
    limits: dict[str, float] = {"weight": 1.0}
    for block in blocks:
        if block.scale != "weight":
            limits[block.scale] = max(limits.get(block.scale, 0.0), largest(array(block.values)))
    attention = trace.layers[layer]
    T = len(trace.tokens)
    mask = what_if.attention_mask(T)
    return {
        "tokens": sentence.labels(trace),
        "hidden": sorted(trace.hidden),
        "query": query,
        "head": head,
        "heads": attention.query.shape[1],
        "divisor": f"√{attention.query.shape[-1]}" if what_if.scaled and divided_by_root(attention) else "",
        "temperature": f"{what_if.temperature:g}" if what_if.temperature != 1 else "",
        "gate": what_if.gate(layer, head),
        "mask": None if mask is None else packed(array(mask.float())),
        "trained": None,
        "lock": NOTHING,
        "block": NOTHING,
        "turn": 0,  # of the last report from the browser that this follows
        "blocks": {block.name: _sent(block, limits[block.scale]) for block in blocks},
        "scales": {"signed": SIGNED_SCALE, "weight": WEIGHT_SCALE},
        "colours": {**COLOURS, "frame": FRAME, "quiet": QUIET},
        "minus": MINUS,
    }


def _blocks(trace: TextTrace, layer: int, head: int, what_if: WhatIf) -> list[Block]:
    attention = trace.layers[layer]
    d = attention.query.shape[-1]
    scores = f"α = q·k / √{d}" if what_if.scaled else "α = q·k"
    if what_if.scaled and not divided_by_root(attention):
        scores = "α = c q·k + β"
    inside = "α" if what_if.temperature == 1 else f"α / {what_if.temperature:g}"
    gate = what_if.gate(layer, head)
    times = "" if gate == 1 else f"{gate:g} "
    return [
        Block("input", "a", "a = norm(h)", "embedding", attention.input[0], "input"),
        Block("query", "q", "q = W^q a", "query", attention.query[0, head], "match"),
        Block("key", "k", "k = W^k a", "key", attention.key[0, head], "match"),
        Block("value", "v", "v = W^v a", "value", attention.value[0, head], "content"),
        Block("raw", "q·k", "q^i · k^j", "score", unscaled_scores(attention)[0, head], "raw"),
        Block("scores", "α", scores, "score", attention.scores[0, head], "scores"),
        Block("weights", "α̃", f"α̃ = softmax({inside})", "weight", attention.weights[0, head], "weight"),
        Block("head", "b", f"b = {times}Σ α̃ v", "output", attention.head_outputs[0, head], "content"),
        Block("joined", "[b]", _joined(attention.query.shape[1]), "output", attention.concatenated[0], "content"),
        Block("output", "o", "o = W^O [b] + c", "output", attention.output[0], "output"),
    ]


def _joined(heads: int) -> str:
    between = " " if heads == 2 else " … "
    return "[b^1]" if heads == 1 else f"[b^1{between}b^{heads} ]"


def _sent(block: Block, limit: float) -> dict[str, Any]:
    values = array(block.values)
    weight = block.scale == "weight"
    return {
        "symbol": block.symbol,
        "formula": block.formula,
        "quantity": block.quantity,
        "scale": "weight" if weight else "signed",
        "limit": limit,
        "colours": "0 … 1" if weight else f"±{number(limit, 2)}",
        "range": range_text(values, 2),
        "shape": list(values.shape),
        "values": packed(values),
    }
