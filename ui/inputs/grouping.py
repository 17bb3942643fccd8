"""The switch between tokens and words, which several pages have, and attention as it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
from torch import Tensor

from attention_core.analysis.words import Word, single_tokens, word_weights, words
from attention_core.models.text import TextTrace
from attention_core.models.tokenization import numbered
from ui.i18n import t
from ui.inputs import text_networks
from ui.inputs.choices import choose
from ui.shell import url_state

KEY = "unit"
UNITS = ("tokens", "words")


@dataclass(frozen=True)
class Unit:
    """What a row of the weights stands for: each of `words`, which may be single tokens."""

    words: list[Word]

    @property
    def labels(self) -> list[str]:
        """What stands on the axes."""
        return [word.text for word in self.words]

    @property
    def names(self) -> list[str]:
        """What they are called in sentences: equal ones carry their places."""
        return numbered(self.labels)

    def row(self, token: int) -> int:
        """The row that a token is in."""
        return next(row for row, word in enumerate(self.words) if token in word.tokens)

    def weights(self, weights: Tensor) -> Tensor:
        """(…, T, T) → (…, W, W)."""
        return word_weights(weights, self.words)

    def looks(self, weights: Tensor, query: int) -> dict[str, str]:
        """In words: where the row of a token looks most. weights: (T, T) of one head."""
        row = self.row(query)
        shares = self.weights(weights)[row]
        most = int(shares.argmax())
        return {"query": self.names[row], "key": self.names[most], "share": f"{shares[most].item():.0%}"}

    def follow_clicked_row(self) -> Callable[[dict[str, Any]], None]:
        """What a click on a matrix of these rows does: the first token of its row becomes the query."""

        def chosen(point: dict[str, Any]) -> None:
            st.session_state["q"] = self.words[point["point_index"] // len(self.words)].tokens[0]

        return chosen


def bind(default: str = "tokens") -> None:
    """Takes the choice from the link, for what comes before the switch itself."""
    url_state.follow(**{KEY: default})
    url_state.put_choice(KEY, UNITS, default)


def choose_unit(default: str = "tokens") -> None:
    """Draws the switch."""
    bind(default)
    choose(
        KEY,
        UNITS,
        label=t("grouping.unit"),
        name=lambda unit: t(f"grouping.units.{unit}"),
        default=default,
        note=t("grouping.help"),
    )


def grouped(trace: TextTrace) -> list[Word]:
    """The tokens of a trace, each by itself or joined to words, as the switch stands."""
    return words(trace) if st.session_state.get(KEY) == "words" else single_tokens(trace)


def unit(trace: TextTrace) -> Unit:
    """How the weights of a trace are shown, as the switch stands."""
    return Unit(_read(grouped(trace), trace))


def by_token(trace: TextTrace) -> Unit:
    """The same token by token, for what has no sum over the tokens of a word."""
    return Unit(_read(single_tokens(trace), trace))


def _read(words: list[Word], trace: TextTrace) -> list[Word]:
    """What is hidden is called as the network reads it."""
    mask = text_networks.mask_name()
    return [replace(word, text=mask) if trace.hidden.issuperset(word.tokens) else word for word in words]
