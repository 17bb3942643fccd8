"""The evaluation of the photo networks that ship, as their pages read it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from attention_core.analysis.familiarity import KnownThings, known_things
from attention_core.errors import WeightsError
from attention_core.stories.photo_measured import Measured
from ui.inputs import networks


def measured_scores() -> dict[str, Any]:
    """The evaluation of the photo networks; empty in a clone whose networks have not been evaluated yet."""
    try:
        return networks.measured("vision")
    except FileNotFoundError:
        return {}


def things_of(build: str) -> KnownThings | None:
    """What a build knows, by the rule that was measured; None where none has been."""
    return _things(build) if "rule" in measured_scores().get("builds", {}).get(build, {}).get("unknown", {}) else None


@st.cache_resource(show_spinner=False)
def _things(build: str) -> KnownThings:
    return known_things(build)


def measured(build: str) -> Measured:
    """All that stories tell of a build beside its traces."""
    try:
        bands = networks.gate_bands(build)
    except (FileNotFoundError, WeightsError):  # a clone whose networks have not been evaluated yet, or others' weights
        bands = {}
    return Measured(build, measured_scores(), bands, things_of(build))
