"""Hiding each token in turn: a pass a token, so asked for where a sentence is long, and kept."""

from __future__ import annotations

import streamlit as st

from attention_core.analysis.blank_out import BlankOut, blank_out
from attention_core.models.text import TextTrace
from attention_core.stories.rollout import AT_ONCE, Effects, hidden_in_turn, refusal
from attention_core.stories.story import Step
from attention_core.stories.text import Followed
from ui.i18n import t
from ui.inputs import networks, text_networks
from ui.inputs.text_networks import TextNetwork
from ui.shell import url_state
from ui.shell.regions import region
from ui.shell.turns import in_turn, working
from ui.stage.story import draw_step

KEY = "hide"


@region(KEY)
def hiding_step(number: int, followed: Followed) -> Step:
    """Step `number` of a page: what hiding each token does to the others."""
    asks = len(followed.trace.tokens) > AT_ONCE and refusal(followed.trace) is None and _hides()
    step = hidden_in_turn(followed, _effects(followed, asks))
    draw_step(step, number, control=(lambda: _ask(followed.trace)) if asks else None)
    return step


def _hides() -> bool:
    return text_networks.current().mask is not None


def _effects(followed: Followed, asks: bool) -> Effects | None:
    trace, network = followed.trace, text_networks.current()
    if not _hides() or refusal(trace) is not None or (asks and not url_state.put_choice(KEY, (False, True))):
        return None
    with working():
        shown = networks.text_trace(trace.text, trace.pair)
        return Effects(_effect(trace.text, trace.pair, network.key, network, shown))


def _ask(trace: TextTrace) -> None:
    count = sum(not token.special for token in trace.tokens)
    st.toggle(t("rollout.hidden.ask", count=count), key=KEY, help=t("rollout.hidden.ask_help"))


@st.cache_resource(max_entries=128, show_spinner=False)
@in_turn
def _effect(text: str, pair: str | None, key: str, _network: TextNetwork, _trace: TextTrace) -> BlankOut:
    """Shared between sessions, so never written to. key: of the network."""
    return blank_out(_network.model, _trace)
