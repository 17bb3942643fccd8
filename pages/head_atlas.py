"""What every head does, as it was measured, beside the user's sentence; then how attention passes on."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from attention_core.analysis.head_atlas import HeadEntry, Measure, head_atlas, sentence_atlas
from attention_core.figures.style import MapKind
from attention_core.models.text import TextTrace
from ui.i18n import current_language, t
from ui.inputs import grouping, heads, networks, sentence, text_networks
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.steps import step
from ui.take_along.export import text_export
from ui.text import head_table, rollout_steps
from ui.text.attention_pictures import show_all_heads, show_head_map, show_weights

PAGES = Path(__file__).resolve().parent
KINDS: dict[Measure, MapKind] = {
    "gain_en": "signed",
    "gain_zh": "signed",
    "loss_increase": "signed",
    "entropy": "activation",
    "distance": "activation",
}


def main() -> None:
    """Controls, then the steps."""
    st.title(t("head_atlas.title"))
    shipped = text_networks.current().shipped
    st.markdown(t("head_atlas.lead" if shipped else "network.atlas_lead"))
    trace = sentence.sentence_trace(example=2)
    if not shipped:
        st.info(t("network.atlas"), icon=":material/deployed_code:")
    entries = head_atlas(networks.measured("text")) if shipped else sentence_atlas(trace)
    layer, head, query = _one_head(trace, entries)
    text_export("head_atlas", trace, layer=layer, head=head, query=query)


@region("layer", "head", "q", "measure", "hide", grouping.KEY)
def _one_head(trace: TextTrace, entries: list[HeadEntry]) -> tuple[int, int, int]:
    layer, head = _chosen(entries)
    grouping.choose_unit()
    _map(trace, entries, layer, head)
    _table(trace, entries, layer, head)
    return layer, head, _followed(trace, layer, head)


def _chosen(entries: list[HeadEntry]) -> tuple[int, int]:
    """(layer, head), chosen in a picture or the table and kept in the link."""
    opening = heads.opening_head()
    url_state.follow(layer=opening[0], head=opening[1])
    layer = url_state.put_choice("layer", sorted({entry.layer for entry in entries}), opening[0])
    options = [entry.head for entry in entries if entry.layer == layer]
    return layer, url_state.put_choice("head", options, opening[1] if layer == opening[0] else 0)


@region("measure")
def _map(trace: TextTrace, entries: list[HeadEntry], layer: int, head: int) -> None:
    with step(1, "head_atlas.map"):
        known = head_table.known(entries)
        url_state.put_choice("measure", known)
        st.selectbox(
            t("head_atlas.map.measure"),
            known,
            format_func=head_table.measure_name,
            key="measure",
            persist_state="session",
            help=t("head_atlas.map.help"),
        )
        measure: Measure = st.session_state["measure"]
        st.markdown(t(f"head_atlas.meaning.{measure}"))
        left, right = st.columns(2)
        with left:
            _measured(entries, measure, (layer, head))
            st.caption(head_table.baseline_line(measure))
        with right:
            st.caption(t("head_atlas.map.sentence"))
            show_all_heads(
                trace,
                "atlas-heads",
                alt=t("head_atlas.map.sentence"),
                selected=(layer, head),
                on_click=sentence.choose_clicked_head,
            )


def _measured(entries: list[HeadEntry], measure: Measure, selected: tuple[int, int]) -> None:
    layers = [
        [entry.measures[measure] for entry in entries if entry.layer == row]
        for row in sorted({entry.layer for entry in entries})
    ]
    show_head_map(
        layers,
        "atlas-map",
        title=head_table.measure_name(measure),
        kind=KINDS.get(measure, "weight"),
        selected=selected,
        on_click=sentence.choose_clicked_head,
    )


def _table(trace: TextTrace, entries: list[HeadEntry], layer: int, head: int) -> None:
    with step(2, "head_atlas.table"):
        head_table.show_table(trace, entries, (layer, head))
        if text_networks.current().shipped:
            head_table.show_baselines()


@region("q")
def _followed(trace: TextTrace, layer: int, head: int) -> int:
    query = sentence.query_token(trace)
    _one(trace, layer, head, query)
    rollout_steps.passed_on(4, trace, query)
    rollout_steps.hidden_in_turn(5, trace, query)
    return query


def _one(trace: TextTrace, layer: int, head: int, query: int) -> None:
    words = grouping.unit(trace).looks(trace.layers[layer].weights[0, head], query)
    with step(3, "head_atlas.one", layer=layer + 1, head=head + 1, **words):
        heads.describe(trace, layer, head)
        show_weights(trace, layer, head, query, "atlas-weights")
        for name in ("multi_head", "self_attention"):
            st.page_link(
                PAGES / f"{name}.py",
                label=t(f"head_atlas.one.{name}"),
                icon=":material/arrow_forward:",
                query_params={"lang": current_language()},
            )


main()
