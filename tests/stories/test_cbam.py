"""The story of CBAM: numbers that follow from each other, in whatever order and with whatever pooling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from attention_core.figures import range_text
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.stories.story import Step, Story
from attention_core.words import spoken
from tests.stories.one_stage import changed, figure_of, measured, model_of, notes, photo_of, step_of, story_of, told
from tests.stories.reading import seen, written

RESNET, TIMM = "pytorchcv/cbam_resnet18", "timm/cbam"
NETWORKS = pytest.mark.parametrize("name", ["cbam", RESNET, TIMM])
CHANGES = [{}, {"order": "spatial-first"}, {"pooling": ("avg",)}, {"order": "spatial-first", "pooling": ("max",)}]
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def own(story: Story, name: str) -> Step:
    return step_of(story, f"cbam.{name}")


def sigmoid(values: Any) -> Any:
    return 1 / (1 + np.exp(-values))


@NETWORKS
def test_every_message_is_said_in_both_languages(name: str) -> None:
    written(story_of(name, 0))
    mask = torch.full(model_of(name).trace(photo_of(name)).stages[0].features.shape[2:], torch.nan)
    mask[0] = 0.0
    for controls in CHANGES:
        written(changed(name, 0, {**controls, "mask_override": mask}))
    if name == "cbam":
        assert all("0.73" in page for page in written(story_of(name, measured=measured(name))).values())


@NETWORKS
@pytest.mark.parametrize("controls", CHANGES)
def test_the_arrays_of_each_step_follow_from_those_before(name: str, controls: dict[str, Any]) -> None:
    story = changed(name, 0, controls) if controls else story_of(name, 0)
    pooling = controls.get("pooling", ("avg", "max"))
    u = story.steps[0].arrays["features"]
    pooled, mlp, s = own(story, "pooled").arrays, own(story, "mlp").arrays, own(story, "weights").arrays["s"]
    maps, convolution, mask = (
        own(story, "maps").arrays,
        own(story, "convolution").arrays,
        own(story, "mask").arrays["mask"],
    )
    masked_first = controls.get("order") == "spatial-first"
    np.testing.assert_allclose(pooled["input"], mask * u if masked_first else u, **CLOSE)
    np.testing.assert_allclose(maps["input"], u if masked_first else s[:, None, None] * u, **CLOSE)
    np.testing.assert_allclose(pooled["input"].mean(axis=(1, 2)), pooled["mean"], **CLOSE)
    np.testing.assert_allclose(pooled["input"].max(axis=(1, 2)), pooled["maximum"], **CLOSE)
    logits = {}
    for branch, values in (("mean", pooled["mean"]), ("max", pooled["maximum"])):
        hidden = np.maximum(mlp["W1"] @ values + mlp["b1"], 0)
        logits[branch] = mlp["W2"] @ hidden + mlp["b2"]
        np.testing.assert_allclose(logits[branch], mlp[f"e_{branch}"], **CLOSE)
    added = sum(logits[{"avg": "mean", "max": "max"}[branch]] for branch in pooling)
    np.testing.assert_allclose(sigmoid(added), s, **CLOSE)
    np.testing.assert_allclose(maps["input"].max(axis=0), maps["maximum"], **CLOSE)
    np.testing.assert_allclose(maps["input"].mean(axis=0), maps["mean"], **CLOSE)
    both = np.stack([maps["maximum"] * ("max" in pooling), maps["mean"] * ("avg" in pooling)])
    kernel, reach = torch.from_numpy(convolution["kernel"]), convolution["kernel"].shape[-1] // 2
    summed = F.conv2d(torch.from_numpy(both)[None], kernel[None], padding=reach)[0, 0].numpy() + convolution["c"]
    if own(story, "convolution").facts["zeros"]:
        np.testing.assert_allclose(summed, convolution["logits"], rtol=1e-3, atol=1e-4)
    assert own(story, "convolution").facts["difference"] < 1e-4
    np.testing.assert_allclose(sigmoid(convolution["logits"]), mask, **CLOSE)
    if controls:
        output = step_of(story, "photo.output").arrays
        np.testing.assert_allclose(mask * s[:, None, None] * u, output["output"], **CLOSE)
        np.testing.assert_allclose(output["output"].mean(axis=0), output["mean"], **CLOSE)


@NETWORKS
def test_formulas_and_words_are_of_what_takes_part(name: str) -> None:
    plain, alone = story_of(name, 0), changed(name, 0, {"pooling": ("max",), "order": "spatial-first"})
    assert "mean" in own(plain, "weights").formulas[0] and "mean" in own(plain, "convolution").formulas[0]
    for key in ("weights", "convolution"):
        assert "mean" not in own(alone, key).formulas[0] and "max" in own(alone, key).formulas[0]
    assert "The two outputs are added" in seen(plain, "cbam.weights")
    assert "The two outputs are added" not in seen(alone, "cbam.weights")
    assert "comes first" in seen(alone, "cbam.pooled") and "comes first" not in seen(plain, "cbam.pooled")
    assert "after their weights" in seen(plain, "cbam.maps") and "before their weights" in seen(alone, "cbam.maps")


@NETWORKS
def test_facts_and_figures_are_those_of_the_photo(name: str) -> None:
    model = model_of(name)
    for seed in (0, 1):
        trace = model.trace(photo_of(name, seed))
        attention = trace.stages[0].attention
        assert isinstance(attention, CBAMTrace)
        story = told(model, trace, 0)
        best = int(attention.channel.max_pooled[0].argmax())
        facts = own(story, "pooled").facts
        assert (facts["channel"], facts["maximum"]) == (best, attention.channel.max_pooled[0, best].item())
        mask = attention.spatial.mask[0, 0].numpy()
        assert own(story, "mask").facts["range"] == range_text(mask)
        for key in ("mask-over", "mask-alone"):
            np.testing.assert_array_equal(figure_of(story, key).given["mask"], mask)
        assert [*own(story, "stages").arrays] == [stage.name for stage in trace.stages]


@NETWORKS
def test_beside_itself_nothing_is_changed(name: str) -> None:
    model = model_of(name)
    trace = model.trace(photo_of(name))
    alone, beside = told(model, trace, 0), told(model, trace, 0, before=model.trace(photo_of(name)))
    kept = {step.key: step for step in beside.steps}
    for step in alone.steps:
        for key, values in step.arrays.items():
            np.testing.assert_array_equal(values, kept[step.key].arrays[key])
    for key in ("pooled", "mlp", "weights", "maps", "convolution", "mask"):
        assert "change.none" in notes(own(beside, key))
    assert not [figure for figure in beside.figures if figure.endswith("-change")]


def test_a_painted_mask_is_counted_and_its_change_drawn() -> None:
    trace = model_of("cbam").trace(photo_of("cbam"))
    mask = torch.full(trace.stages[-1].features.shape[2:], torch.nan)
    mask[0] = 0.0
    story = changed("cbam", -1, {"mask_override": mask})
    assert f"{mask.shape[1]} cells are painted" in seen(story, "cbam.mask")
    change = figure_of(story, "mask-change").given["values"]
    assert change[0].all() and not change[1:].any()
    assert "are painted" not in seen(changed("cbam", -1, {"pooling": ("max",)}), "cbam.mask")
    assert "photo.later" not in [step.key for step in story.steps]  # nothing stands behind the last stage


def test_what_was_not_measured_is_not_told() -> None:
    story, known = story_of("cbam"), story_of("cbam", measured=measured("cbam"))
    said = "has not been measured here"
    assert said in seen(story, "photo.prediction") and said not in seen(known, "photo.prediction")
    assert "photo.trust" in notes(known.steps[-1]) and "photo.trust" not in notes(story.steps[-1])
    assert "gate_life.living" in notes(own(known, "weights")) and "gate_life.living" not in notes(own(story, "weights"))


def test_a_network_of_others_names_its_places_by_their_names() -> None:
    story = story_of(RESNET)
    assert set(story.figures) >= {"mask-places"} and not [key for key in story.figures if key.startswith("mask-stage")]
    assert "choice above" in seen(story, "cbam.stages")
    assert "choice above" not in spoken(own(story, "stages").see, "en")  # on paper there is none
    assert str(story.focus["stage"]) in seen(story, "photo.features")
