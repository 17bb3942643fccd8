"""What excitation profiles tell: the distances that the arrays give, and verdicts no surer than the scores."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from attention_core import load_image, load_vision_model
from attention_core.inputs.samples import sample_photo
from attention_core.models import registry
from attention_core.models.vision import VisionTrace
from attention_core.stories.profiles import Order, profiles_story
from attention_core.stories.story import Note, Story
from attention_core.words import spoken
from tests.stories.reading import written

VERDICTS = {
    "the same for every photo": {"spread": 0.005, "class_share": 0.9, "chance": 0.01},
    "mostly on the class": {"spread": 0.1, "class_share": 0.6, "chance": 0.01},
    "in part on the class": {"spread": 0.1, "class_share": 0.1, "chance": 0.01},
    "hardly on the class": {"spread": 0.1, "class_share": 0.1, "chance": 0.09},
}


@cache
def traced() -> VisionTrace:
    return load_vision_model("se").trace(load_image(sample_photo("coffee")))


@cache
def means() -> dict[str, Tensor]:
    return registry.excitation_profiles("se")


def told(
    scores: dict[str, Any] | None = None, order: Order = "sorted", profiles: dict[str, Tensor] | None = None
) -> Story:
    return profiles_story("se", traced(), profiles or means(), beside=[3, 7], order=order, scores=scores or {})


def verdict(story: Story, stage: int) -> str:
    note = next(one for one in story.steps[stage].blocks if isinstance(one, Note) and "verdict" in str(one.words))
    return spoken(note.words, "en")


def test_all_is_told_in_both_languages() -> None:
    scores = registry.scores("vision")
    share = scores["profiles"]["se"]["stage4"]["class_share"]
    assert all(f"{share:.0%}" in page and f"{share:.1%}" in page for page in written(told(scores)).values())
    for language, page in written(told()).items():
        assert "[profile-stage4]" in page and "python -m training.evaluate" in page
        assert getattr(traced().classes[int(traced().logits.argmax())], language) in page


@pytest.mark.parametrize("said", VERDICTS)
def test_a_verdict_is_that_of_the_scores(said: str) -> None:
    stages = {stage.name: VERDICTS[said] for stage in traced().stages}
    found = verdict(told({"profiles": {"se": stages, "cbam": stages}}), 1)
    assert [one for one in VERDICTS if one in found] == [said]
    assert not [one for one in VERDICTS if one in verdict(told(), 1)]


def test_a_share_rises_falls_or_stays() -> None:
    for last, said in ((0.3, "it rises from 20%"), (0.1, "it falls from 20%"), (0.2, "it is 20%")):
        shares = {"stage1": 0.2, "stage2": 0.2, "stage3": 0.2, "stage4": last}
        stages = {name: {"class_share": share, "chance": 0.01, "spread": 0.1} for name, share in shares.items()}
        story = told({"profiles": {"se": stages, "cbam": stages}})
        assert said in spoken(story.steps[4].see, "en")
        np.testing.assert_allclose(story.steps[4].arrays["se"], [*shares.values()])


def test_distances_and_ranks_recompute() -> None:
    for step, stage in zip(told().steps, traced().stages, strict=False):
        classes, photo = step.arrays["classes"], step.arrays["photo"]
        np.testing.assert_allclose(step.arrays["mean"], classes.mean(axis=0), atol=1e-6)
        distances = np.sqrt(((classes - photo) ** 2).mean(axis=1))
        np.testing.assert_allclose(step.arrays["distances"], distances, atol=1e-6)
        predicted = int(traced().logits.argmax())
        assert step.facts["rank"] == 1 + (distances < distances[predicted] - 1e-9).sum(), stage.name
        assert step.facts["nearest"].en == traced().classes[int(distances.argmin())].en


def test_lines_follow_the_profiles_and_the_order() -> None:
    mean, first, *_, photo = told(order="index").figures["profile-stage2"].given["lines"]
    predicted = int(traced().logits.argmax())
    np.testing.assert_array_equal(first.values, means()["stage2"][predicted].numpy())
    profile = means()["stage2"].clone()
    profile[predicted] = traced().stages[1].attention.weights[0]  # type: ignore[union-attr]
    story = told(order="index", profiles={**means(), "stage2": profile})
    np.testing.assert_array_equal(story.figures["profile-stage2"].given["lines"][1].values, photo.values)
    assert "of the predicted class" in spoken(story.steps[1].see, "en")
    assert (np.diff(told().figures["profile-stage2"].given["lines"][0].values) <= 0).all()
    assert len(told(order="spread").figures["profile-stage4"].given["x"]) == 50
    assert not (np.diff(mean.values) <= 0).all()


def test_a_class_without_a_profile_has_no_rank() -> None:
    profile = means()["stage2"].clone()
    profile[int(traced().logits.argmax())] = float("nan")
    story = told(profiles={**means(), "stage2": profile})
    assert "has no profile" in spoken(story.steps[1].see, "en") and story.steps[1].facts["count"] == 99
