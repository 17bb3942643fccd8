"""The controls of the page on whether the mask matters, and the story that they choose."""

from __future__ import annotations

import streamlit as st

from attention_core.analysis.mask_trial import TRIED_KINDS, TriedKind, TriedMap, try_map
from attention_core.models.hub.patches import HubPatchModel
from attention_core.models.hub.vision import HubVisionModel, StagedTrace
from attention_core.models.vision import VisionModel
from attention_core.stories.mask_trial import mask_trial_story
from attention_core.stories.story import Story
from ui.i18n import t
from ui.inputs import networks
from ui.inputs.networks import Photo
from ui.inputs.photo import sharp_square
from ui.inputs.photo_networks import PhotoNetwork
from ui.photos.scores import measured_scores
from ui.photos.steps import choose_stage
from ui.shell.regions import region
from ui.shell.turns import in_turn, said
from ui.stage.story import draw


@region("stage")
def one_stage(network: PhotoNetwork, photo: Photo, trace: StagedTrace) -> tuple[Story, dict[TriedKind, TriedMap]]:
    """The choice of a stage, then the steps."""
    stage = choose_stage(trace)
    tried = _tried_maps(network, photo, stage.name)
    scores = measured_scores() if network.shipped else None
    story = mask_trial_story(trace, stage, tried, sharp_square(photo, trace), scores=scores)
    draw(story)
    return story, tried


def _tried_maps(network: PhotoNetwork, photo: Photo, stage: str) -> dict[TriedKind, TriedMap]:
    """All kinds of maps, tried one after the other under a progress bar; kept for whoever asks the same again."""
    bar = st.progress(0.0, text=t("mask_trial.working"))
    trace = networks.stage_trace(network, photo)
    assert not isinstance(network.model, HubPatchModel)
    tried: dict[TriedKind, TriedMap] = {}
    for done, kind in enumerate(TRIED_KINDS):
        bar.progress(done / len(TRIED_KINDS), text=said("mask_trial.trying", kind=t(f"mask_trial.kinds.{kind}")))
        tried[kind] = _tried(photo.digest, stage, kind, network.key, network.model, trace)
    bar.empty()
    return tried


@st.cache_resource(max_entries=256, show_spinner=False)
@in_turn
def _tried(
    digest: str, stage: str, kind: TriedKind, key: str, _model: VisionModel | HubVisionModel, _trace: StagedTrace
) -> TriedMap:
    return try_map(_model, _trace, stage, kind)
