"""What the trial of a mask tells: curves and areas of what was tried, and verdicts no surer than the scores."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from attention_core import HubVisionModel, PhotoFormat, VisionClass, load_image, load_vision_model
from attention_core.analysis.mask_trial import TRIED_KINDS, TriedKind, TriedMap, try_map
from attention_core.inputs.samples import sample_photo
from attention_core.models.hub.vision import StagedTrace
from attention_core.stories.mask_trial import mask_trial_story
from attention_core.stories.story import Note, Story
from attention_core.words import spoken
from tests.models.photo_networks import gated, photos
from tests.stories.reading import seen, written

SQUARE = np.full((300, 300, 3), 120, dtype=np.uint8)
Tried = dict[TriedKind, TriedMap]


@cache
def shipped() -> tuple[StagedTrace, Tried]:
    model = load_vision_model("cbam")
    trace = model.trace(load_image(sample_photo("cat")))
    return trace, {kind: try_map(model, trace, "stage4", kind, steps=4) for kind in TRIED_KINDS}


def told(scores: dict[str, Any] | None, tried: Tried | None = None) -> Story:
    trace, found = shipped()
    return mask_trial_story(trace, trace.stages[3], tried or found, SQUARE, scores=scores)


def score(value: float, error: float = 0.004) -> dict[str, float]:
    return {"value": value, "standard_error": error}


def measured(mask: float) -> dict[str, Any]:
    def row(auc: float) -> dict[str, Any]:
        return {"pointing": score(0.111), "energy": score(0.222), "pixel_auc": score(auc)}

    differences = {f"{name}_minus_gaussian": score(-0.017) for name in ("deletion", "insertion")}
    kinds = ("mask", "cam", "grad_cam_stage1", "random", "centred_gaussian")
    return {
        "masks": {
            "photos": 1234,
            "largest_box": 0.6,
            "box_area": score(0.3),
            "stage4": {"mask": row(mask)},
            "centred_gaussian": row(0.7),
        },
        "removal": {
            "photos": 77,
            "stage": "stage4",
            "maps": {kind: {"deletion": score(0.08), "insertion": score(0.2), **differences} for kind in kinds},
        },
    }


def test_a_network_of_others_is_told_without_what_was_measured() -> None:
    classes = tuple(VisionClass("", f"thing_{number}", f"thing_{number}", "") for number in range(5))
    model = HubVisionModel(gated("timm/cbam"), classes, format=PhotoFormat(32))
    trace = model.trace(photos("timm/cbam")[0])
    [stage] = trace.stages
    tried = {kind: try_map(model, trace, stage.name, kind, steps=2) for kind in TRIED_KINDS}
    story = mask_trial_story(trace, stage, tried, scores=None)
    assert len(story.steps) == 4 and story.steps[3].absent is not None
    for language, page in written(story).items():
        assert trace.top(1)[0][0].en in page  # an underscore in it is no emphasis
        assert {"en": "over many stands below", "zh": "许多照片的结果在下面"}[language] not in page


def test_all_that_was_measured_is_told_in_both_languages() -> None:
    for page in written(told(measured(0.8))).values():
        assert "−0.017 ± 0.004" in page and "1,234" in page and "0.800 ± 0.004" in page and "Grad-CAM" in page
    story = told({})
    assert [step.absent is None for step in story.steps] == [True, True, True, False, False]
    assert "over many" not in seen(story, "mask_trial.areas")
    written(story)


@pytest.mark.parametrize(("mask", "said"), [(0.8, "is above"), (0.6, "is *below*"), (0.705, "cannot be told")])
def test_a_difference_within_its_error_is_none(mask: float, said: str) -> None:
    verdict = told(measured(mask)).steps[3].blocks[-1]
    assert isinstance(verdict, Note)
    assert [one for one in ("is above", "is *below*", "cannot be told") if one in spoken(verdict.words, "en")] == [said]


def test_the_areas_are_those_under_the_curves() -> None:
    story = told(None)
    curves, areas = story.steps[1].arrays, story.steps[2].arrays
    for name, values in areas.items():
        area = np.trapezoid(curves[name], curves["shares"])
        assert values.mean() == pytest.approx(area, abs=1e-6)
    mask, tried = shipped()[1]["mask"], shipped()[1]
    assert story.steps[2].facts["deletion"] == sum(
        bool(mask.deletion_areas.mean() < tried[kind].deletion_areas.mean()) for kind in TRIED_KINDS[1:]
    )


def test_words_and_figures_follow_what_was_tried() -> None:
    best = replace(
        shipped()[1]["mask"],
        deletion=torch.zeros(1, 5),
        insertion=torch.ones(1, 5),
        deletion_areas=torch.zeros(1),
        insertion_areas=torch.ones(1),
        shown=torch.full((2, 2), 0.25),
    )
    story = told(None, {**shipped()[1], "mask": best})
    assert "better than 4 of the 4 other maps by deletion, and than 4 of 4 by" in seen(story, "mask_trial.areas")
    assert (story.figures["curve-insertion"].given["lines"][0].values == 1).all()
    assert (story.figures["tried-maps"].given["maps"][1] == 0.25).all()
    assert "better than 4 of the 4" not in seen(told(None), "mask_trial.areas")
