"""The steps of a what-if on a photo: each quantity as trained, with the change, and the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import streamlit as st
import torch
from torch import Tensor

from attention_core.analysis.photo_change import classes_beside, mean_map
from attention_core.analysis.stages import channel_weights
from attention_core.figures import channel_bars, mask_over_photo, probability_bars, range_text, spatial_map
from attention_core.figures.comparisons import points
from attention_core.figures.style import MapKind
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models.hub.vision import HubVisionTrace, StagedTrace
from attention_core.models.vision import StageTrace
from attention_core.stories.arrays import array
from attention_core.stories.tex import lines, tex
from ui.i18n import t
from ui.inputs.photo_what_if import AS_TRAINED, PhotoWhatIf
from ui.photos.cbam_steps import OPACITY, Pixels
from ui.photos.steps import choose_order, class_name, group_name, map_kind, stage_name
from ui.shell.regions import region
from ui.stage.steps import show, step

WHICH = ("before", "after")
S, M = tex("channel", "s_c"), tex("mask", "M")
MOST_LATER = 4  # stages behind the one that is followed, of networks with many
_BRANCHES = {"both": ("mean", "max"), "avg": ("mean",), "max": ("max",)}


@dataclass(frozen=True)
class View:
    """What the steps show: two traces of one photo, and whose stage is followed."""

    before: StagedTrace  # as trained
    after: StagedTrace
    what_if: PhotoWhatIf
    stage: str
    square: Pixels
    gate: str = r"\sigma"  # the sign of the function that makes channel weights
    random: tuple[float, ...] = ()  # the first answer's probability with as many channels off, drawn at random

    @property
    def changed(self) -> bool:
        """Whether there is anything to compare."""
        return self.what_if != AS_TRAINED

    def stages(self, name: str) -> list[StageTrace]:
        """One stage as trained and, where something is changed, with the change."""
        traces = (self.before, self.after) if self.changed else (self.before,)
        return [stage for trace in traces for stage in trace.stages if stage.name == name]


def _branches(view: View) -> tuple[str, ...]:
    """The poolings that take part."""
    return _BRANCHES[view.what_if.stage(view.stage).pooling]


def _weights_formula(view: View) -> str:
    if not isinstance(view.stages(view.stage)[-1].attention, CBAMTrace):
        return rf"{S} = {view.gate}(e_c)"
    terms = [rf"e^{{\text{{{name}}}}}_c" for name in _branches(view)]
    return rf"{S} = \sigma({' + '.join(terms)})"


def weights_step(number: int, view: View) -> None:
    """The channel weights."""
    weights = [channel_weights(stage) for stage in view.stages(view.stage)]
    best = int(weights[0].argmax())
    values = {"off": int((weights[-1] == 0).sum()), "best": best, "high": f"{weights[0][best].item():.2f}"}
    with step(number, "photo_what_if.weights", _weights_formula(view), **values):
        _weights_figure(weights, view.stage)
        _say_if_equal(weights)


@region("order")
def _weights_figure(weights: list[Tensor], stage: str) -> None:
    order = choose_order("sorted")  # what is switched off stands at the ends
    title = f"{t('photo.weight')} · {stage_name(stage)}"
    figure = channel_bars(
        array(weights[0]),
        second=array(weights[1]) if len(weights) > 1 else None,
        names=(t("photo_what_if.before"), t("photo_what_if.after")) if len(weights) > 1 else None,
        order=order,
        title=title,
        channel_name=t("words.channel"),
        baseline=0.5,
    )
    show(figure, "channel-weights", alt=title)


def mask_step(number: int, view: View) -> None:
    """The spatial mask over the photo."""
    masks = [stage.spatial_mask for stage in view.stages(view.stage)]
    found = [mask[0, 0] for mask in masks if mask is not None]
    parts = [rf"K^{{\text{{{name}}}}} \star P^{{\text{{{name}}}}}" for name in _branches(view)]
    formula = rf"{M} = \sigma({' + '.join(parts)} + c)"
    with step(number, "photo_what_if.mask", formula, range=range_text(array(found[-1]))):
        places = st.columns(3)
        for place, which, mask in zip(places, WHICH, found, strict=False):
            title = t(f"photo_what_if.{which}")
            with place:
                show(
                    mask_over_photo(view.square, array(mask), opacity=OPACITY, title=title, value_name="M"),
                    f"mask-{which}",
                    alt=f"{t('words.mask')} · {title}",
                )
        if _differ(found):
            with places[2]:
                _change("mask-change", t("words.mask"), found, 1.0)
        _say_if_equal(found)


def features_step(number: int, view: View) -> None:
    """What the stage passes on."""
    output = tex("output", r"\tilde u_c(i,j)")
    factors = rf"{M}(i,j) \cdot {S}" if isinstance(view.stages(view.stage)[-1].attention, CBAMTrace) else S
    formula = lines(rf"{output} = {factors} \cdot u_c(i,j)", rf"\frac{{1}}{{C}} \sum_c {output}")
    with step(number, "photo_what_if.features", formula):
        _mean_maps(view, view.stage)


def later_step(number: int, view: View) -> None:
    """What becomes of it in the stages behind."""
    names = [stage.name for stage in view.before.stages]
    later = names[names.index(view.stage) + 1 :]
    with step(number, "photo_what_if.later"):
        if len(later) > MOST_LATER:
            st.caption(t("photo_what_if.later.some", shown=MOST_LATER, count=len(later)))
            last = len(later) - 1
            later = [later[round(place * last / (MOST_LATER - 1))] for place in range(MOST_LATER)]
        for name in later:
            _mean_maps(view, name)


def _mean_maps(view: View, name: str) -> None:
    """The mean over the channels of one stage's output, on one scale, and the change beside it."""
    maps = [mean_map(stage.output) for stage in view.stages(name)]
    # One kind for both: a change must not look like one of the colours.
    kind: MapKind = "signed" if any(map_kind(values) == "signed" for values in maps) else "activation"
    limit = max(values.abs().max().item() for values in maps)
    places = st.columns(3)
    for place, which, values in zip(places, WHICH, maps, strict=False):
        title = t("photo_what_if.features.name", stage=stage_name(name), which=t(f"photo_what_if.{which}"))
        with place:
            figure = spatial_map(array(values), kind=kind, limit=limit, title=title)
            show(figure, f"features-{name}-{which}", alt=t("photo_what_if.features.alt", stage=title))
    if _differ(maps):
        with places[2]:
            what = t("photo_what_if.features.alt", stage=stage_name(name))
            _change(f"features-{name}-change", what, maps, limit)
    _say_if_equal(maps)


