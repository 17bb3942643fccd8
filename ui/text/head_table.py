"""The table of all heads: one row a head, one column a measure, the baselines below."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from attention_core.analysis.head_atlas import MEASURES, HeadEntry, Measure, baselines
from attention_core.analysis.head_roles import head_roles
from attention_core.models.text import TextTrace
from ui.i18n import current_language, joined, t
from ui.inputs import heads, networks, text_networks

KEY = "atlas"
GAINS: tuple[Measure, ...] = ("gain_en", "gain_zh")
IN_UNITS: tuple[Measure, ...] = ("entropy", "distance", "loss_increase")  # the others are shares


def known(entries: list[HeadEntry]) -> list[Measure]:
    """The measures that there are numbers of."""
    return [name for name in MEASURES if any(not math.isnan(entry.measures[name]) for entry in entries)]


def measure_name(measure: Measure) -> str:
    """As it stands over a column."""
    return t(f"head_atlas.measures.{measure}")


def baseline_line(measure: Measure) -> str:
    """One line: what a number of this measure is to be compared with."""
    if not text_networks.current().shipped:
        return t("network.no_baseline")
    known = [
        t(f"head_atlas.baselines.{name}", value=_written(measure, values[measure]))
        for name, values in baselines(networks.measured("text")).items()
        if measure in values
    ]
    if not known:
        return t("head_atlas.baselines.gain" if measure in GAINS else "head_atlas.baselines.none")
    listed = joined("heads.and", known)
    return t("head_atlas.baselines.line", listed=listed)


def show_table(trace: TextTrace, entries: list[HeadEntry], selected: tuple[int, int]) -> None:
    """A click on a row chooses its head; its link opens that head on the sentence of `trace`."""
    places = [(entry.layer, entry.head) for entry in entries]
    st.session_state[KEY] = {"selection": {"rows": [places.index(selected)]}}

    def choose() -> None:
        rows = st.session_state[KEY]["selection"]["rows"]
        if rows:
            st.session_state["layer"], st.session_state["head"] = places[rows[0]]

    st.dataframe(
        {
            "head": [_link(trace, *place) for place in places],
            "role": [_role(*place) for place in places],
            **_columns([entry.measures for entry in entries]),
            **{f"relation_{language}": [_relation(entry, language) for entry in entries] for language in ("en", "zh")},
        },
        column_config={
            "head": st.column_config.LinkColumn(
                t("words.head"), help=t("head_atlas.table.link"), display_text=r"#(.+)$", pinned=True, width=60
            ),
            "role": st.column_config.TextColumn(t("head_atlas.table.role"), width=260),
            **_measure_columns(),
            **{
                f"relation_{language}": st.column_config.TextColumn(
                    t("head_atlas.table.relation", language=t(f"heads.languages.{language}")), width=320
                )
                for language in ("en", "zh")
            },
        },
        column_order=["head", *(["role"] if text_networks.current().shipped else []), *_order(known(entries))],
        hide_index=True,
        height="content",
        placeholder="–",
        key=KEY,
        on_select=choose,
        selection_mode="single-row-required",
        alt=t("head_atlas.table.title"),
    )


def show_baselines() -> None:
    """The same columns for what does not attend."""
    found = baselines(networks.measured("text"))
    st.dataframe(
        {
            "baseline": [t(f"head_atlas.baselines.row_{name}") for name in found],
            **_columns(list(found.values())),
        },
        column_config={
            "baseline": st.column_config.TextColumn(t("head_atlas.baselines.title"), pinned=True, width=230),
            **_measure_columns(),
        },
        column_order=["baseline", *(measure for measure in MEASURES if any(measure in row for row in found.values()))],
        hide_index=True,
        placeholder="–",
        key=f"{KEY}-baselines",
        alt=t("head_atlas.baselines.title"),
    )


def _order(measures: list[Measure]) -> list[str]:
    """The measures, each gain followed by the relation that it is of."""
    order: list[str] = []
    for measure in measures:
        order.append(measure)
        if measure in GAINS:
            order.append(measure.replace("gain", "relation"))
    return order


def _columns(rows: list[dict[Measure, float]]) -> dict[str, list[float | None]]:
    """Numbers, so that sorting goes by size: shares in per cent, gains in percentage points."""
    return {
        measure: [
            None if math.isnan(value := row.get(measure, math.nan)) else value * (1 if measure in IN_UNITS else 100)
            for row in rows
        ]
        for measure in MEASURES
    }


def _measure_columns() -> dict[str, Any]:
    return {measure: _measure_column(measure) for measure in MEASURES}


def _measure_column(measure: Measure) -> Any:
    name, meaning = measure_name(measure), t(f"head_atlas.meaning.{measure}")
    if measure in IN_UNITS or measure in GAINS:
        digits = {"distance": "%.1f", "entropy": "%.2f"}.get(measure, "%+.2f")
        return st.column_config.NumberColumn(name, help=meaning, format=digits, width=150)
    return st.column_config.ProgressColumn(name, help=meaning, format="%.0f%%", min_value=0, max_value=100, width=120)


def _link(trace: TextTrace, layer: int, head: int) -> str:
    """Relative, so that it holds wherever the app is served from; what stands behind # is what is shown."""
    state = {"layer": layer, "head": head, "s": trace.text, "p": trace.pair or "", "lang": current_language()}
    if not text_networks.current().shipped:
        state[text_networks.KEY] = text_networks.current().name
    return f"multi_head?{urlencode(state)}#{layer + 1}.{head + 1}"


def _role(layer: int, head: int) -> str | None:
    if not text_networks.current().shipped:
        return None
    roles = head_roles(networks.measured("text"), layer, head)
    return heads.in_words(roles[0]) if roles else None


def _relation(entry: HeadEntry, language: str) -> str | None:
    role = entry.relations.get(language)
    return heads.in_words(role) if role else None


def _written(measure: Measure, value: float) -> str:
    if measure == "entropy":
        return t("head_atlas.units.nats", value=f"{value:.2f}")
    if measure == "distance":
        return t("head_atlas.units.tokens", value=f"{value:.1f}")
    return f"{value:.0%}"
