"""The controls of the page on excitation profiles, and the story that they choose."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from torch import Tensor

from attention_core.analysis.profiles import contrasting_classes
from attention_core.figures import STROKES
from attention_core.models import registry
from attention_core.models.vision import VisionTrace
from attention_core.stories.photo import group_named
from attention_core.stories.photo_prediction import of_group
from attention_core.stories.profiles import Order, profiles_story
from attention_core.stories.story import Story
from ui.i18n import say, t
from ui.inputs.choices import choose
from ui.photos.scores import measured_scores
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.story import draw

ORDERS: tuple[Order, ...] = ("sorted", "index", "spread")
AUTO, NONE = "auto", "none"  # in the link, instead of a list of classes
COMPARED, MOST = 3, len(STROKES) - 1  # classes beside the predicted one: by default, and at most


def choose_build() -> str:
    """Whose gates: those of SE, or of CBAM's channel attention."""
    return choose(
        "gates",
        registry.PROFILED,
        label=t("profiles.build"),
        name=lambda build: t(f"profiles.builds.{build}"),
        note=t("profiles.build_help"),
    )


@region("classes", "by")
def stages(build: str, trace: VisionTrace, means: Mapping[str, Tensor]) -> Story:
    """The choice of classes and of an order, then the steps."""
    beside = _choose_classes(trace, means[trace.stages[-1].name], int(trace.logits.argmax()))
    order = _choose_order()
    story = profiles_story(build, trace, means, beside=beside, order=order, scores=measured_scores())
    draw(story)
    return story


def _choose_classes(trace: VisionTrace, profiles: Tensor, predicted: int) -> list[int]:
    """The classes to compare with, as indices; by default those whose profiles of the last stage differ most.

    The link holds their WordNet ids, or that the choice is left to the page.
    """
    numbers = {entry.wnid: number for number, entry in enumerate(trace.classes)}
    asked = url_state.put("classes", AUTO, lambda raw: _listed(raw, numbers))
    if asked == AUTO:
        chosen = contrasting_classes(profiles, predicted, COMPARED)
    else:
        chosen = [numbers[wnid] for wnid in asked.split(",") if wnid in numbers]

    def keep() -> None:
        wnids = [trace.classes[number].wnid for number in st.session_state["profile-classes"]]
        st.session_state["classes"] = ",".join(wnids) or NONE

    others = [number for number in range(len(trace.classes)) if number != predicted]
    st.session_state["profile-classes"] = shown = [number for number in chosen if number != predicted]
    st.multiselect(
        t("profiles.classes"),
        sorted(others, key=lambda number: say(group_named(trace.classes[number]))),
        format_func=lambda number: say(of_group(trace.classes[number])),
        key="profile-classes",
        max_selections=MOST,
        on_change=keep,
        placeholder=t("profiles.choose"),
        help=t("profiles.classes_help", count=COMPARED),
    )
    return shown


def _choose_order() -> Order:
    """Of the channels along the axis."""
    return choose(
        "by",
        ORDERS,
        label=t("profiles.order"),
        name=lambda order: t(f"profiles.orders.{order}"),
        note=t("profiles.order_help"),
    )


def _listed(raw: str, numbers: dict[str, int]) -> str:
    if raw in (AUTO, NONE):
        return raw
    wnids = raw.split(",")
    if len(set(wnids)) != len(wnids) or len(wnids) > MOST or not set(wnids) <= numbers.keys():
        raise ValueError(raw)
    return raw
