"""Attention through all layers, and the test of it: what hiding each token does."""

from __future__ import annotations

import math

import streamlit as st
from torch import Tensor

from attention_core.analysis.blank_out import BlankOut, agreement, blank_out
from attention_core.analysis.rollout import attention_rollout, mean_over_heads
from attention_core.analysis.units import Unit, read_unit
from attention_core.figures import matrix
from attention_core.figures.style import MapKind
from attention_core.models.text import TextTrace
from attention_core.stories.arrays import array
from ui.i18n import t
from ui.inputs import grouping, networks, sentence, text_networks
from ui.inputs.text_networks import TextNetwork
from ui.shell import url_state
from ui.shell.regions import region
from ui.shell.turns import in_turn, working
from ui.stage.steps import not_of_this_network, show, step

AT_ONCE, MOST_HIDDEN = 48, 128  # tokens: hidden in turn without being asked; at all
FEW = 8  # other tokens: a rank correlation over fewer is often high by chance
_FORMULA = (
    r"\begin{aligned} R_l &= \left(\tfrac{1}{2}\,\overline{W}_l + \tfrac{1}{2}\,I\right) R_{l-1} \\"
    r" R_0 &= I, \quad \overline{W}_l = \tfrac{1}{H_l} \textstyle\sum_h W_{l,h} \end{aligned}"
)


def passed_on(number: int, trace: TextTrace, query: int) -> None:
    """Step `number`: the last layer's weights beside the rollout of all layers."""
    means = mean_over_heads(trace)
    rolled = attention_rollout(means, len(trace.tokens))[-1]
    unit = grouping.unit(trace)
    row = unit.row(query)
    passed = unit.weights(rolled)[row]
    others = passed.clone()
    others[row] = -1.0
    strongest = int(others.argmax())
    words = {"query": unit.names[row], "key": unit.names[strongest]}
    shares = {"own": f"{passed[row].item():.0%}", "share": f"{passed[strongest].item():.0%}"}
    with step(number, "rollout.passed_on", _FORMULA, **words, **shares):
        left, right = st.columns(2)
        with left:
            _matrix(unit, means[-1], row, "rollout-raw", t("rollout.passed_on.raw", layer=len(means)))
        with right:
            _matrix(unit, rolled, row, "rollout", t("rollout.passed_on.rolled", layers=len(means)))
        st.caption(t("rollout.passed_on.caveat"))


@region("hide")
def hidden_in_turn(number: int, trace: TextTrace, query: int) -> None:
    """Step `number`: the effect of hiding each token, and how well raw weights and rollout foretell it."""
    network = text_networks.current()
    if network.mask is None:
        not_of_this_network(number, "network.no_hiding")
        return
    with step(number, "rollout.hidden", r"E_{i,j} = \frac{\lVert h^i - h^i_{\setminus j} \rVert}{\lVert h^i \rVert}"):
        if not _wanted(trace):
            return
        with working():
            effect = _effect(trace.text, trace.pair, network.key, network, networks.text_trace(trace.text, trace.pair))
        left, right = st.columns(2)
        with left:
            _matrix(
                read_unit(trace, text_networks.mask_name()),
                effect.change,
                query,
                "rollout-effect",
                t("rollout.hidden.figure"),
                "activation",
                "rollout.effect",
            )
        with right:
            _correlations(trace, effect, query)


def _wanted(trace: TextTrace) -> bool:
    count = sum(not token.special for token in trace.tokens)
    if count < 3:
        st.info(t("rollout.hidden.short"))
        return False
    if len(trace.tokens) > MOST_HIDDEN:
        st.info(t("rollout.hidden.long", limit=MOST_HIDDEN, count=len(trace.tokens)))
        return False
    if len(trace.tokens) <= AT_ONCE:
        return True
    url_state.put_choice("hide", (False, True))
    return st.toggle(t("rollout.hidden.ask", count=count), key="hide", help=t("rollout.hidden.ask_help"))


@st.cache_resource(max_entries=128, show_spinner=False)
@in_turn
def _effect(text: str, pair: str | None, key: str, _network: TextNetwork, _trace: TextTrace) -> BlankOut:
    """Shared between sessions, so never written to. key: of the network."""
    return blank_out(_network.model, _trace)


def _correlations(trace: TextTrace, effect: BlankOut, query: int) -> None:
    """For each layer: Spearman's ρ of its weights, and of the rollout up to it, with the effect of hiding."""
    means = mean_over_heads(trace)
    rolled = attention_rollout(means, len(trace.tokens))[1:]
    found = {"raw": [agreement(w, effect) for w in means], "rolled": [agreement(w, effect) for w in rolled]}
    rows = {f"{name}_mean": [_number(rho.nanmean()) for rho in layers] for name, layers in found.items()}
    raw, last = rows["raw_mean"][-1], rows["rolled_mean"][-1]
    if query in effect.hidden:
        at = effect.hidden.index(query)
        rows |= {f"{name}_query": [_number(rho[at]) for rho in layers] for name, layers in found.items()}
    name = sentence.names(trace)[query]
    st.markdown(t("rollout.hidden.table"))
    st.dataframe(
        {
            "": [t(f"rollout.hidden.{row}", query=name) for row in rows],
            **{str(layer + 1): [row[layer] for row in rows.values()] for layer in range(len(means))},
        },
        column_config={
            str(layer + 1): st.column_config.NumberColumn(
                t("rollout.hidden.layer", layer=layer + 1), format="%.2f", width=70
            )
            for layer in range(len(means))
        },
        hide_index=True,
        placeholder="–",
        key="rollout-correlations",
        alt=t("rollout.hidden.title"),
    )
    if raw is not None and last is not None:
        st.markdown(t("rollout.hidden.found", count=len(effect.hidden), raw=f"{raw:.2f}", rolled=f"{last:.2f}"))
    if len(effect.hidden) - 1 < FEW:
        st.caption(t("rollout.hidden.few", count=len(effect.hidden) - 1))


def _number(value: Tensor) -> float | None:
    number = value.item()
    return None if math.isnan(number) else number


def _matrix(
    unit: Unit,
    values: Tensor,
    row: int,
    key: str,
    title: str,
    kind: MapKind = "weight",
    value: str = "words.weight",
) -> None:
    show(
        matrix(
            array(unit.weights(values)),
            rows=unit.labels,
            columns=unit.labels,
            kind=kind,
            title=title,
            row_title=t("words.query"),
            column_title=t("words.key"),
            value_name=t(value),
            highlight_row=row,
            clickable=True,
        ),
        key,
        alt=title,
        on_click=grouping.follow_clicked_row(unit),
    )
