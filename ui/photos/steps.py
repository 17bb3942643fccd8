"""What the pages about photos share: the choice of a stage, its feature maps, orders of bars, the prediction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

import numpy.typing as npt
import streamlit as st
from torch import Tensor

from attention_core.analysis.stages import most_active
from attention_core.figures import channel_bars, map_grid, probability_bars
from attention_core.figures.comparisons import points
from attention_core.figures.style import MapKind
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models import registry
from attention_core.models.hub.vision import HubVisionTrace, StagedTrace
from attention_core.models.vision import ClassifiedPhoto, StageTrace, VisionClass, VisionTrace
from attention_core.stories.arrays import array
from attention_core.words import plain
from ui.i18n import current_language, t
from ui.inputs.choices import choose
from ui.photos.answers import answer_of, answer_values, rule_in_words
from ui.photos.scores import find, measured_scores
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.steps import not_of_this_network, show, step

SHOWN_CHANNELS = 12
BUILD_NAMES = {"se": "SE", "cbam": "CBAM"}  # the same in every language
_OWN_STAGE = re.compile(r"stage\d+")
Order = Literal["index", "sorted", "top"]
ORDERS: tuple[Order, ...] = ("index", "sorted", "top")


def unbatched(tensor: Tensor) -> npt.NDArray[Any]:
    """The numbers of a tensor of batch size 1, without its batch."""
    return array(tensor[0])


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
        name=lambda name: f"{stage_name(name)} · {' × '.join(map(str, sizes[name]))}",
        default=first or [*sizes][-1],
        note=note,
    )


def stage_name(name: str) -> str:
    """ "stage2" in the page's language; the name of a module, which another library gave, as it is."""
    return t("photo.stage", number=name.removeprefix("stage")) if _OWN_STAGE.fullmatch(name) else name


def features_step(number: int, stage: StageTrace) -> None:
    """X → U: what the convolutions of the stage make of the photo."""
    features = unbatched(stage.features)
    C, H, W = features.shape
    shown = most_active(stage.features, SHOWN_CHANNELS)
    formula = (
        rf"U = \mathrm{{conv}}(X) \in \mathbb{{R}}^{{C \times H \times W}}"
        rf" = \mathbb{{R}}^{{{C} \times {H} \times {W}}}"
    )
    values = {"channels": C, "height": H, "width": W, "shown": len(shown), "stage": stage_name(stage.name)}
    kind = map_kind(stage.features)
    with step(number, "photo_network.features" if kind == "signed" else "photo.features", formula, **values):
        show(
            map_grid(
                [features[channel] for channel in shown],
                titles=[str(channel) for channel in shown],
                kind=kind,
                columns=6,
                value_name="U",
            ),
            "features",
            alt=t("photo.features.alt", shown=len(shown)),
        )


def map_kind(features: Tensor) -> MapKind:
    """The colours of feature maps: some networks have negative values in theirs."""
    return "signed" if bool((features < 0).any()) else "activation"


def choose_order(default: Order = "index") -> Order:
    """Of the bars of channel weights."""
    return choose(
        "order",
        ORDERS,
        label=t("photo.order"),
        name=lambda order: t(f"photo.orders.{order}"),
        default=default,
        note=t("photo.order_help"),
    )


@region("order")
def weights_figure(weights: Tensor, band: Tensor | None = None) -> None:
    """The channel weights, with the choice of their order.

    band: (3, C) quantiles of each over many photos, as `gate_life.band_of` gives them.
    """
    order = choose_order()
    show(
        channel_bars(
            unbatched(weights),
            order=order,
            band=None if band is None else (array(band[0]), array(band[2])),
            band_name=t("gate_life.band"),
            value_name=t("photo.weight"),
            channel_name=t("words.channel"),
            baseline=0.5,
        ),
        "channel-weights",
        alt=t("photo.weight"),
    )


def pair_of_bars(first: Tensor, second: Tensor, key: str, *, title: str, channel: str) -> None:
    """What the branch of the mean and the branch of the maximum give, side by side."""
    show(
        channel_bars(
            unbatched(first),
            second=unbatched(second),
            names=(t("photo.mean"), t("photo.maximum")),
            limits=None,
            title=title,
            channel_name=channel,
        ),
        key,
        alt=title,
    )


