"""The story of squeeze-and-excitation: its numbers are those of the trace, and no sentence is said that is not true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation, SqueezeExcitationTrace
from attention_core.models.hub.vision import attention_modules
from attention_core.stories.story import Step, Story
from attention_core.words import LANGUAGES, spoken
from tests.stories.one_stage import (
    SHIPPED,
    changed,
    figure_of,
    foreign,
    measured,
    model_of,
    notes,
    photo_of,
    step_of,
    story_of,
    told,
)
from tests.stories.reading import seen, written

MOBILE, RESNET = "torchvision/mobilenet_v3_small", "pytorchcv/seresnet18"
NETWORKS = pytest.mark.parametrize("name", ["se", MOBILE, RESNET])


def own(story: Story, name: str) -> Step:
    return step_of(story, f"squeeze_excitation.{name}")


def small(**kinds: Any) -> nn.Module:
    torch.manual_seed(0)
    attention = SqueezeExcitation(8, hidden_channels=4, **kinds)
    return nn.Sequential(nn.Conv2d(3, 8, 3), attention, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))


def off(channels: int, count: int) -> torch.Tensor:
    gates = torch.full((channels,), torch.nan)
    gates[:count] = 0.0
    return gates


@NETWORKS
def test_every_message_is_said_in_both_languages(name: str) -> None:
    for stage in (0, -1):
        channels = model_of(name).trace(photo_of(name)).stages[stage].features.shape[1]
        written(story_of(name, stage))
        written(changed(name, stage, {"gate_override": off(channels, 2)}, random=(0.1, 0.3)))
    if name in SHIPPED:
        for language, page in written(story_of(name, measured=measured(name))).items():
            assert spoken("67.1%", language) in page


@NETWORKS
def test_the_arrays_of_each_step_follow_from_those_before(name: str) -> None:
    story = story_of(name, 1)
    module = [*attention_modules(model_of(name)).values()][1]
    assert isinstance(module, SqueezeExcitation)
    found = {key: values for step in story.steps[:6] for key, values in step.arrays.items()}

    def by(function: nn.Module, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return function(torch.from_numpy(values).clone()).numpy()  # type: ignore[no-any-return]

    close = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(found["features"].mean(axis=(1, 2)), found["z"], **close)
    np.testing.assert_allclose(by(module.activation, found["W1"] @ found["z"] + found["b1"]), found["h"], **close)
    np.testing.assert_allclose(found["W2"] @ found["h"] + found["b2"], found["e"], **close)
    np.testing.assert_allclose(by(module.gate, found["e"]), found["s"], **close)
    np.testing.assert_allclose(found["s"][:, None, None] * found["features"], found["output"], **close)
    prediction = story.steps[-1].arrays
    odds = np.exp(prediction["logits"] - prediction["logits"].max())
    np.testing.assert_allclose(odds / odds.sum(), prediction["p"], **close)


@NETWORKS
def test_facts_formulas_and_figures_are_those_of_the_photo(name: str) -> None:
    for seed in (0, 1):
        model = model_of(name)
        trace = model.trace(photo_of(name, seed))
        attention = trace.stages[-1].attention
        assert isinstance(attention, SqueezeExcitationTrace)
        story = told(model, trace)
        best = int(attention.squeezed[0].argmax())
        assert own(story, "squeeze").facts["channel"] == best
        assert f"= {attention.squeezed[0, best]:.3f}" in own(story, "squeeze").formulas[1]
        widest = int(attention.weights[0].argmax())
        assert own(story, "gates").formulas[1].endswith(f"= {attention.weights[0, widest]:.3f}")
        drawn = figure_of(story, "channel-weights").given["values"]
        np.testing.assert_array_equal(drawn, attention.weights[0].numpy())
        assert own(story, "hidden").facts["zeros"] == int((attention.hidden == 0).sum())


@NETWORKS
def test_beside_itself_nothing_is_changed(name: str) -> None:
    model = model_of(name)
    trace = model.trace(photo_of(name))
    alone, beside = told(model, trace, 1), told(model, trace, 1, before=model.trace(photo_of(name)))
    kept = {step.key: step for step in beside.steps}
    for step in alone.steps:
        assert step.arrays.keys() == kept[step.key].arrays.keys()
        for key, values in step.arrays.items():
            np.testing.assert_array_equal(values, kept[step.key].arrays[key])
    assert all("change.none" in notes(step) for step in beside.steps[:-1])
    assert not [figure for figure in beside.figures if figure.endswith("-change")]
    first = beside.steps[-1].blocks[1].words.facts  # type: ignore[union-attr]
    assert first["same"] and first["points"] == 0


def test_gates_that_are_set_are_counted_and_no_formula_is_of_them() -> None:
    trace = model_of("se").trace(photo_of("se"))
    attention = trace.stages[1].attention
    assert isinstance(attention, SqueezeExcitationTrace)
    gates = torch.full_like(attention.weights[0], torch.nan)
    gates[attention.weights[0].argmax()] = 1.0
    story = changed("se", 1, {"gate_override": gates})
    computed = attention.weights[0].masked_fill(~gates.isnan(), 0)
    assert own(story, "gates").formulas[1].endswith(f"= {computed.max():.3f}")
    assert "1 of them are set by hand" in seen(story, "squeeze_excitation.gates")
    assert figure_of(story, "features-stage2-change").given["values"].any()
    assert "features-stage1-before" not in story.figures  # what stands before it is as it was
    story = changed("se", 1, {"gate_override": torch.zeros_like(gates)})
    assert len(own(story, "gates").formulas) == 1
    assert own(story, "gates").facts["off"] == len(gates)


def test_a_module_that_takes_the_maximum_is_not_said_to_take_the_mean() -> None:
    model = foreign(small(pooling="max"))
    story = told(model, model.trace(photo_of("")))
    squeeze = own(story, "squeeze")
    assert r"\max" in squeeze.formulas[0] and "sum" not in squeeze.formulas[0]
    assert "maximum" in spoken(squeeze.title, "en") and "平均" not in spoken(squeeze.title, "zh")
    features = story.steps[0].arrays["features"]
    np.testing.assert_allclose(features.max(axis=(1, 2)), squeeze.arrays["z"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_functions_of_other_networks_go_by_their_names(language: Any) -> None:
    model = foreign(small(activation=nn.GELU, gate=nn.Tanh))
    story = told(model, model.trace(photo_of("")))
    hidden, gates = own(story, "hidden"), own(story, "gates")
    assert "GELU" in hidden.formulas[0] and "GELU" in seen(story, "squeeze_excitation.hidden", language)
    assert "ReLU" not in seen(story, "squeeze_excitation.hidden", language)
    assert "Tanh" in spoken(gates.title, language) and "0…1" not in spoken(gates.title, language)
    assert gates.formulas[0].endswith(r"\mathrm{Tanh}(e_c)")
    assert "Hardsigmoid" in seen(story_of(MOBILE), "squeeze_excitation.gates", language)
    assert "σ" not in seen(story_of("se"), "squeeze_excitation.gates", language)
