"""What the network guesses for a hidden token, and what the right answer loses without each head."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape
from typing import Any

import streamlit as st

from attention_core.analysis.importance import HeadImportance, head_importance
from attention_core.figures import probability_bars
from attention_core.models.text import TextTrace
from attention_core.stories.arrays import array
from attention_core.words import plain
from ui.i18n import t
from ui.inputs import sentence, text_networks
from ui.inputs.text_networks import TextNetwork
from ui.shell import url_state
from ui.shell.turns import in_turn, working
from ui.stage.steps import not_of_this_network, show, step
from ui.text.attention_pictures import show_head_map

FEW = 64  # tokens, for which the network that ships needs no turn
LEAST_DROP = 0.01  # nats: below it, no head is called missed


def importance_step(
    number: int, trace: TextTrace, query: int, layer: int, head: int, on_click: Callable[[dict[str, Any]], None]
) -> None:
    """Step `number` of a page: the guess at token `query` of the sentence, then the map of all heads.

    layer, head: the enlarged one, framed in the map; on_click: what a click on a cell does, given a point whose
    `customdata` is [layer, head].
    """
    network = text_networks.current()
    if network.predicts != "hidden" or network.mask is None:
        not_of_this_network(number, "network.no_importance")
        return
    with step(number, "head_importance", _formula()):
        name = sentence.names(trace)[query]
        if trace.tokens[query].special:
            st.info(t("head_importance.special", query=plain(name)))
            return
        if trace.tokens[query].unknown:
            st.info(t("head_importance.unknown", query=plain(name)))
            return
        if not _wanted(network):
            return
        with working():
            # Nobody waits with a sentence behind what takes others long.
            computed = _importance if network.shipped and len(trace.tokens) <= FEW else _long_importance
            importance = computed(trace.text, trace.pair, query, network.key, network)
        left, right = st.columns(2)
        with left:
            _guess(importance, name)
        with right:
            _map(importance, (layer, head), on_click)
        _costliest(importance)


def _wanted(network: TextNetwork) -> bool:
    """Whether to compute it: a network of others takes a pass a head, so it asks first."""
    if network.shipped:
        return True
    url_state.put_choice("without", (False, True))
    return st.toggle(t("network.ask_importance", count=sum(network.heads)), key="without")


@st.cache_resource(max_entries=256, show_spinner=False)
def _importance(text: str, pair: str | None, position: int, key: str, _network: TextNetwork) -> HeadImportance:
    """Shared between sessions, so never written to. key: of the network."""
    return head_importance(_network.model, text, pair, position)


@st.cache_resource(max_entries=256, show_spinner=False)
@in_turn
def _long_importance(text: str, pair: str | None, position: int, key: str, _network: TextNetwork) -> HeadImportance:
    """The same where it takes longer than everything else about a page."""
    return head_importance(_network.model, text, pair, position)


def _formula() -> str:
    answer = r"\log p(x_i \mid \text{{{condition}}})"
    everything = answer.format(condition=t("head_importance.all_heads"))
    missing = answer.format(condition=t("head_importance.without", layer=r"} l \text{", head=r"} h \text{"))
    return rf"\begin{{aligned}} \Delta_{{l,h}} = {{}} & {everything} \\ & {{}} - {missing} \end{{aligned}}"


def _guess(importance: HeadImportance, name: str) -> None:
    words = [word for word, _ in importance.predictions]
    listed = importance.token in words
    show(
        probability_bars(
            words,
            [probability for _, probability in importance.predictions],
            title=t("head_importance.guess", query=escape(name)),
            value_name=t("words.probability"),
            highlight=words.index(importance.token) if listed else None,
        ),
        "importance-guess",
        alt=t("head_importance.guess", query=name),
    )
    token = plain(importance.token)
    if listed:
        st.caption(t("head_importance.answer", token=token))
    else:
        probability = _percent(importance.log_probability)
        st.caption(t("head_importance.elsewhere", token=token, rank=importance.rank, probability=probability))


def _map(importance: HeadImportance, selected: tuple[int, int], on_click: Callable[[dict[str, Any]], None]) -> None:
    show_head_map(
        [array(layer) for layer in importance.drops],
        "importance-map",
        title=t("head_importance.map"),
        value_name=t("head_importance.drop"),
        selected=selected,
        on_click=on_click,
    )


def _costliest(importance: HeadImportance) -> None:
    layer, head = importance.costliest()
    drop = importance.drops[layer][head].item()
    token, before = plain(importance.token), _percent(importance.log_probability)
    if drop < LEAST_DROP:
        st.markdown(t("head_importance.none_missed", token=token, before=before))
        return
    after = _percent(importance.without[layer][head].item())
    st.markdown(
        t(
            "head_importance.costliest",
            layer=layer + 1,
            head=head + 1,
            token=token,
            before=before,
            after=after,
            drop=f"{drop:.2f}",
        )
    )


def _percent(log_probability: float) -> str:
    """A probability as a percentage with a digit that is not 0, however small: 45.3%, 0.02%, 0.0004%."""
    percent = 100 * math.exp(log_probability)
    digits = 1 if percent >= 0.1 else min(8, math.ceil(-math.log10(percent)))
    return f"{percent:.{digits}f}%"
