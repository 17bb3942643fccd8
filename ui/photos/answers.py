"""How sure a network that ships is of its answer: by the likeliest class, and by how familiar the photo looks."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from attention_core.analysis.familiarity import KnownThings, known_things
from attention_core.models.vision import VisionTrace
from ui.i18n import t
from ui.photos.scores import find, measured_scores

Answer = Literal["known", "doubtful", "unsure", "strange"]


@st.cache_resource(show_spinner=False)
def _things(build: str) -> KnownThings:
    return known_things(build)


def answer_of(trace: VisionTrace, build: str) -> Answer:
    """Familiar and likely: "known"; likely alone: "doubtful"; familiar alone: "unsure"; neither: "strange".

    A likely name stands even where a photo looks unfamiliar: the rule was chosen on photos that come from another
    source than the test photos, and that alone makes them look so. "known" where no rule has been measured.
    """
    things = _measured(build)
    if things is None:
        return "known"
    if things.sure(trace):
        return "known" if things.knows(trace) else "doubtful"
    return "unsure" if things.knows(trace) else "strange"


def answer_values(trace: VisionTrace, build: str) -> dict[str, str]:
    """The numbers of the answer's sentence."""
    things = _measured(build)
    found = {"probability": f"{trace.top(1)[0][1]:.0%}"}
    if things is not None:
        found |= {"threshold": f"{things.unsure_below:.0%}", "less": f"{things.less_familiar(trace):.0%}"}
    return found


def rule_in_words(build: str) -> str | None:
    """How often the rule is right; None where it has not been measured."""
    scores = measured_scores()
    path = ("builds", build, "unknown")
    names = ("photos_outside", "either_outside", "either_right", "either_wrong")
    numbers = [find(scores, *path, name) for name in names]
    photos, outside, right, wrong = numbers
    if photos is None or outside is None or right is None or wrong is None:
        return None
    return t("photo.rule", photos=f"{photos:.0f}", outside=f"{outside:.0%}", right=f"{right:.0%}", wrong=f"{wrong:.0%}")


def _measured(build: str) -> KnownThings | None:
    return _things(build) if "rule" in measured_scores().get("builds", {}).get(build, {}).get("unknown", {}) else None
