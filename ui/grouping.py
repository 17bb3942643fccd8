"""The switch between tokens and words, which several pages have."""

from __future__ import annotations

import streamlit as st

from attention_core.analysis.words import Word, single_tokens, words
from attention_core.models.text import TextTrace
from ui import url_state
from ui.i18n import t

UNITS = ("tokens", "words")


def choose_unit(default: str = "tokens") -> None:
    """Draws the switch."""
    url_state.put_choice("unit", UNITS, default)
    st.segmented_control(
        t("grouping.unit"),
        UNITS,
        format_func=lambda unit: t(f"grouping.units.{unit}"),
        key="unit",
        required=True,
        persist_state="session",
        help=t("grouping.help"),
    )


def grouped(trace: TextTrace) -> list[Word]:
    """The tokens of a trace, each by itself or joined to words, as the switch stands."""
    return words(trace) if st.session_state["unit"] == "words" else single_tokens(trace)
