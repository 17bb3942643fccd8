"""What a vision transformer tells of a photo: words that hold, and numbers that are those of the trace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from attention_core import HubPatchModel, PhotoFormat, VisionClass
from attention_core.models.hub.patches import PatchTrace
from attention_core.stories.story import Story
from attention_core.stories.vision_transformer import vision_transformer_story
from tests.models.photo_networks import HEADS, LAYERS, PATCHED, SIDE, patched
from tests.stories.reading import seen, written

CLASSES = tuple(VisionClass("", f"<b>thing_{number}</b>", f"<b>thing_{number}</b>", "") for number in range(5))


def traced(name: str) -> PatchTrace:
    classes = () if "without" in name else CLASSES
    model = HubPatchModel(patched(name), classes, format=PhotoFormat(SIDE))
    return model.trace(torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)))


def told(trace: PatchTrace, **focus: Any) -> Story:
    return vision_transformer_story(trace, **{"layer": 1, "head": 2, "patch": 6, **focus})


@pytest.mark.parametrize("name", PATCHED)
def test_every_network_is_told_in_both_languages(name: str) -> None:
    trace = traced(name)
    pages = written(told(trace))
    assert all("[patch-rolled]" in page and "<b>thing" not in page for page in pages.values())
    assert ("names nothing" in pages["en"]) == (not trace.classes)
    several = "tokens of the network's own" in pages["en"].replace("&#x27;", "'")
    assert several == (PATCHED[name][1] > 1)


def test_what_has_no_class_token_is_not_said_to_have_one() -> None:
    trace = traced("ViT")
    cut = tuple(replace(layer, weights=layer.weights[..., 1:, 1:]) for layer in trace.layers)
    story = told(replace(trace, layers=cut, special=0), seer="class")
    assert story.focus["seer"] == "patch"
    assert "head-class" not in story.figures
    assert story.steps[0].formulas == [r"T = \frac{32}{8} \cdot \frac{32}{8} = 16"]
    page = written(story)["en"]
    assert page.count("class token") == 1 and "This network has no class token." in page


def test_the_formula_has_a_root_only_where_scores_are_divided_by_it() -> None:
    trace = traced("ViT")
    assert r"\sqrt{d}" in told(trace).steps[1].formulas[0]
    layer = trace.layers[1]
    biased = (trace.layers[0], replace(layer, scores=layer.scores + torch.arange(17.0)))
    assert r"\sqrt{d}" not in told(replace(trace, layers=biased)).steps[1].formulas[0]


@pytest.mark.parametrize("seer", ["class", "patch"])
def test_each_step_follows_from_those_before(seer: str) -> None:
    trace = traced("DINOv2 with registers")
    _, head, heads, rollout, prediction = told(trace, seer=seer).steps
    token, T = (0 if seer == "class" else 5 + 6), 21
    np.testing.assert_array_equal(heads.arrays["weights"][2], head.arrays["weights"])
    np.testing.assert_allclose(head.arrays["patch"], head.arrays["weights"][5 + 6, 5:] * T, rtol=1e-6)
    np.testing.assert_allclose(heads.arrays["rows"], heads.arrays["weights"][:, token, 5:] * T, rtol=1e-6)
    means, rolled = rollout.arrays["means"], np.eye(T)
    np.testing.assert_allclose(means[1], heads.arrays["weights"].mean(axis=0), atol=1e-6)
    for mean in means:
        rolled = (mean + np.eye(T)) / 2 @ rolled
    np.testing.assert_allclose(rollout.arrays["rolled"], rolled, atol=1e-6)
    assert rollout.facts["own"] == pytest.approx(rolled[token, token], abs=1e-6)
    powers = np.exp(prediction.arrays["logits"])
    np.testing.assert_allclose(prediction.arrays["p"], powers / powers.sum(), atol=1e-6)
    assert len(heads.arrays["rows"]) == HEADS and len(means) == LAYERS


def test_words_and_figures_follow_the_trace() -> None:
    trace = traced("ViT")
    changed = trace.layers[1].weights.clone()
    changed[0, 2, 1 + 6] = 0.0
    changed[0, 2, 1 + 6, 1 + 9] = 1.0  # patch 6 looks at patch 9 alone: row 2, column 1
    other = replace(trace, layers=(trace.layers[0], replace(trace.layers[1], weights=changed)))
    story = told(other)
    assert "100.0% of its weight (17.0 × even), to row 2, column 1" in seen(story, "vision_transformer.head")
    assert story.figures["head-patch"].given["values"].argmax() == 9
    assert not np.array_equal(
        story.figures["head-patch"].given["values"], told(trace).figures["head-patch"].given["values"]
    )
    changed[0, 2, 1 + 6] = torch.eye(17)[1 + 6]
    itself = replace(trace, layers=(trace.layers[0], replace(trace.layers[1], weights=changed)))
    assert seen(told(itself), "vision_transformer.head").endswith("to itself.")


def test_a_click_on_any_picture_of_patches_chooses_one() -> None:
    story = told(traced("ViT"))
    for name in ("patches", "head-patch", "head-class", "patch-raw", "patch-rolled"):
        pick = story.figures[name].pick
        assert pick is not None and pick.focus == "patch" and list(pick.rows) == list(range(16))
