"""What the networks that ship know, by the rule that was measured."""

from __future__ import annotations

import streamlit as st

from attention_core.analysis.familiarity import KnownThings, known_things
from ui.inputs import networks


def things_of(build: str) -> KnownThings | None:
    """What a build knows; None where that has not been measured."""
    try:
        scores = networks.measured("vision")
    except FileNotFoundError:  # a clone whose networks have not been evaluated yet
        return None
    return _things(build) if "rule" in scores.get("builds", {}).get(build, {}).get("unknown", {}) else None


@st.cache_resource(show_spinner=False)
def _things(build: str) -> KnownThings:
    return known_things(build)