def prediction_step(number: int, view: View) -> None:
    """What the network says, as trained and with the change."""
    found = classes_beside(view.before, view.after)
    foreign = isinstance(view.before, HubVisionTrace)
    # Only the classes of the networks that ship have kinds, such as "dog".
    kinds = ["" if foreign else f" · {group_name(change.entry)}" for change in found]
    names = [class_name(change.entry) + kind for change, kind in zip(found, kinds, strict=True)]
    with step(number, "photo_what_if.prediction", r"p = \mathrm{softmax}(" + ("o)" if foreign else "W g + b)")):
        shown = WHICH if view.changed else WHICH[:1]
        for place, which in zip(st.columns(2), shown, strict=False):
            title = t(f"photo_what_if.{which}")
            with place:
                show(
                    probability_bars(
                        names,
                        [getattr(change, which) for change in found],
                        title=title,
                        value_name=t("words.probability"),
                        highlight=0,
                    ),
                    f"prediction-{which}",
                    alt=f"{t('photo_what_if.prediction.title')} · {title}",
                )
        if not view.changed:
            return
        truth, now = found[0], max(found, key=lambda change: change.after)
        st.markdown(
            t(
                "photo_what_if.prediction.first",
                name=class_name(truth.entry),
                before=f"{truth.before:.1%}",
                after=f"{truth.after:.1%}",
                difference=points(truth.after - truth.before),
            )
        )
        if view.random:
            st.markdown(_against_random(truth.after, view.random))
        if now.entry == truth.entry:
            st.markdown(t("photo_what_if.prediction.same"))
        else:
            st.markdown(t("photo_what_if.prediction.other", name=class_name(now.entry), probability=f"{now.after:.1%}"))


def _against_random(after: float, drawn: tuple[float, ...]) -> str:
    """Whether it matters which channels are off, or only how many."""
    low, high = min(drawn), max(drawn)
    verdict = "further" if after < low else "less" if after > high else "alike"
    values = {"low": f"{low:.1%}", "high": f"{high:.1%}", "mean": f"{sum(drawn) / len(drawn):.1%}", "draws": len(drawn)}
    return f"{t('photo_what_if.random.drawn', **values)} {t(f'photo_what_if.random.{verdict}')}"


def _differ(pair: list[Tensor]) -> bool:
    return len(pair) > 1 and not torch.equal(pair[0], pair[1])


def _say_if_equal(pair: list[Tensor]) -> None:
    if len(pair) > 1 and torch.equal(pair[0], pair[1]):
        st.caption(t("photo_what_if.unchanged"))


def _change(key: str, what: str, pair: list[Tensor], limit: float) -> None:
    """On the scale of the quantity itself: a change of a hair must not look like one of everything."""
    change: npt.NDArray[Any] = array(pair[1] - pair[0])
    title = t("photo_what_if.change")
    show(spatial_map(change, kind="signed", limit=limit, title=title), key, alt=f"{what} · {title}")
