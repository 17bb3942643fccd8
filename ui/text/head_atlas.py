"""The controls of the head atlas, and the story that they choose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from attention_core.analysis.head_atlas import HeadEntry, Measure
from attention_core.models.text import TextTrace
from attention_core.stories.head_atlas import KEY, all_by_measure, entries_of, known, measure_name, one, table
from attention_core.stories.rollout import passed_on
from attention_core.stories.story import Step, Story
from attention_core.stories.text import Followed
from ui.i18n import current_language, say, t
from ui.inputs import grouping, heads, sentence
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.story import draw_step
from ui.text import head_table, hidden_in_turn

PAGES = Path(__file__).resolve().parents[2] / "pages"


@region("layer", "head", "q", "measure", hidden_in_turn.KEY, grouping.KEY)
def every_head(trace: TextTrace) -> Story:
    """All heads by what was measured of them, then one of them, then all layers."""
    scores = heads.scores()
    entries = entries_of(trace, scores)
    layer, head = _chosen(entries)
    grouping.choose_unit()
    followed = heads.followed(trace, layer, head, 0)
    measured = _map(followed, entries)
    listed = table(followed, entries, scores)
    draw_step(listed, 2, instead=lambda: head_table.show(trace, entries, (layer, head), scores))
    return _one(trace, layer, head, (measured, listed))


def _chosen(entries: list[HeadEntry]) -> tuple[int, int]:
    """(layer, head), chosen in a picture or the table and kept in the link."""
    opening = heads.opening_head()
    url_state.follow(layer=opening[0], head=opening[1])
    layer = url_state.put_choice("layer", sorted({entry.layer for entry in entries}), opening[0])
    options = [entry.head for entry in entries if entry.layer == layer]
    return layer, url_state.put_choice("head", options, opening[1] if layer == opening[0] else 0)


@region("measure")
def _map(followed: Followed, entries: list[HeadEntry]) -> Step:
    scores, measures = heads.scores(), known(entries)
    measure: Measure = url_state.put_choice("measure", measures)
    step = all_by_measure(followed, entries, measure, scores)
    draw_step(step, 1, control=_choosing(measures, scores is not None))
    return step


def _choosing(measures: list[Measure], shipped: bool) -> Callable[[], None]:
    def choose() -> None:
        st.selectbox(
            t("head_atlas.map.measure"),
            measures,
            format_func=lambda measure: say(measure_name(measure, shipped=shipped)),
            key="measure",
            persist_state="session",
            help=t("head_atlas.map.help"),
        )

    return choose


@region("q")
def _one(trace: TextTrace, layer: int, head: int, before: tuple[Step, Step]) -> Story:
    followed = heads.followed(trace, layer, head, sentence.query_token(trace))
    enlarged, passed = one(followed, heads.scores()), passed_on(followed)
    draw_step(enlarged, 3, below=_links)
    draw_step(passed, 4)
    hidden = hidden_in_turn.hiding_step(5, followed)
    return Story(KEY, followed.focus, followed.facts, (*before, enlarged, passed, hidden))


def _links() -> None:
    for name in ("multi_head", "self_attention"):
        st.page_link(
            PAGES / f"{name}.py",
            label=t(f"head_atlas.one.{name}"),
            icon=":material/arrow_forward:",
            query_params={"lang": current_language()},
        )
