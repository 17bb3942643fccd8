"""The controls and steps of the page on excitation profiles."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import streamlit as st
from torch import Tensor

from attention_core.analysis.profiles import StageProfile, contrasting_classes, stage_profile
from attention_core.figures import COLOURS, STROKES, Curve, curves
from attention_core.models import registry
from attention_core.models.vision import StageTrace, VisionTrace
from attention_core.stories.arrays import array
from attention_core.stories.photo_measured import STILL
from attention_core.words import plain
from ui.i18n import joined, t
from ui.inputs.choices import choose
from ui.photos.scores import find, measured_scores
from ui.photos.steps import class_name, group_name, stage_name
from ui.shell import url_state
from ui.stage.steps import not_measured, show, step
from ui.stage.tables import show_table

Order = Literal["sorted", "index", "spread"]
ORDERS: tuple[Order, ...] = ("sorted", "index", "spread")
DIFFERING = 50  # channels, as many as the paper draws
CROWDED = 100  # channels from which lines are drawn thinner
MOSTLY, TWICE = 0.5, 2  # shares of the variance between classes: from which most is; and against chance
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


def named_class(trace: VisionTrace) -> int:
    """What the network takes the photo for, as an index."""
    predicted = int(trace.logits.argmax())
    [(entry, probability)] = trace.top(1)
    name = plain(f"{class_name(entry)} · {group_name(entry)}")
    st.markdown(t("profiles.named", name=name, probability=f"{probability:.0%}"))
    return predicted


def choose_classes(trace: VisionTrace, profiles: Tensor, predicted: int) -> list[int]:
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
        sorted(others, key=lambda number: group_name(trace.classes[number])),
        format_func=lambda number: f"{class_name(trace.classes[number])} · {group_name(trace.classes[number])}",
        key="profile-classes",
        max_selections=MOST,
        on_change=keep,
        placeholder=t("profiles.choose"),
        help=t("profiles.classes_help", count=COMPARED),
    )
    return shown


def choose_order() -> Order:
    """Of the channels along the axis."""
    return choose(
        "by",
        ORDERS,
        label=t("profiles.order"),
        name=lambda order: t(f"profiles.orders.{order}"),
        note=t("profiles.order_help"),
    )


def stage_step(number: int, build: str, stage: StageTrace, means: Tensor, chosen: list[int], order: Order) -> None:
    """One stage: the mean over all classes, the chosen classes, and the photo."""
    profile = stage_profile(means, stage)
    classes = registry.vision_classes()
    values: dict[str, Any] = {
        "stage": stage_name(stage.name),
        "channels": len(profile.photo),
        "nearest": class_name(classes[profile.nearest]),
        "rank": profile.rank(chosen[0]),
        "count": len(classes),
        "predicted": class_name(classes[chosen[0]]),
    }
    with step(number, "profiles.stage", None, **values):
        st.markdown(_verdict(build, profile, stage.name))
        show(_figure(profile, chosen, order, values["stage"]), f"profile-{stage.name}", alt=_spoken(values, chosen))


def _verdict(build: str, profile: StageProfile, stage: str) -> str:
    """How much the gates differ at all, then how much of that is the class, in a line."""
    names = ("spread", "class_share", "chance")
    spread, share, chance = (find(measured_scores(), "profiles", build, stage, name) for name in names)
    classes = f"{profile.spread.mean().item():.3f}"
    if spread is None or share is None or chance is None:
        return t("profiles.verdict.unmeasured", classes=classes)
    if spread < STILL:
        kind = "still"
    else:
        kind = "class" if share >= MOSTLY else "photo" if share >= TWICE * chance else "neither"
    values = {"spread": f"{spread:.3f}", "classes": classes, "share": f"{share:.0%}", "chance": f"{chance:.0%}"}
    return f"{t(f'profiles.verdict.{kind}')} {t('profiles.verdict.numbers', **values)}"


def _figure(profile: StageProfile, chosen: list[int], order: Order, title: str) -> Any:
    mean = array(profile.mean)
    channels = _channels(profile, order)
    thin = len(channels) > CROWDED
    names = [class_name(entry) for entry in registry.vision_classes()]
    lines = [Curve(t("profiles.mean"), mean[channels], width=4 if thin else 5)]
    lines += [
        Curve(
            names[number], array(profile.classes[number])[channels], colour=colour, dash=dash, width=1.3 if thin else 2
        )
        for number, (colour, dash) in zip(chosen, STROKES, strict=False)
    ]
    lines.append(
        Curve(t("profiles.photo"), array(profile.photo)[channels], colour=COLOURS["channel"], width=1, markers=True)
    )
    return curves(
        np.arange(len(channels)),
        lines,
        title=title,
        x_name=t(f"profiles.axis.{order}"),
        value_name=t("words.gate"),
        labels=[str(channel) for channel in channels],
        hover_name=t("words.channel"),
    )


def _channels(profile: StageProfile, order: Order) -> npt.NDArray[np.intp]:
    """Which channels are drawn, and in what order."""
    falling = np.argsort(-array(profile.mean), kind="stable")
    if order == "index":
        return np.arange(len(falling))
    if order == "spread":
        most = np.argsort(-array(profile.spread), kind="stable")[:DIFFERING]
        return falling[np.isin(falling, most)]
    return falling


def _spoken(values: dict[str, Any], chosen: list[int]) -> str:
    names = [class_name(registry.vision_classes()[number]) for number in chosen]
    return t("profiles.alt", stage=values["stage"], classes=joined("words.comma", names))


def shares_step(number: int, build: str) -> None:
    """How far the gates of each stage depend on the class: both builds, and what chance gives."""
    measured = {name: measured_scores().get("profiles", {}).get(name) for name in registry.PROFILED}
    if not all(measured.values()):
        not_measured(number, "profiles.shares.missing")
        return
    stages = list(measured[build])
    first, last = (measured[build][stage]["class_share"] for stage in (stages[0], stages[-1]))
    values = {
        "first": f"{first:.0%}",
        "last": f"{last:.0%}",
        "build": t(f"profiles.builds.{build}"),
        "trend": t("profiles.shares.rises" if last > first else "profiles.shares.falls"),
    }
    formula = (
        r"\frac{\text{" + t("profiles.shares.between") + r"}}{\text{" + t("profiles.shares.total") + r"}} ="
        r" \frac{\sum_c \sum_k n_k (\bar s_{k,c} - \bar s_c)^2}{\sum_c \sum_n (s_{n,c} - \bar s_c)^2}"
    )
    with step(number, "profiles.shares", formula, **values):
        show_table(
            "shares-table",
            [t("words.stage"), *(t(f"profiles.builds.{name}") for name in measured), t("profiles.shares.chance")],
            [
                [
                    stage_name(stage),
                    *(f"{scores[stage]['class_share']:.1%}" for scores in measured.values() if scores),
                    f"{measured[build][stage]['chance']:.1%}",
                ]
                for stage in stages
            ],
        )


def _listed(raw: str, numbers: dict[str, int]) -> str:
    if raw in (AUTO, NONE):
        return raw
    wnids = raw.split(",")
    if len(set(wnids)) != len(wnids) or len(wnids) > MOST or not set(wnids) <= numbers.keys():
        raise ValueError(raw)
    return raw
