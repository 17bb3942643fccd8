"""The controls of a vision transformer, and the story that they choose."""

from __future__ import annotations

import streamlit as st

from attention_core.models.hub.patches import PatchTrace
from attention_core.stories.photo import Pixels
from attention_core.stories.story import Story
from attention_core.stories.vision_transformer import Seer, vision_transformer_story
from ui.i18n import t
from ui.inputs.choices import choose, choose_number
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.story import draw

PATCH, LAYER, HEAD, SEER = "patch", "vit_layer", "vit_head", "seer"  # in the link
MOST_BUTTONS = 8  # that fit beside each other in half a page; beyond, a list


@region(LAYER, HEAD, PATCH, SEER)
def one_patch(trace: PatchTrace, square: Pixels) -> Story:
    """The choice of a layer and one of its heads, then the steps; the patch is chosen by clicking it."""
    left, right = st.columns(2)
    with left:
        layer = _choose_number(LAYER, len(trace.layers), len(trace.layers) - 1)
    with right:
        head = _choose_number(HEAD, trace.layers[layer].weights.shape[1], 0)
    rows, columns = trace.grid
    patch = url_state.put_choice(PATCH, range(rows * columns), rows // 2 * columns + columns // 2)
    seers: tuple[Seer, ...] = ("class", "patch") if trace.special else ("patch",)
    seer = url_state.put_choice(SEER, seers)
    story = vision_transformer_story(trace, square, layer=layer, head=head, patch=patch, seer=seer)

    def choose_seer() -> None:
        choose(
            SEER,
            seers,
            label=t("vision_transformer.seer"),
            name=lambda seer: t(f"vision_transformer.seers.{seer}"),
            note=t("vision_transformer.seer_help"),
        )

    draw(story, controls={"vision_transformer.heads": choose_seer})
    return story


def _choose_number(key: str, count: int, default: int) -> int:
    """A layer or a head, counted from 0; shown counted from 1."""
    label, note = t(f"vision_transformer.{key}"), t(f"vision_transformer.{key}_help")
    return choose_number(key, count, label=label, default=default, note=note, most_buttons=MOST_BUTTONS)
