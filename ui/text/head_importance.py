"""Switching heads off one by one: a pass a head, so asked for where that takes long, and kept."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from attention_core.analysis.importance import HeadImportance, head_importance
from attention_core.stories.head_importance import Missed, wanted
from attention_core.stories.text import Followed
from ui.i18n import t
from ui.inputs import text_networks
from ui.inputs.text_networks import TextNetwork
from ui.shell import url_state
from ui.shell.turns import in_turn, working

KEY = "without"
FEW = 64  # tokens, for which the network that ships needs no turn


def missed(followed: Followed) -> Missed | None:
    """What the guess at the followed token loses without each head; None where there is no guess, or it is not asked
    for."""
    network, trace = text_networks.current(), followed.trace
    if not wanted(followed) or not (network.shipped or url_state.put_choice(KEY, (False, True))):
        return None
    with working():
        # Nobody waits with a sentence behind what takes others long.
        computed = _importance if network.shipped and len(trace.tokens) <= FEW else _long_importance
        return Missed(computed(trace.text, trace.pair, followed.query, network.key, network))


def asking(followed: Followed) -> Callable[[], None] | None:
    """Draws the switch that asks for it, where there is one: a network of others takes a pass a head."""
    network = text_networks.current()
    if network.shipped or not wanted(followed):
        return None

    def ask() -> None:
        st.toggle(t("network.ask_importance", count=sum(network.heads)), key=KEY)

    return ask


@st.cache_resource(max_entries=256, show_spinner=False)
def _importance(text: str, pair: str | None, position: int, key: str, _network: TextNetwork) -> HeadImportance:
    """Shared between sessions, so never written to. key: of the network."""
    return head_importance(_network.model, text, pair, position)


@st.cache_resource(max_entries=256, show_spinner=False)
@in_turn
def _long_importance(text: str, pair: str | None, position: int, key: str, _network: TextNetwork) -> HeadImportance:
    """The same where it takes longer than everything else about a page."""
    return head_importance(_network.model, text, pair, position)
