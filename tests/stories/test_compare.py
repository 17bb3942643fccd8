"""What three builds of one network tell: the numbers of their traces, and no claim that was not measured."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from attention_core import load_image, load_vision_model
from attention_core.analysis.familiarity import KnownThings, known_things
from attention_core.inputs.samples import sample_photo
from attention_core.models import registry
from attention_core.models.vision import VisionTrace
from attention_core.stories.compare import BUILDS, compare_story
from attention_core.stories.story import Story
from attention_core.words import LANGUAGES, Say, spoken
from tests.stories.reading import seen, written

SQUARE = np.full((300, 300, 3), 120, dtype=np.uint8)


@cache
def traces() -> dict[str, VisionTrace]:
    photo = load_image(sample_photo("coffee"))
    return {build: load_vision_model(build).trace(photo) for build in BUILDS}


def told(
    known: dict[str, KnownThings | None] | None = None,
    scores: dict[str, Any] | None = None,
    ablations: dict[str, Any] | None = None,
    **changed: VisionTrace,
) -> Story:
    return compare_story({**traces(), **changed}, SQUARE, known=known or {}, scores=scores or {}, ablations=ablations)


def text(story: Story, language: str = "en") -> str:
    return written(story)[language]  # type: ignore[index]


def test_all_that_was_measured_is_told_in_both_languages() -> None:
    scores, found = registry.scores("vision"), registry.ablations()
    assert found is not None
    pages = written(told({build: known_things(build) for build in BUILDS}, scores, found))
    for language in LANGUAGES:
        for build in ("se", "cbam"):
            assert f"{100 * scores['minus_plain'][build]['value']:+.1f}".replace("-", "−") in pages[language]


def test_what_was_not_measured_is_neither_told_nor_pointed_to() -> None:
    for language, page in written(told()).items():
        assert spoken(Say("photo.mask_trust", {"mask": 0, "features": 0, "middle": 0}), language)[:8] not in page
        assert {"en": "step 4", "zh": "第 4 步"}[language] not in page
    story = told(scores={"builds": {}})
    assert "differences" not in story.figures
    assert "comparisons" not in seen(story, "compare.measured")


@pytest.mark.parametrize(
    ("unsure_below", "threshold", "said"),
    [
        (0.0, -1e9, "Takes this for"),
        (0.0, 1e9, "unlike the test photos"),
        (1.1, -1e9, "Not sure"),
        (1.1, 1e9, "Probably outside the 100 things"),
    ],
)
def test_an_answer_is_as_sure_as_the_rule_makes_it(unsure_below: float, threshold: float, said: str) -> None:
    rule = replace(known_things("se"), unsure_below=unsure_below, threshold=threshold)
    story = told({"se": rule})
    assert said in text(story)
    assert text(told()).count(said) == (3 if said == "Takes this for" else 0)


def test_bars_and_lines_follow_the_traces() -> None:
    story = told()
    for build, trace in traces().items():
        given = story.figures[f"prediction-{build}"].given
        assert given["probabilities"] == [probability for _, probability in trace.top(5)]
        np.testing.assert_array_equal(
            np.sort(story.steps[0].arrays[build])[::-1][:5], np.float32(given["probabilities"])
        )
    se = traces()["se"]
    stage = se.stages[2]
    assert stage.attention is not None and "nearly flat" not in text(story).split("[gates-stage3]")[1][:60]
    flat = replace(stage, attention=replace(stage.attention, weights=stage.attention.weights * 0 + 0.5))  # type: ignore[union-attr]
    story = told(se=replace(se, stages=(*se.stages[:2], flat, *se.stages[3:])))
    assert (story.figures["gates-stage3"].given["series"][0] == 0.5).all()
    assert (story.steps[1].arrays["se.stage3"] == 0.5).all()
    assert "SE is nearly flat here" in text(story).split("[gates-stage3]")[1][:60]


def test_a_difference_is_called_one_only_beyond_two_errors() -> None:
    def score(value: float, error: float) -> dict[str, float]:
        return {"value": value, "standard_error": error}

    for value, said in ((0.05, "is more accurate"), (-0.05, "is less accurate"), (0.01, "cannot tell")):
        page = text(told(scores={"builds": {}, "minus_plain": {"se": score(value, 0.008)}}))
        verdicts = ("is more accurate", "is less accurate", "cannot tell")
        assert [verdict for verdict in verdicts if verdict in page] == [said]
    variants = {
        name: {"train_top1": score(train, 0.004), "dev_top1": score(0.6, 0.01)}
        for name, train in (("plain", 0.7), ("se-convolutions", 0.8))
    }
    found = {
        "classes": 20,
        "epochs": 16,
        "train_photos": 9000,
        "dev_photos": 500,
        "variants": variants,
        "differences": {"se-convolutions": {"plain": score(0.0, 0.003)}},
    }
    story = told(ablations=found)
    assert "+10.0 ± 0.6 against the plain network, so it really over-fits more." in text(story)
    arrays = story.steps[4].arrays
    np.testing.assert_allclose(arrays["gap"], arrays["train"] - arrays["dev"])
    np.testing.assert_allclose(arrays["gap"], [0.1, 0.2])
