"""The switch between tokens and words, which several pages have."""

from __future__ import annotations

import streamlit as st

from attention_core.analysis.words import Word, single_tokens, words
from attention_core.models.text import TextTrace
from ui.choices import choose
from ui.i18n import t

UNITS = ("tokens", "words")


def choose_unit(default: str = "tokens") -> None:
    """Draws the switch."""
    choose(
        "unit",
        UNITS,
        label=t("grouping.unit"),
        name=lambda unit: t(f"grouping.units.{unit}"),
        default=default,
        note=t("grouping.help"),
    )


def grouped(trace: TextTrace) -> list[Word]:
    """The tokens of a trace, each by itself or joined to words, as the switch stands."""
    return words(trace) if st.session_state["unit"] == "words" else single_tokens(trace)
