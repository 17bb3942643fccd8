"""The controls of multi-head attention, and the story that they choose."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from torch import Tensor

from attention_core.analysis.heads import two_stage_maps
from attention_core.mechanisms.multi_head import MultiHeadSelfAttention
from attention_core.models.text import TextTrace
from attention_core.stories.multi_head import KEY, Limits, OwnMaps, all_heads, followed_steps, own_maps
from attention_core.stories.story import Step, Story
from ui.inputs import grouping, heads, sentence, text_networks
from ui.shell.regions import region
from ui.stage.story import draw, draw_step
from ui.text import head_importance, sinks


@region("layer", "head", "q", head_importance.KEY, sinks.KEY, grouping.KEY)
def all_and_one(trace: TextTrace) -> Story:
    """All heads, then one of them."""
    layer, head = sentence.layer_and_head(heads.opening_head())
    grouping.bind()
    found = sinks.chosen(trace)
    limits = found.limits()
    first = all_heads(heads.followed(trace, layer, head, 0), limits)

    def switches() -> None:
        grouping.choose_unit()
        sinks.choose(found)

    draw_step(first, 1, control=switches, below=heads.offer_outstanding)
    return _one(trace, layer, head, limits, first)


@region("q", head_importance.KEY)
def _one(trace: TextTrace, layer: int, head: int, limits: Limits | None, first: Step) -> Story:
    followed = heads.followed(trace, layer, head, sentence.query_token(trace))
    missed = head_importance.missed(followed)
    steps = followed_steps(followed, _maps(layer), scores=heads.scores(), missed=missed, limits=limits)
    asking = head_importance.asking(followed)
    story = Story(KEY, followed.focus, followed.facts, (first, *steps))
    draw(story, controls={} if asking is None else {"head_importance": asking}, skipped=1)
    return story


def _maps(layer: int) -> OwnMaps | None:
    """Of the session's network, where it keeps them as we do; what it takes to part them is kept."""
    network = text_networks.current()
    found = own_maps(network.model, layer)
    return None if found is None else replace(found, two_stage=_two_stages(network.name, layer, found.module))


@st.cache_resource(show_spinner=False, max_entries=64)
def _two_stages(network: str, layer: int, _module: MultiHeadSelfAttention) -> tuple[Tensor, Tensor]:
    return two_stage_maps(_module)
