"""CAM and Grad-CAM: by hand, against captum, and the identity that joins them in the last stage."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from attention_core.analysis.saliency import (
    class_activation_map,
    class_activation_maps,
    grad_cam,
    grad_cams,
    resized,
)
from attention_core.errors import ControlError, ShapeError
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models.vision import StageTrace, VisionConfig, VisionModel, VisionTrace
from tests.models.small_vision import SIZES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # captum's own imports are not the subject
    from captum.attr import LayerGradCam

SIZE, CLASSES = 16, 5
KINDS = ("plain", "se", "cbam")
STAGES = ("stage1", "stage2", "stage3")


def build(kind: str, *, training: bool = False) -> VisionModel:
    """A small network in float64 whose norms are not those of a new one."""
    torch.manual_seed(0)
    config = VisionConfig(kind, CLASSES, image_size=SIZE, **SIZES)  # type: ignore[arg-type]
    model = VisionModel(config).train(training).requires_grad_(False)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_mean, -0.3, 0.3)
            nn.init.uniform_(part.running_var, 0.3, 1.5)
            nn.init.uniform_(part.weight, 0.5, 2.0)
            nn.init.uniform_(part.bias, -0.5, 0.5)
    return model.double()


def photo(seed: int = 0) -> Tensor:
    return torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


def close(came: Tensor, expected: Tensor, atol: float = 1e-9) -> None:
    torch.testing.assert_close(came, expected, rtol=0, atol=atol)


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> VisionModel:
    return build(request.param)


def pooled_by(trace: VisionTrace) -> Tensor:
    """Σ M, or the number of positions."""
    last = trace.stages[-1]
    return torch.ones_like(last.output[0, 0]).sum() if last.spatial_mask is None else last.spatial_mask.sum()


def together(model: VisionModel, traces: list[VisionTrace], name: str) -> StageTrace:
    """The same stage of several photos as one of B photos."""
    parts = [trace.stages[model.stage_names.index(name)] for trace in traces]
    attention = parts[0].attention
    if isinstance(attention, CBAMTrace):
        mask = torch.cat([part.spatial_mask for part in parts])  # type: ignore[misc]
        attention = replace(attention, spatial=replace(attention.spatial, mask=mask))
    output = torch.cat([part.output for part in parts])
    return StageTrace(name, torch.cat([part.features for part in parts]), attention, output)


# Going on from a stage


@pytest.mark.parametrize("stage", STAGES)
def test_the_rest_of_the_way_ends_in_the_logits(model: VisionModel, stage: str) -> None:
    traces = [model.trace(photo(seed)) for seed in range(3)]
    logits = model.from_stage(together(model, traces, stage))
    close(logits, torch.stack([trace.logits for trace in traces]))


def test_an_unknown_stage_and_other_widths_are_refused(model: VisionModel) -> None:
    trace = model.trace(photo())
    with pytest.raises(ControlError, match="the trace is of 'stage9'; expected one of stage1, stage2, stage3"):
        model.from_stage(replace(trace.stages[0], name="stage9"))
    with pytest.raises(ShapeError, match=r"output has shape \(1, 4, 8, 8\); expected \(B, 6, H, W\)"):
        model.from_stage(replace(trace.stages[0], name="stage2"))


# Against captum


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("kind", ["plain", "se"])
def test_equals_captum(kind: str, stage: str) -> None:
    model = build(kind)
    trace = model.trace(photo())
    cams = LayerGradCam(model, model.attentions[model.stage_names.index(stage)])
    image = trace.image[None].requires_grad_()
    expected = [cams.attribute(image, y, relu_attributions=True)[0, 0].detach() for y in range(CLASSES)]
    assert any(bool((one > 0).any()) for one in expected)
    for y, one in enumerate(expected):
        close(grad_cam(model, trace, stage, y), one, atol=1e-12)


@pytest.mark.parametrize("stage", STAGES[:-1])
def test_equals_captum_through_the_masks_of_later_stages(stage: str) -> None:
    model = build("cbam")
    trace = model.trace(photo())
    # What the next stage reads is what this one gives; CBAM's own output is no module's, so it has no place for a hook.
    cams = LayerGradCam(model, model.stages[model.stage_names.index(stage) + 1])
    image = trace.image[None].requires_grad_()
    expected = [
        cams.attribute(image, y, attribute_to_layer_input=True, relu_attributions=True)[0, 0].detach()
        for y in range(CLASSES)
    ]
    assert any(bool((one > 0).any()) for one in expected)
    for y, one in enumerate(expected):
        close(grad_cam(model, trace, stage, y), one, atol=1e-12)


# By hand


def by_hand(kind: str = "plain") -> tuple[VisionModel, VisionTrace]:
    """A trace whose last stage has two channels on 2 × 2, and a classifier of two classes."""
    config = VisionConfig(
        kind, 2, widths=(2,), strides=(1,), depths=(1,), dilations=(1, 1), stem_stride=2, image_size=4, reduction=1
    )  # type: ignore[arg-type]
    model = VisionModel(config).eval().requires_grad_(False)
    model.classifier.weight.copy_(torch.tensor([[2.0, -1.0], [0.0, 4.0]]))
    model.classifier.bias.copy_(torch.tensor([0.5, 0.0]))
    traced = model.trace(torch.zeros(3, 4, 4))
    output = torch.tensor([[[[1.0, 0.0], [2.0, 0.0]], [[0.0, 3.0], [1.0, 0.0]]]])
    stage = replace(traced.stages[0], output=output)
    return model, replace(traced, stages=(stage,), logits=model.from_stage(stage)[0])


def test_worked_by_hand() -> None:
    model, trace = by_hand()
    # Means of the channels: 3/4 and 4/4. Logits: 2·3/4 − 1·1 + 0.5 = 1 and 4·1 = 4, so class 1 is the likeliest.
    assert trace.logits.tolist() == [1.0, 4.0]
    assert class_activation_map(model, trace, 0).tolist() == [[2.0, -3.0], [3.0, 0.0]]  # 2·A_0 − A_1
    assert class_activation_map(model, trace).tolist() == [[0.0, 12.0], [4.0, 0.0]]  # 4·A_1
    # ∂ logit_0 / ∂ A_0 = 2/4 and ∂ logit_0 / ∂ A_1 = −1/4 at every position: α = (1/2, −1/4).
    assert grad_cam(model, trace, "stage1", 0).tolist() == [[0.5, 0.0], [0.75, 0.0]]
    assert grad_cam(model, trace, "stage1").tolist() == [[0.0, 3.0], [1.0, 0.0]]


def test_a_mask_divides_by_its_own_sum() -> None:
    model, trace = by_hand("cbam")
    (stage,) = trace.stages
    assert isinstance(stage.attention, CBAMTrace)
    mask = torch.tensor([[[[0.5, 0.5], [1.0, 0.0]]]])  # Σ M = 2, where there are four positions
    spatial = replace(stage.attention.spatial, mask=mask)
    stage = replace(stage, attention=replace(stage.attention, spatial=spatial))
    trace = replace(trace, stages=(stage,), logits=model.from_stage(stage)[0])
    assert trace.logits.tolist() == [2 * 3 / 2 - 4 / 2 + 0.5, 4 * 4 / 2]
    assert grad_cam(model, trace, "stage1", 0).tolist() == [[1.0, 0.0], [1.5, 0.0]]


# Identities


@pytest.mark.parametrize("target", [None, 0, 4])
def test_the_activation_map_adds_up_to_the_logit(model: VisionModel, target: int | None) -> None:
    trace = model.trace(photo())
    index = int(trace.logits.argmax()) if target is None else target
    added = class_activation_map(model, trace, target).sum() / pooled_by(trace)
    close(added + model.classifier.bias[index], trace.logits[index])


@pytest.mark.parametrize("target", [None, 0, 4])
def test_in_the_last_stage_grad_cam_is_the_positive_part_of_cam(model: VisionModel, target: int | None) -> None:
    trace = model.trace(photo())
    positive = class_activation_map(model, trace, target).relu()
    close(grad_cam(model, trace, "stage3", target) * pooled_by(trace), positive)


def test_a_photo_in_a_batch_gets_the_maps_that_it_gets_alone(model: VisionModel) -> None:
    traces, targets = [model.trace(photo(seed)) for seed in range(3)], torch.tensor([4, 0, 1])
    for name in model.stage_names:
        alone = [grad_cam(model, trace, name, int(y)) for trace, y in zip(traces, targets, strict=True)]
        close(grad_cams(model, together(model, traces, name), targets), torch.stack(alone))
    signed = [class_activation_map(model, trace, int(y)) for trace, y in zip(traces, targets, strict=True)]
    close(class_activation_maps(model, together(model, traces, "stage3"), targets), torch.stack(signed))


@pytest.mark.parametrize("kind", ["se", "cbam"])
def test_controls_of_this_stage_and_of_earlier_ones_count(kind: str) -> None:
    model = build(kind)
    last: dict[str, object] = {"gate_override": torch.linspace(0, 1, 9)}
    if kind == "cbam":
        last["mask_override"] = torch.eye(4)
    trace = model.trace(photo(), overrides={"stage2": {"gate_override": torch.linspace(1, 0, 6)}, "stage3": last})
    plain = model.trace(photo())
    for y in range(CLASSES):
        signed = class_activation_map(model, trace, y)
        close(grad_cam(model, trace, "stage3", y) * pooled_by(trace), signed.relu())
        assert not torch.allclose(signed, class_activation_map(model, plain, y))
    if kind == "cbam":
        assert pooled_by(trace) == 4
        assert not signed[~torch.eye(4, dtype=torch.bool)].any()


# Refusals


def test_a_trace_that_this_network_does_not_go_on_from_is_refused() -> None:
    model = build("se")
    silent = model.trace(photo(), overrides={"stage3": {"gate_override": torch.zeros(9)}})
    assert grad_cam(model, silent, "stage3").max() == 0  # nothing is left to go by
    with pytest.raises(ControlError, match="a later stage has what-if controls"):
        grad_cam(model, silent, "stage1")
    with pytest.raises(ControlError, match="It is of another network"):
        grad_cam(build("plain"), model.trace(photo()), "stage1")


def test_unknown_stages_and_classes_are_refused(model: VisionModel) -> None:
    trace = model.trace(photo())
    with pytest.raises(ControlError, match="stage is 'stage9'; expected one of stage1, stage2, stage3"):
        grad_cam(model, trace, "stage9")
    for target in (-1, CLASSES, True, "cat"):
        with pytest.raises(ControlError, match="expected the index of a class, 0 to 4"):
            class_activation_map(model, trace, target)  # type: ignore[arg-type]


# Shared by all sessions


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("kind", KINDS)
def test_the_callers_mode_makes_no_difference(kind: str, mode: type) -> None:
    model = build(kind)
    expected = [grad_cam(model, model.trace(photo()), stage) for stage in STAGES]
    with mode():
        trace = model.trace(photo())  # under inference_mode, its tensors are inference tensors
        inside = [grad_cam(model, trace, stage) for stage in STAGES]
    outside = [grad_cam(model, trace, stage) for stage in STAGES]
    for came in (inside, outside):
        for one, other in zip(came, expected, strict=True):
            assert not one.requires_grad
            close(one, other, atol=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_left_on_the_network(kind: str, training: bool) -> None:
    model = build(kind, training=training).requires_grad_()
    trace = model.trace(photo())
    before = {name: (tensor.clone(), tensor._version) for name, tensor in model.state_dict(keep_vars=True).items()}
    attributes = {name: sorted(vars(part)) for name, part in model.named_modules()}
    for stage in STAGES:
        assert bool((grad_cam(model, trace, stage) >= 0).all())
    class_activation_map(model, trace)
    for name, tensor in model.state_dict(keep_vars=True).items():
        close(tensor, before[name][0], atol=0)
        assert tensor._version == before[name][1], name
        assert tensor.grad is None
    assert {name: sorted(vars(part)) for name, part in model.named_modules()} == attributes
    assert all(not part._forward_hooks and not part._backward_hooks for part in model.modules())
    assert not any(stage.output.requires_grad for stage in trace.stages)


def test_eight_threads_get_what_one_gets() -> None:
    model = build("cbam")

    def work(seed: int) -> Tensor:
        trace = model.trace(photo(seed))
        return torch.cat([grad_cam(model, trace, stage).flatten() for stage in STAGES])

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(24)))
    for seed, maps in enumerate(found):
        close(maps, work(seed), atol=0)


# Laying a map over its photo


def test_a_flat_map_stays_flat_to_the_last_bit() -> None:
    assert resized(torch.full((2, 7, 7), 0.3), 64).unique().tolist() == [torch.tensor(0.3).item()]


def test_resizing_is_bilinear_between_the_centres_of_positions() -> None:
    rows = resized(torch.tensor([[[0.0, 1.0], [0.0, 1.0]]], dtype=torch.float64), 4)[0].tolist()
    assert rows == [[0.0, 0.25, 0.75, 1.0]] * 4
