"""Grad-CAM and the trial of a mask on networks of torchvision and pytorchcv, against captum on the originals."""

from __future__ import annotations

import copy
import warnings
from functools import cache

import pytest
import torch
from torch import Tensor

from attention_core.analysis.mask_trial import try_map
from attention_core.analysis.removal import deletion_curve
from attention_core.analysis.saliency import grad_cam
from attention_core.errors import ControlError
from attention_core.models.hub.vision import HubVisionModel, PhotoFormat
from attention_core.models.insertion import insert_attention
from tests.models.photo_networks import GATED, gated, photos

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # captum's own imports are not the subject
    from captum.attr import LayerGradCam

CBAM = "pytorchcv/cbam_resnet18"
TRIED = ("torchvision/mobilenet_v3_small", CBAM)


@cache
def read(name: str) -> HubVisionModel:
    return HubVisionModel(gated(name), format=PhotoFormat(GATED[name][1]))


def captum(name: str, stage: str, image: Tensor, target: int) -> Tensor:
    """Of the library's own network, which has never seen this project's modules."""
    # Its in-place ReLUs would overwrite what captum's hooks have kept.
    network = copy.deepcopy(gated(name)).requires_grad_()
    for part in network.modules():
        if hasattr(part, "inplace"):
            part.inplace = False
    cams = LayerGradCam(network, network.get_submodule(stage))
    found: Tensor = cams.attribute(read(name).format.standardised(image[None]), target, relu_attributions=True)
    return found[0, 0].detach()


@pytest.mark.parametrize("name", TRIED)
def test_grad_cam_equals_captum(name: str) -> None:
    model, (photo,) = read(name), photos(name)
    trace = model.trace(photo)
    for stage in (model.stage_names[0], model.stage_names[len(model.stage_names) // 2], model.stage_names[-1]):
        for target in (None, 3):
            index = int(trace.logits.argmax()) if target is None else target
            expected = captum(name, stage, trace.image, index)
            came = grad_cam(model, trace, stage, target)
            assert (came - expected).abs().max() <= 1e-9 * max(expected.abs().max().item(), 1e-12)


def test_grad_cam_leaves_no_mark_and_works_on_traces_of_inference_mode() -> None:
    model, (photo,) = read(CBAM), photos(CBAM)
    stage = model.stage_names[-1]
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.inference_mode():
        trace = model.trace(photo)
        inside = grad_cam(model, trace, stage)
    assert torch.equal(inside, grad_cam(model, model.trace(photo), stage))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_network_in_training_mode_keeps_its_statistics() -> None:
    model = HubVisionModel(gated(CBAM), format=PhotoFormat(GATED[CBAM][1]))
    trace = model.trace(photos(CBAM)[0])
    model.train()
    before = {name: tensor.clone() for name, tensor in model.named_buffers()}
    with pytest.raises(ControlError, match="the logits differ"):  # those of one photo's own statistics
        grad_cam(model, trace, model.stage_names[0])
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.named_buffers())


def test_a_changed_trace_and_an_unknown_stage_are_refused() -> None:
    model, (photo,) = read(CBAM), photos(CBAM)
    first, last = model.stage_names[0], model.stage_names[-1]
    width = model.trace(photo).stages[-1].features.shape[1]
    shut = model.trace(photo, overrides={last: {"gate_override": torch.zeros(width)}})
    with pytest.raises(ControlError, match="what-if controls"):
        grad_cam(model, shut, first)
    with pytest.raises(ControlError, match=f"place is 'nowhere'; expected one of {first}"):
        model.with_output(shut.image, "nowhere", shut.stages[0].output)


def test_what_a_place_gives_may_be_put_in() -> None:
    """Its own output changes nothing; another one has the logits of a network whose module gives that."""
    model, (photo,) = read(CBAM), photos(CBAM)
    trace = model.trace(photo)
    stage = trace.stages[2]
    torch.testing.assert_close(model.with_output(trace.image, stage.name, stage.output)[0], trace.logits)
    other = copy.deepcopy(gated(CBAM))
    other.get_submodule(stage.name).register_forward_hook(lambda *_: stage.output * 0.5)
    with torch.no_grad():
        expected = other(model.format.standardised(trace.image[None]))
    torch.testing.assert_close(model.with_output(trace.image, stage.name, stage.output * 0.5), expected)


def test_a_mask_is_tried_where_it_stands() -> None:
    model, (photo,) = read(CBAM), photos(CBAM)
    trace = model.trace(photo)
    stage = trace.stages[-1]
    target = int(trace.logits.argmax())
    assert stage.spatial_mask is not None
    mask = stage.spatial_mask[0, 0]
    tried = {kind: try_map(model, trace, stage.name, kind, steps=3) for kind in ("mask", "inverted", "grad_cam")}
    assert torch.equal(tried["mask"].shown, mask)
    curve = deletion_curve(model, trace.image, mask, target, steps=3)
    assert tried["mask"].deletion_areas.tolist() == [curve.area]
    assert curve.probabilities[0].item() == pytest.approx(trace.probabilities[target].item(), abs=1e-6)
    raw = grad_cam(model, trace, stage.name)
    torch.testing.assert_close(tried["grad_cam"].shown, raw / raw.max().clamp_min(1e-12))


def test_inserted_attention_is_tried_too() -> None:
    torch.manual_seed(0)
    from torchvision.models import resnet18

    network = insert_attention(resnet18(weights=None).eval(), "cbam", ["layer2", "layer4"])
    model = HubVisionModel(network, format=PhotoFormat(64))
    trace = model.trace(torch.rand(3, 64, 64))
    assert try_map(model, trace, "layer4", "grad_cam", steps=2).shown.shape == (2, 2)
