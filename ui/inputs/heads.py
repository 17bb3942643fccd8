"""The heads that a page opens on and offers, and what they do in words."""

from __future__ import annotations

import streamlit as st

from attention_core.analysis.head_roles import HeadRole, outstanding_heads, within_a_sentence
from attention_core.models.text import TextTrace
from attention_core.stories.heads import Scores, does, role
from attention_core.stories.text import Followed, text_facts
from ui.i18n import say, t
from ui.inputs import grouping, networks, openings, text_networks
from ui.stage.story import markdown

SHOWN = 8  # outstanding heads offered on a page


def scores() -> Scores | None:
    """What was measured of the session's network; None for one that never was."""
    return networks.measured("text") if text_networks.current().shipped else None


def followed(trace: TextTrace, layer: int, head: int, query: int) -> Followed:
    """One head and token of a trace as trained, by tokens or words as the switch stands."""
    facts = text_facts(text_networks.current().model)
    return Followed(trace, None, layer, head, query, facts, words=grouping.grouped(trace))


def opening_head(trace: TextTrace | None = None) -> tuple[int, int]:
    """(layer, head) that a page opens on: for a sentence alone the one that was measured to show it best, or one that
    relates words; the best aligner for a pair, and where no sentence is given."""
    if not text_networks.current().shipped:
        return 0, 0
    pair = trace is None or trace.pair is not None
    measured = None if pair or trace is None else openings.shown(trace)
    if measured is not None:
        return measured.layer, measured.head
    found = _outstanding()
    best = next(iter(found), None) if pair else within_a_sentence(found)
    return (best.layer, best.head) if best else (0, 0)


def offer_outstanding() -> None:
    """A button for each of the heads that stand out; a click enlarges it. Nothing where no head has been measured."""
    if not text_networks.current().shipped:
        return
    st.caption(t("heads.outstanding"))
    with st.container(horizontal=True, gap="small", key="outstanding"):
        for number, found in enumerate(_outstanding()[:SHOWN]):
            label = f"**{found.layer + 1}.{found.head + 1}** {say(role(found))}"
            st.button(label, key=f"role-{number}", on_click=_open, args=(found,), width="content")


@st.cache_resource(show_spinner=False)
def _outstanding() -> tuple[HeadRole, ...]:
    """Of the network that ships, whose scores do not change."""
    return tuple(outstanding_heads(networks.measured("text")))


def _open(found: HeadRole) -> None:
    st.session_state["layer"], st.session_state["head"] = found.layer, found.head


def describe(trace: TextTrace, layer: int, head: int) -> None:
    """One line: what this head was measured to do, and what switching it off costs; else what it does in `trace`."""
    st.caption(markdown(does(trace, layer, head, scores())))
