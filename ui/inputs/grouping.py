"""The switch between tokens and words, which several pages have, and attention as it stands."""

from __future__ import annotations

import streamlit as st

from attention_core.analysis.units import Unit, read_unit
from attention_core.analysis.words import Word, single_tokens, words
from attention_core.models.text import TextTrace
from ui.i18n import t
from ui.inputs import text_networks
from ui.inputs.choices import choose
from ui.shell import url_state

KEY = "unit"
UNITS = ("tokens", "words")


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
    return read_unit(trace, text_networks.mask_name(), grouped(trace))
