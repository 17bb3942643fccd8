"""The table of all heads, to sort and to choose from: one row a head, one column a measure, the baselines below."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import streamlit as st

from attention_core.analysis.head_atlas import MEASURES, HeadEntry, Measure, baselines
from attention_core.models.text import TextTrace
from attention_core.stories.head_atlas import (
    GAINS,
    IN_UNITS,
    LANGUAGES,
    columns,
    known,
    meaning,
    measure_name,
    numbers,
    relation,
    relation_name,
    stands_out,
)
from attention_core.stories.heads import Scores
from attention_core.words import Say
from ui.i18n import current_language, say, t
from ui.inputs import text_networks

KEY = "atlas"


def show(trace: TextTrace, entries: list[HeadEntry], selected: tuple[int, int], scores: Scores | None) -> None:
    """A click on a row chooses its head; its link opens that head on the sentence of `trace`. scores: of the network,
    where it has been measured."""
    _heads(trace, entries, selected, scores)
    if scores is not None:
        _baselines(scores)


def _heads(trace: TextTrace, entries: list[HeadEntry], selected: tuple[int, int], scores: Scores | None) -> None:
    places = [(entry.layer, entry.head) for entry in entries]
    st.session_state[KEY] = {"selection": {"rows": [places.index(selected)]}}

    def choose() -> None:
        rows = st.session_state[KEY]["selection"]["rows"]
        if rows:
            st.session_state["layer"], st.session_state["head"] = places[rows[0]]

    st.dataframe(
        {
            "head": [_link(trace, *place) for place in places],
            "role": [_said(stands_out(*place, scores)) for place in places],
            **numbers([entry.measures for entry in entries]),
            **{
                f"relation_{language}": [_said(relation(entry, language)) for entry in entries]
                for language in LANGUAGES
            },
        },
        column_config={
            "head": st.column_config.LinkColumn(
                t("words.head"), help=t("head_atlas.table.link"), display_text=r"#(.+)$", pinned=True, width=60
            ),
            "role": st.column_config.TextColumn(t("head_atlas.table.role"), width=260),
            **_measure_columns(scores is not None),
            **{
                f"relation_{language}": st.column_config.TextColumn(say(relation_name(language)), width=320)
                for language in LANGUAGES
            },
        },
        column_order=["head", *(["role"] if scores is not None else []), *columns(known(entries))],
        hide_index=True,
        height="content",
        placeholder="–",
        key=KEY,
        on_select=choose,
        selection_mode="single-row-required",
        alt=t("head_atlas.table.title"),
    )


def _baselines(scores: Scores) -> None:
    """The same columns for what does not attend."""
    found = baselines(scores)
    st.dataframe(
        {
            "baseline": [t(f"head_atlas.baselines.row_{name}") for name in found],
            **numbers(list(found.values())),
        },
        column_config={
            "baseline": st.column_config.TextColumn(t("head_atlas.baselines.title"), pinned=True, width=230),
            **_measure_columns(True),
        },
        column_order=["baseline", *(measure for measure in MEASURES if any(measure in row for row in found.values()))],
        hide_index=True,
        placeholder="–",
        key=f"{KEY}-baselines",
        alt=t("head_atlas.baselines.title"),
    )


def _measure_columns(shipped: bool) -> dict[str, Any]:
    return {measure: _measure_column(measure, shipped) for measure in MEASURES}


def _measure_column(measure: Measure, shipped: bool) -> Any:
    name, note = _said(measure_name(measure, shipped=shipped)), _said(meaning(measure, shipped=shipped))
    if measure in IN_UNITS or measure in GAINS:
        digits = {"distance": "%.1f", "entropy": "%.2f"}.get(measure, "%+.2f")
        return st.column_config.NumberColumn(name, help=note, format=digits, width=150)
    return st.column_config.ProgressColumn(name, help=note, format="%.0f%%", min_value=0, max_value=100, width=120)


def _link(trace: TextTrace, layer: int, head: int) -> str:
    """Relative, so that it holds wherever the app is served from; what stands behind # is what is shown."""
    state = {"layer": layer, "head": head, "s": trace.text, "p": trace.pair or "", "lang": current_language()}
    if not text_networks.current().shipped:
        state[text_networks.KEY] = text_networks.current().name
    return f"multi_head?{urlencode(state)}#{layer + 1}.{head + 1}"


def _said(words: Say | None) -> str | None:
    return None if words is None else say(words)
