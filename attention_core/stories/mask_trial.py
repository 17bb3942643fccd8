"""Does the mask matter? One stage's mask against maps that need no attention, on this photo and on many."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from attention_core.analysis.mask_trial import TriedKind, TriedMap
from attention_core.figures import COLOURS
from attention_core.models.hub.vision import StagedTrace
from attention_core.models.vision import StageTrace
from attention_core.stories.arrays import array
from attention_core.stories.masks import same_size
from attention_core.stories.photo import Pixels, class_named, seen_pixels, small, stage_named
from attention_core.stories.story import Array, Beside, Block, Figure, Line, Note, Step, Story, Table
from attention_core.words import Say, Words

KEY = "mask_trial"
Tried = Mapping[TriedKind, TriedMap]
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
REMOVALS = ("deletion", "insertion", "deletion_minus_gaussian", "insertion_minus_gaussian")
CLEAR = 2.0  # standard errors: a smaller difference is called none


@dataclass(frozen=True, eq=False)
class _Trial:
    """scores: what was measured of the network, None for one that was not measured here."""

    trace: StagedTrace
    stage: str
    tried: Tried
    square: Pixels
    scores: Mapping[str, Any] | None

    @property
    def facts(self) -> dict[str, Any]:
        """many: whether something was measured over many photos."""
        many = self.boxes is not None or bool((self.scores or {}).get("removal"))
        return {"stage": stage_named(self.stage), "many": many}

    @property
    def boxes(self) -> Mapping[str, Any] | None:
        """The scores of this stage's masks against boxes."""
        found: Mapping[str, Any] | None = ((self.scores or {}).get("masks") or {}).get(self.stage)
        return found or None


def mask_trial_story(
    trace: StagedTrace,
    stage: StageTrace,
    tried: Tried,
    square: Pixels | None = None,
    *,
    scores: Mapping[str, Any] | None,
) -> Story:
    """tried: `try_map` of each kind for `stage`; square: the photo in its own sharpness, as the network saw it where it
    is None.

    scores: as `registry.scores("vision")` gives them; None for a network of others.
    """
    trial = _Trial(trace, stage.name, tried, seen_pixels(trace) if square is None else square, scores)
    over_many = (
        (Step(f"{KEY}.boxes", absent=Say(f"{KEY}.not_scored")),)
        if scores is None
        else (_boxes(trial, scores), _removal(trial, scores))
    )
    return Story(KEY, {"stage": stage.name}, trial.facts, (_maps(trial), _curves(trial), _areas(trial), *over_many))


def _maps(trial: _Trial) -> Step:
    """The photo alone, and under each map."""
    [(entry, probability)] = trial.trace.top(1)
    shown: dict[str, Array] = {kind: array(each.shown) for kind, each in trial.tried.items()}
    given = {
        "maps": same_size([np.full_like(shown["mask"], np.nan), *shown.values()]),
        "titles": [Say(f"{KEY}.photo"), *map(_kind, shown)],
        "kind": "weight",
        "photo": small(trial.square, TILE_SIDE),
        "columns": 3,
    }
    blocks: list[Block] = [
        Note(Say(f"{KEY}.named", {"name": class_named(entry), "probability": probability}), "text"),
        Figure("tried-maps", "map_grid", given, alt=Say(f"{KEY}.maps.alt")),
    ]
    facts = {**trial.facts, "draws": len(trial.tried["random"].deletion_areas)}
    return Step(f"{KEY}.maps", (), facts, blocks, shown)


def _kind(kind: str) -> Say:
    return Say(f"{KEY}.kinds.{kind}")


def _curves(trial: _Trial) -> Step:
    """Deletion and insertion, on one scale."""
    tried = trial.tried.items()
    means = {f"{name}.{kind}": array(getattr(each, name).mean(dim=0)) for name in CURVES for kind, each in tried}
    highest = max(float(values.max()) for values in means.values())
    shares = array(trial.tried["mask"].shares)
    figures: list[Block] = []
    for name in CURVES:
        title = Say(f"{KEY}.curves.{name}")
        lines = []
        for kind, each in trial.tried.items():
            facts = {"map": _kind(kind), "area": _area(each, name).mean()}
            lines.append(Line(Say(f"{KEY}.curves.line", facts), means[f"{name}.{kind}"], LOOKS[kind]))
        given = {
            "x": shares,
            "lines": lines,
            "limits": (0.0, min(1.0, 1.05 * highest)),
            "title": title,
            "subtitle": Say(f"{KEY}.curves.better_{name}"),
            "x_name": Say(f"{KEY}.curves.share"),
            "value_name": Say("words.probability"),
            "percent": True,
        }
        figures.append(Figure(f"curve-{name}", "curves", given, alt=title))
    return Step(f"{KEY}.curves", (), trial.facts, [Beside(figures)], {"shares": shares, **means})


