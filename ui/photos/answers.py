"""How sure a network that ships is of its answer: by the likeliest class, and by how familiar the photo looks."""

from __future__ import annotations

import streamlit as st

from attention_core.analysis.familiarity import KnownThings, known_things
from attention_core.models.vision import VisionTrace
from attention_core.stories import photo_measured
from attention_core.stories.photo_measured import Answer
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


def answer_of(trace: VisionTrace, build: str) -> Answer:
    """As in `photo_measured`, of one of the builds that ship."""
    return photo_measured.answer_of(trace, things_of(build))


def answer_values(trace: VisionTrace, build: str) -> dict[str, str]:
    """The numbers of the answer's sentence."""
    things = things_of(build)
    found = {"probability": f"{trace.top(1)[0][1]:.0%}"}
    if things is not None:
        found |= {"threshold": f"{things.unsure_below:.0%}", "less": f"{things.less_familiar(trace):.0%}"}
    return found
