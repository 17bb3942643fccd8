"""What the pages about photos share: the choice of a stage."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models.hub.vision import HubVisionTrace, StagedTrace
from attention_core.models.vision import StageTrace
from attention_core.stories.photo import stage_named
from ui.i18n import say, t
from ui.inputs.choices import choose
from ui.shell import url_state


def choose_stage(trace: StagedTrace, first: StageTrace | None = None) -> StageTrace:
    """The stage whose attention the steps follow; at first the last one, or `first`."""
    if isinstance(trace, HubVisionTrace):
        return _choose_place(trace, first or trace.stages[-1])
    stages = {stage.name: stage for stage in trace.stages}
    sizes = {name: tuple(stage.features.shape[1:]) for name, stage in stages.items()}
    return stages[choose_sized_stage(sizes, t("photo.stage_help"), first.name if first else None)]


def _choose_place(trace: HubVisionTrace, first: StageTrace) -> StageTrace:
    """One of the many modules of another library's network."""
    stages = {stage.name: stage for stage in trace.stages}
    labels = {
        name: f"{t('photo_network.place', number=number, name=name)} · {' × '.join(map(str, stage.features.shape[1:]))}"
        for number, (name, stage) in enumerate(stages.items(), start=1)
    }
    chosen = url_state.put_choice("stage", stages, first.name)
    mechanism = "CBAM" if isinstance(first.attention, CBAMTrace) else "SE"
    st.selectbox(
        t("words.stage"),
        [*stages],
        format_func=labels.__getitem__,
        key="stage",
        persist_state="session",
        help=t("photo_network.place_help", mechanism=mechanism),
    )
    return stages[chosen]


def choose_sized_stage(sizes: Mapping[str, tuple[int, ...]], note: str, first: str | None = None) -> str:
    """One of the stages, named with its size; at first the last one, or `first`. note: the help beside it."""
    return choose(
        "stage",
        sizes,
        label=t("words.stage"),
        name=lambda name: f"{say(stage_named(name))} · {' × '.join(map(str, sizes[name]))}",
        default=first or [*sizes][-1],
        note=note,
    )