def bars(values: Tensor, key: str, *, title: str, channel: str) -> None:
    """One vector, a bar a number, in order."""
    show(channel_bars(unbatched(values), limits=None, title=title, channel_name=channel), key, alt=title)


def prediction_step(number: int, formula: str, trace: VisionTrace, build: str) -> None:
    """What the network says, or that it does not know; and how often it is right."""
    with step(number, "photo.prediction", formula):
        _answer(trace, build)
        best = trace.top(5)
        show(
            probability_bars(
                [f"{class_name(entry)} · {group_name(entry)}" for entry, _ in best],
                [value for _, value in best],
                value_name=t("words.probability"),
            ),
            "prediction",
            alt=t("photo.prediction.title"),
        )
        _trust(measured_scores(), build)


def foreign_prediction_step(number: int, trace: ClassifiedPhoto) -> None:
    """What a network of others says; it has not been measured here."""
    if not trace.classes:
        not_of_this_network(number, "photo_network.no_classes")
        return
    formula = r"p = \mathrm{softmax}(o)"
    with step(number, "photo_network.prediction", formula, classes=f"{len(trace.classes):,}"):
        best = trace.top(5)
        name = plain(class_name(best[0][0]))
        st.markdown(t("photo_network.prediction.known", name=name, probability=f"{best[0][1]:.0%}"))
        show(
            probability_bars(
                [class_name(entry) for entry, _ in best],
                [value for _, value in best],
                value_name=t("words.probability"),
            ),
            "prediction",
            alt=t("photo_network.prediction.title"),
        )


def _answer(trace: VisionTrace, build: str) -> None:
    first, _ = trace.top(1)[0]
    values = answer_values(trace, build)
    if (answer := answer_of(trace, build)) == "known":
        st.markdown(t("photo.prediction.known", name=class_name(first), group=group_name(first), **values))
    else:
        named = {"name": class_name(first), "group": group_name(first)}
        st.info(t(f"photo.prediction.{answer}", **named, **values), icon=":material/help:")


def mask_trust(stage: str) -> str | None:
    """How well the masks of a stage point at the thing, beside its baselines; None while it is not measured."""
    scores = measured_scores()
    paths = {
        "mask": (stage, "mask"),
        "features": (stage, "features"),
        "middle": ("centred_gaussian",),
    }
    found = {name: find(scores, "masks", *path, "pixel_auc", "value") for name, path in paths.items()}
    if None in found.values():
        return None
    return t("photo.mask_trust", **{name: f"{value:.2f}" for name, value in found.items()})


def mask_trusted() -> str | None:
    """On what `mask_trust` was measured; None while it is not."""
    photos = find(measured_scores(), "masks", "photos")
    return None if photos is None else t("photo.mask_trusted", photos=f"{photos:,.0f}")


def _trust(scores: dict[str, Any], build: str) -> None:
    top1, top5 = (find(scores, "builds", build, name, "value") for name in ("class_top1", "class_top5"))
    photos = find(scores, "builds", build, "photos")
    if top1 is None or top5 is None or photos is None:
        return
    line = t("photo.trust", photos=f"{photos:,.0f}", top1=f"{top1:.1%}", top5=f"{top5:.1%}")
    plain = find(scores, "builds", "plain", "class_top1", "value")
    gain, error = (find(scores, "minus_plain", build, name) for name in ("value", "standard_error"))
    if plain is not None and gain is not None and error is not None:
        line += " " + t(
            "photo.against_plain",
            plain=f"{plain:.1%}",
            gain=points(gain),
            error=f"{100 * error:.1f}",
        )
    st.caption(" ".join(filter(None, [line, rule_in_words(build)])))


def class_name(entry: VisionClass) -> str:
    """What a class is called in the page's language; in English where nobody has said it in Chinese."""
    if current_language() != "zh":
        return entry.en
    if entry.zh != entry.en:
        return entry.zh
    words = entry.en.lower().split(", ")  # some libraries name all synonyms
    return next((_in_chinese()[word] for word in words if word in _in_chinese()), entry.en)


@cache
def _in_chinese() -> dict[str, str]:
    return {entry.en.lower(): entry.zh for entry in registry.vision_classes()}


_groups = cache(registry.vision_groups)


def group_name(entry: VisionClass) -> str:
    """Its kind, such as "dog", in the page's language."""
    return _groups()[entry.group][current_language()]