def _areas(trial: _Trial) -> Step:
    """The areas as a table, and how many maps the mask beats."""
    areas = {f"{name}.{kind}": _area(each, name) for name in CURVES for kind, each in trial.tried.items()}
    others = [kind for kind in trial.tried if kind != "mask"]
    ahead = {
        name: [areas[f"{name}.{kind}"].mean() - areas[f"{name}.mask"].mean() for kind in others] for name in CURVES
    }
    facts = {
        **trial.facts,
        "deletion": sum(bool(gap > 0) for gap in ahead["deletion"]),
        "insertion": sum(bool(gap < 0) for gap in ahead["insertion"]),
        "others": len(others),
    }
    table = Table(
        [Say(f"{KEY}.map"), *(Say(f"{KEY}.areas.{name}") for name in CURVES)],
        [[_kind(kind), *(_written(areas[f"{name}.{kind}"]) for name in CURVES)] for kind in trial.tried],
        Say(f"{KEY}.areas.title", facts),
    )
    return Step(f"{KEY}.areas", [r"\text{AUC} = \int_0^1 p(s)\, \mathrm{d}s"], facts, [table], areas)


def _written(areas: Array) -> Words:
    """The mean of several areas with their range, a single one as it is."""
    ends = {"area": areas.mean(), "least": areas.min(), "most": areas.max(), "several": len(areas) > 1}
    return Say(f"{KEY}.areas.cell", ends)


def _area(each: TriedMap, name: str) -> Array:
    return array(each.deletion_areas if name == "deletion" else each.insertion_areas)


def _boxes(trial: _Trial, scores: Mapping[str, Any]) -> Step:
    """The masks of this stage against the boxes of photos that the network did not see, beside the baselines."""
    key, found = f"{KEY}.boxes", trial.boxes
    if found is None:
        return Step(key, absent=Say(f"{key}.missing"))
    masks = scores["masks"]
    untrained = (scores.get("masks_untrained") or {}).get(trial.stage, {})
    rows = {
        "mask": found.get("mask"),
        "inverted": found.get("inverted"),
        "grad_cam": found.get("grad_cam"),
        "features": found.get("features"),
        "untrained": untrained.get("mask"),
        "gaussian": masks.get("centred_gaussian"),
        "uniform": masks.get("uniform"),
    }
    rows = {kind: row for kind, row in rows.items() if row}
    facts = {
        **trial.facts,
        "photos": masks["photos"],
        "box": masks["box_area"]["value"],
        "largest": masks["largest_box"],
    }
    table = Table(
        [Say(f"{KEY}.map"), *(Say(f"{key}.{name}") for name in SCORES)],
        [[_kind(kind), *(_with_error(row[name]) for name in SCORES)] for kind, row in rows.items()],
        Say(f"{key}.title", facts),
    )
    blocks: list[Block] = [Note(Say(f"{key}.meaning", facts), "text"), table]
    if "mask" in rows and "gaussian" in rows:
        blocks.append(_verdict(rows["mask"]["pixel_auc"], rows["gaussian"]["pixel_auc"]))
    arrays = {kind: np.array([row[name]["value"] for name in SCORES]) for kind, row in rows.items()}
    return Step(key, (), facts, blocks, arrays)


def _verdict(mask: Mapping[str, float], gaussian: Mapping[str, float]) -> Note:
    difference = mask["value"] - gaussian["value"]
    error = math.hypot(mask["standard_error"], gaussian["standard_error"])
    clear = abs(difference) > CLEAR * error
    facts = {
        "mask": mask["value"],
        "gaussian": gaussian["value"],
        "difference": abs(difference),
        "error": error,
        "above": clear and difference > 0,
        "below": clear and difference < 0,
        "same": not clear,
    }
    return Note(Say(f"{KEY}.verdict", facts), "text")


def _removal(trial: _Trial, scores: Mapping[str, Any]) -> Step:
    """Deletion and insertion over many photos, paired with the centred Gaussian."""
    key, found = f"{KEY}.removal", scores.get("removal")
    if not found:
        return Step(key, absent=Say(f"{key}.missing"))
    facts = {**trial.facts, "photos": found["photos"], "stage": stage_named(found["stage"])}
    table = Table(
        [Say(f"{KEY}.map"), *(Say(f"{key}.{name}") for name in REMOVALS)],
        [[_removal_kind(kind), *(_with_error(row[name]) for name in REMOVALS)] for kind, row in found["maps"].items()],
        Say(f"{key}.title", facts),
    )
    arrays = {kind: np.array([row[name]["value"] for name in REMOVALS]) for kind, row in found["maps"].items()}
    return Step(key, (), facts, [table], arrays)


def _removal_kind(kind: str) -> Words:
    """ "grad_cam_stage1" and the like in words."""
    if kind.startswith("grad_cam_"):
        return Say(f"{KEY}.kinds.grad_cam_of", {"stage": stage_named(kind.removeprefix("grad_cam_"))})
    return _kind({"centred_gaussian": "gaussian"}.get(kind, kind))


def _with_error(score: Mapping[str, float]) -> Words:
    return Say(f"{KEY}.with_error", {"value": score["value"], "error": score["standard_error"]})
