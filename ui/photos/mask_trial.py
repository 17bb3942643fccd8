"""The steps of the page on whether the mask matters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st
from PIL import Image

from attention_core.analysis.mask_trial import TRIED_KINDS, TriedKind, TriedMap, try_map
from attention_core.figures import COLOURS, Curve, curves, map_grid
from attention_core.models.hub.patches import HubPatchModel
from attention_core.models.hub.vision import HubVisionModel, StagedTrace
from attention_core.models.vision import VisionModel
from attention_core.stories.arrays import array
from attention_core.words import plain
from ui.i18n import t
from ui.inputs import networks
from ui.inputs.networks import Photo
from ui.inputs.photo_networks import PhotoNetwork
from ui.photos.scores import measured_scores
from ui.photos.steps import class_name, stage_name
from ui.shell.turns import in_turn, said
from ui.stage.steps import not_measured, show, step
from ui.stage.tables import show_table, with_error

Tried = dict[TriedKind, TriedMap]
TILE_SIDE = 192  # pixels of the photo under a map
LOOKS: dict[TriedKind, dict[str, Any]] = {
    "mask": {"colour": COLOURS["mask"], "width": 3},
    "inverted": {"colour": COLOURS["mask"], "dash": "dot"},
    "grad_cam": {"colour": "#D55E00", "dash": "dash"},
    "gaussian": {"colour": "#009E73", "dash": "dashdot"},
    "random": {"colour": "#808A96", "dash": "longdash"},
}
CURVES = ("deletion", "insertion")
SCORES = ("pointing", "energy", "pixel_auc")
CLEAR = 2.0  # standard errors: a smaller difference is called none


def named_class(trace: StagedTrace) -> None:
    """Whose probability the curves follow."""
    [(entry, probability)] = trace.top(1)
    st.markdown(t("mask_trial.named", name=plain(class_name(entry)), probability=f"{probability:.0%}"))


def tried_maps(network: PhotoNetwork, photo: Photo, stage: str) -> Tried:
    """All kinds of maps, tried one after the other under a progress bar; kept for whoever asks the same again."""
    bar = st.progress(0.0, text=t("mask_trial.working"))
    trace = networks.stage_trace(network, photo)
    assert not isinstance(network.model, HubPatchModel)
    tried: Tried = {}
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


def maps_step(number: int, tried: Tried, square: npt.NDArray[np.uint8]) -> None:
    """The photo alone, and under each map."""
    small = np.asarray(Image.fromarray(square).resize((TILE_SIDE, TILE_SIDE), Image.Resampling.LANCZOS))
    shown = {kind: array(each.shown) for kind, each in tried.items()}
    bare = np.full_like(shown["mask"], np.nan)
    with step(number, "mask_trial.maps", None, draws=len(tried["random"].deletion_areas)):
        show(
            map_grid(
                [bare, *shown.values()],
                titles=[t("mask_trial.photo"), *(t(f"mask_trial.kinds.{kind}") for kind in shown)],
                kind="weight",
                photo=small,
                columns=3,
            ),
            "tried-maps",
            alt=t("mask_trial.maps.alt"),
        )


def curves_step(number: int, tried: Tried) -> None:
    """Deletion and insertion, on one scale."""
    highest = max(float(probabilities.max()) for each in tried.values() for probabilities in _curves(each))
    limits = (0.0, min(1.0, 1.05 * highest))
    with step(number, "mask_trial.curves"):
        for place, name in zip(st.columns(2), CURVES, strict=True):
            title = t(f"mask_trial.curves.{name}")
            lines = [
                Curve(
                    f"{t(f'mask_trial.kinds.{kind}')} · {_area(each, name).mean():.3f}",
                    array(getattr(each, name).mean(dim=0)),
                    **LOOKS[kind],
                )
                for kind, each in tried.items()
            ]
            with place:
                show(
                    curves(
                        array(tried["mask"].shares),
                        lines,
                        limits=limits,
                        title=title,
                        subtitle=t(f"mask_trial.curves.better_{name}"),
                        x_name=t("mask_trial.curves.share"),
                        value_name=t("words.probability"),
                        percent=True,
                    ),
                    f"curve-{name}",
                    alt=title,
                )


def areas_step(number: int, tried: Tried, *, measured: bool) -> None:
    """The areas as a table, and how many maps the mask beats. measured: whether figures over many photos follow."""
    others = [each for kind, each in tried.items() if kind != "mask"]
    mask = tried["mask"]
    deletion = sum(_area(mask, "deletion").mean() < _area(each, "deletion").mean() for each in others)
    insertion = sum(_area(mask, "insertion").mean() > _area(each, "insertion").mean() for each in others)
    values = {"deletion": int(deletion), "insertion": int(insertion), "others": len(others)}
    name = "mask_trial.areas" if measured else "mask_trial.areas_alone"
    with step(number, name, r"\text{AUC} = \int_0^1 p(s)\, \mathrm{d}s", **values):
        show_table(
            "areas-table",
            [t("mask_trial.map"), t("mask_trial.areas.deletion"), t("mask_trial.areas.insertion")],
            [
                [
                    t(f"mask_trial.kinds.{kind}"),
                    *(_written(_area(each, name)) for name in ("deletion", "insertion")),
                ]
                for kind, each in tried.items()
            ],
        )


def boxes_step(number: int, stage: str) -> None:
    """The masks of this stage against the boxes of the dev photos, beside the baselines."""
    scores = measured_scores().get("masks")
    found = scores.get(stage) if scores else None
    if not scores or not found:
        not_measured(number, "mask_trial.boxes.missing")
        return
    untrained = measured_scores().get("masks_untrained")
    rows = {
        "mask": found.get("mask"),
        "inverted": found.get("inverted"),
        "grad_cam": found.get("grad_cam"),
        "features": found.get("features"),
        "untrained": untrained.get(stage, {}).get("mask") if untrained else None,
        "gaussian": scores.get("centred_gaussian"),
        "uniform": scores.get("uniform"),
    }
    values = {
        "photos": f"{scores['photos']:,}",
        "stage": stage_name(stage),
        "box": f"{scores['box_area']['value']:.0%}",
        "largest": f"{scores['largest_box']:.0%}",
    }
    with step(number, "mask_trial.boxes", None, **values):
        st.markdown(t("mask_trial.boxes.meaning", box=values["box"]))
        show_table(
            "boxes-table",
            [t("mask_trial.map"), *(t(f"mask_trial.boxes.{name}") for name in SCORES)],
            [
                [t(f"mask_trial.kinds.{kind}"), *(with_error(*_pair(row[name])) for name in SCORES)]
                for kind, row in rows.items()
                if row
            ],
        )
        if rows["mask"] and rows["gaussian"]:
            st.markdown(_verdict(rows["mask"]["pixel_auc"], rows["gaussian"]["pixel_auc"]))


def removal_step(number: int) -> None:
    """Deletion and insertion over the dev photos, paired with the centred Gaussian."""
    scores = measured_scores().get("removal")
    if not scores:
        not_measured(number, "mask_trial.removal.missing")
        return
    values = {"photos": scores["photos"], "stage": stage_name(scores["stage"])}
    columns = ("deletion", "insertion", "deletion_minus_gaussian", "insertion_minus_gaussian")
    with step(number, "mask_trial.removal", None, **values):
        show_table(
            "removal-table",
            [t("mask_trial.map"), *(t(f"mask_trial.removal.{name}") for name in columns)],
            [
                [_removal_name(kind), *(with_error(*_pair(row[name])) for name in columns)]
                for kind, row in scores["maps"].items()
            ],
        )


def _removal_name(kind: str) -> str:
    """ "grad_cam_stage1" and the like in words."""
    if kind.startswith("grad_cam_"):
        return f"Grad-CAM · {stage_name(kind.removeprefix('grad_cam_'))}"
    return t(f"mask_trial.kinds.{ {'centred_gaussian': 'gaussian'}.get(kind, kind) }")


def _verdict(mask: dict[str, float], gaussian: dict[str, float]) -> str:
    difference = mask["value"] - gaussian["value"]
    error = math.hypot(mask["standard_error"], gaussian["standard_error"])
    outcome = "same" if abs(difference) <= CLEAR * error else "above" if difference > 0 else "below"
    return t(
        f"mask_trial.verdict.{outcome}",
        mask=f"{mask['value']:.3f}",
        gaussian=f"{gaussian['value']:.3f}",
        difference=f"{abs(difference):.3f}",
        error=f"{error:.3f}",
    )


def _pair(score: dict[str, float]) -> tuple[float, float]:
    return score["value"], score["standard_error"]


def _curves(each: TriedMap) -> tuple[Any, Any]:
    return each.deletion.mean(dim=0), each.insertion.mean(dim=0)


def _area(each: TriedMap, name: str) -> npt.NDArray[np.float64]:
    return array(each.deletion_areas if name == "deletion" else each.insertion_areas)


def _written(areas: npt.NDArray[np.float64]) -> str:
    """The mean of several areas with their range, a single one as it is."""
    if len(areas) == 1:
        return f"{areas[0]:.3f}"
    return f"{areas.mean():.3f} ({areas.min():.3f}…{areas.max():.3f})"
