"""What the heads of the trained network do, in words: their measured roles beside the baselines."""

from __future__ import annotations

import math

import streamlit as st

from attention_core.analysis.head_atlas import Measure, sentence_atlas
from attention_core.analysis.head_roles import HeadRole, head_roles, outstanding_heads, within_a_sentence
from attention_core.models.text import TextTrace
from ui.i18n import joined, t
from ui.inputs import networks, openings, text_networks

SHOWN = 8  # outstanding heads offered on a page
NAMED = 3  # roles named of one head
_SHARES: tuple[Measure, ...] = ("previous", "next", "same", "special", "other_language")


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
    role = next(iter(found), None) if pair else within_a_sentence(found)
    return (role.layer, role.head) if role else (0, 0)


def offer_outstanding() -> None:
    """A button for each of the heads that stand out; a click enlarges it. Nothing where no head has been measured."""
    if not text_networks.current().shipped:
        return
    st.caption(t("heads.outstanding"))
    with st.container(horizontal=True, gap="small", key="outstanding"):
        for number, role in enumerate(_outstanding()[:SHOWN]):
            label = f"**{role.layer + 1}.{role.head + 1}** {in_words(role)}"
            st.button(label, key=f"role-{number}", on_click=_open, args=(role,), width="content")


@st.cache_resource(show_spinner=False)
def _outstanding() -> tuple[HeadRole, ...]:
    """Of the network that ships, whose scores do not change."""
    return tuple(outstanding_heads(networks.measured("text")))


def _open(role: HeadRole) -> None:
    st.session_state["layer"], st.session_state["head"] = role.layer, role.head


def describe(trace: TextTrace, layer: int, head: int) -> None:
    """One line: what this head was measured to do, and what switching it off costs; else what it does in `trace`."""
    if not text_networks.current().shipped:
        _describe_here(trace, layer, head)
        return
    scores = networks.measured("text")
    roles = [in_words(role) for role in head_roles(scores, layer, head)[:NAMED]]
    listed = joined("heads.and", roles)
    line = t("heads.does", roles=listed) if roles else t("heads.nothing")
    loss = scores["heads"][layer][head].get("loss_increase")
    if loss is not None:
        line += " " + t("heads.loss", loss=f"{round(loss, 2) + 0.0:+.2f}")
    st.caption(line)


def _describe_here(trace: TextTrace, layer: int, head: int) -> None:
    """The same from this sentence alone, for a head that was never measured."""
    entry = next(entry for entry in sentence_atlas(trace) if (entry.layer, entry.head) == (layer, head))
    shares = {name: entry.measures[name] for name in _SHARES if not math.isnan(entry.measures[name])}
    listed = [t(f"network.share.{name}", share=f"{share:.0%}") for name, share in shares.items()]
    entropy, distance = entry.measures["entropy"], entry.measures["distance"]
    said = t("network.here", shares=joined("words.comma", listed), entropy=f"{entropy:.2f}", distance=f"{distance:.1f}")
    st.caption(said)


def in_words(role: HeadRole) -> str:
    """A role with its score and its baseline."""
    numbers = {"score": f"{role.score:.0%}", "baseline": f"{role.baseline:.0%}"}
    if role.kind != "relation":
        return t(f"heads.roles.{role.kind}", **numbers)
    return t(
        f"heads.roles.{role.direction}",
        relation=t(f"relations.{role.relation}"),
        language=t(f"heads.languages.{role.language}"),
        **numbers,
    )
