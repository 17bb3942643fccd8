"""The overview: one layer and head from the tokens to the output, as one diagram that lives in the browser.

Python sends the numbers of a trace, their scales and the words; the component in components/overview/ draws them and
follows the pointer. All that comes back is what the link should say: which pair is locked, which block enlarged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import streamlit as st

from attention_core.figures import COLOURS, SIGNED_SCALE, WEIGHT_SCALE, range_text
from attention_core.figures.style import FRAME, MINUS, QUIET, largest, number
from attention_core.models.text import TextTrace
from attention_core.stories.arrays import array
from attention_core.stories.overview import BLOCKS, DiagramBlock, diagram
from attention_core.stories.text import Followed
from ui.i18n import t
from ui.inputs import sentence
from ui.shell import component, url_state
from ui.shell.regions import region
from ui.shell.wire import packed
from ui.stage.steps import framed

_SCRIPTS = ("numbers", "layout", "picture", "texts", "neuron", "overview")
LOCK, BLOCK, NOTHING = "lock", "block", "none"  # in the link
_KEY, _SHOWN = "overview", "_overview_shown"
_TURN = "_overview_turn"
_CELL = re.compile(r"[0-9]{1,3}-[0-9]{1,3}")
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


def script() -> str:
    """The component's JavaScript, a module with one default export."""
    return component.script("overview", _SCRIPTS)


def style() -> str:
    """The component's CSS."""
    return (component.FOLDER / "overview" / "overview.css").read_text(encoding="utf-8")


_component = component.component("overview", _SCRIPTS)


@region(LOCK, BLOCK)
def show(followed: Followed) -> None:
    """The diagram, beside the network as trained where something is changed; it opens on the row of the query."""
    sent = payload(followed) | _held(followed.trace, followed.query)

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


def payload(followed: Followed) -> dict[str, Any]:
    """What the component draws, without its words: ready for JSON, arrays as base64 of little-endian float32."""
    trace, attention, change = followed.trace, followed.attention, followed.change
    blocks = diagram(followed)
    limits: dict[str, float] = {"weight": 1.0}
    for block in blocks:
        if block.scale != "weight":
            limits[block.scale] = max(limits.get(block.scale, 0.0), largest(array(block.values)))
    before = followed.attention_before
    return {
        "tokens": sentence.labels(trace),
        "hidden": sorted(trace.hidden),
        "query": followed.query,
        "head": followed.head,
        "heads": attention.query.shape[1],
        "divisor": f"√{attention.query.shape[-1]}" if change.scaled and followed.facts["root"] else "",
        "temperature": f"{change.temperature:g}" if change.temperature != 1 else "",
        "gate": change.gate,
        "mask": None if change.mask is None else packed(array(change.mask.float())),
        "trained": None if before is None else packed(array(before.weights[0, followed.head])),
        "lock": NOTHING,
        "block": NOTHING,
        "turn": 0,  # of the last report from the browser that this follows
        "blocks": {block.name: _sent(block, limits[block.scale]) for block in blocks},
        "scales": {"signed": SIGNED_SCALE, "weight": WEIGHT_SCALE},
        "colours": {**COLOURS, "frame": FRAME, "quiet": QUIET},
        "minus": MINUS,
    }


def _sent(block: DiagramBlock, limit: float) -> dict[str, Any]:
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
