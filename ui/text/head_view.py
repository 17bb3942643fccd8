"""Tokens left and right with links between them, drawn and followed in the browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from torch import Tensor

from attention_core.analysis.words import Word
from attention_core.figures import COLOURS
from attention_core.models.tokenization import numbered
from attention_core.stories.arrays import array
from ui.i18n import t
from ui.shell.component import component
from ui.shell.wire import packed
from ui.stage.steps import framed

# One hue a head, searched for: 3:1 on the dark ground, 2.6:1 on white, and as far apart as eight can be for normal,
# red-blind and green-blind eyes. The first ones are the furthest apart.
HUES = ("#f68006", "#7286fd", "#067259", "#b03a0f", "#24b1b8", "#870efe", "#62b06d", "#3a659e")
_TEXTS = ("queries", "keys", "heads", "hint", "heaviest", "looks", "looked", "nothing", "unlock")
_component = component("head_view")


@dataclass(frozen=True)
class HeadLinks:
    """What is drawn of one head: nothing while it is off. number: counted from 0; fixed: it cannot be switched off."""

    number: int
    on: bool
    fixed: bool
    weights: Tensor  # (T, T)
    taken: Tensor  # bool (T, T), the links that are drawn


def head_view(
    key: str,
    tokens: Sequence[Word],
    queries: Sequence[int],
    keys: Sequence[int],
    heads: Sequence[HeadLinks],
    on_heads: Callable[[list[int]], None],
) -> None:
    """The picture. queries, keys: which of the T `tokens` stand on the left and on the right.

    on_heads gets the numbers of the heads that are switched on, without the fixed one, when somebody changes that.
    """

    def chosen() -> None:
        on_heads([int(number) for number in st.session_state[key]["heads"]])

    texts = [token.text.strip() or "␣" for token in tokens]
    with framed(key):
        _component(
            key=key,
            data={
                "tokens": [
                    {"text": text, "name": name, "special": token.special}
                    for token, text, name in zip(tokens, texts, numbered(texts), strict=True)
                ],
                "second": next((i for i, token in enumerate(tokens) if token.segment == 1), None),
                "queries": list(queries),
                "keys": list(keys),
                "heads": [_sent(head) for head in heads],
                "colours": {name: COLOURS[name] for name in ("query", "key")},
                "words": {name: t(f"head_view.component.{name}") for name in _TEXTS} | {"head": t("words.head")},
            },
            on_heads_change=chosen,
        )


def _sent(head: HeadLinks) -> dict[str, Any]:
    """A head as the browser reads it: its drawn links in three packed columns."""
    taken = array(head.taken & head.on)
    queries, keys = taken.nonzero()
    return {
        "number": head.number,
        "name": str(head.number + 1),
        "colour": HUES[head.number % len(HUES)],
        "on": head.on,
        "fixed": head.fixed,
        "queries": packed(queries, "<u2"),
        "keys": packed(keys, "<u2"),
        "weights": packed(array(head.weights)[queries, keys], "<f4"),
    }
