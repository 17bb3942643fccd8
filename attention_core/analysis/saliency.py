"""Which positions speak for a class: CAM and Grad-CAM, from a trace.

    CAM_y       = Σ_c w_yc A_c                                      A: output of the last stage, w: classifier
    Grad-CAM_y  = ReLU(Σ_c α_c A_c),   α_c = mean over positions of ∂ logit_y / ∂A_c          A: output of a stage

Zhou et al. 2016, "Learning Deep Features for Discriminative Localization", §2; Selvaraju et al. 2017, "Grad-CAM", §3.

A is a stage's output *after* its attention, which is what the rest of the network reads. Behind the last stage of the
CBAM build stands only logit_y = b_y + Σ CAM_y / Σ M: the derivative is with respect to A, so the mask M that divides
stays as traced, and Grad-CAM = ReLU(CAM) / Σ M. Without a mask Σ M is the number of positions. In earlier stages the
gates and masks of the later ones follow the features, and the gradient goes through them too; so they do in networks of
other libraries, behind every SE and CBAM module.

The gradient is asked for by `torch.autograd.grad` with respect to a copy of the traced features: no hook stays on a
model that other threads use, no weight needs or gets a gradient, and it makes no difference whether the caller is
under `no_grad` or `inference_mode`.

B photos, C channels, H × W the map.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from attention_core.errors import ControlError
from attention_core.mechanisms.checks import check_shape
from attention_core.models.hub.vision import HubVisionModel, StagedTrace
from attention_core.models.vision import StageTrace, VisionModel, VisionTrace


def class_activation_map(model: VisionModel, trace: VisionTrace, target: int | None = None) -> Tensor:
    """CAM (H, W) of the last stage, signed: where the class is spoken for, and where against.

    target: index of the class, None = the likeliest. Its sum over positions, divided by Σ M (without a mask, by their
    number), is the logit less the classifier's bias. Raises `ControlError` for an unknown class, `ShapeError`.
    """
    return class_activation_maps(model, trace.stages[-1], _targets(trace, target))[0]


def grad_cam(model: VisionModel | HubVisionModel, trace: StagedTrace, stage: str, target: int | None = None) -> Tensor:
    """Grad-CAM (H, W) of a stage, ≥ 0 and unscaled: its values compare within one photo, class and stage.

    stage: one of `model.stage_names`; target: index of the class, None = the likeliest. Raises `ControlError` for an
    unknown stage or class, and for a trace that this network does not go on from: of another network, or with
    what-if controls, which in a `VisionModel` may stand in the stages up to this one.
    """
    traced = next((found for found in trace.stages if found.name == stage), None)
    if traced is None:
        names = tuple(found.name for found in trace.stages)
        raise ControlError(
            "control.stage",
            f"stage is {stage!r}; expected one of {', '.join(names)}.",
            came=stage,
            expected=names,
        )
    targets = _targets(trace, target)
    # In training mode the norms would move their running statistics, which belong to everybody.
    network = copy.deepcopy(model) if model.training else model
    if isinstance(network, HubVisionModel):
        gradients, logits = _gradients(partial(network.with_output, trace.image.clone(), stage), traced.output, targets)
    else:
        gradients, logits = _gradients(_onward(network, traced), traced.output, targets)
    difference = (logits[0] - trace.logits).abs().max().item()
    if difference > torch.finfo(logits.dtype).eps ** 0.5 * max(1.0, trace.logits.abs().max().item()):
        raise ControlError(
            "analysis.other_logits",
            f"from {stage} on, the logits differ from those of the trace by up to {difference:.3g}. It is of another "
            "network, or a later stage has what-if controls: trace again without them.",
            stage=stage,
            difference=difference,
        )
    return weighted_sum(gradients, traced.output)[0]


def class_activation_maps(model: VisionModel, stage: StageTrace, targets: Tensor) -> Tensor:
    """CAM of many photos: the last stage with output (B, C, H, W), a class each (B,) → (B, H, W)."""
    check_shape("output", stage.output, (len(targets), model.config.widths[-1], "H", "W"))
    weights = model.classifier.weight.detach()[targets]  # (B, C)
    return torch.einsum("bc,bchw->bhw", weights, stage.output.detach())


def grad_cams(model: VisionModel, stage: StageTrace, targets: Tensor) -> Tensor:
    """Grad-CAM of many photos: a stage with output (B, C, H, W), a class each (B,) → (B, H, W)."""
    network = copy.deepcopy(model) if model.training else model
    gradients, _ = _gradients(_onward(network, stage), stage.output, targets)
    return weighted_sum(gradients, stage.output)


def resized(maps: Tensor, side: int) -> Tensor:
    """Maps (B, h, w) → (B, side, side) float32 on the CPU, bilinear, as every map is laid over its photo.

    Weighted in float64, which not every device has, so that equal neighbours give equal pixels: a flat map stays flat
    to the last bit.
    """
    fine = F.interpolate(maps[:, None].cpu().double(), (side, side), mode="bilinear", align_corners=False)
    return fine[:, 0].float()


Onward = Callable[[Tensor], Tensor]  # a stage's output (B, C, H, W) → logits (B, classes)


def _onward(network: VisionModel, stage: StageTrace) -> Onward:
    return lambda features: network.from_stage(replace(stage, output=features))


def _gradients(onward: Onward, output: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """(∂ logit of each photo's class / ∂ output (B, C, H, W), logits (B, classes))."""
    with torch.inference_mode(False), torch.enable_grad():
        # Inference tensors take no part in autograd; their clones do.
        features, targets = output.clone().detach().requires_grad_(), targets.clone().to(output.device)
        logits = onward(features)
        # No photo's logits depend on another photo: the gradient of the sum holds each one's own.
        chosen = logits.gather(1, targets[:, None]).sum()
        (gradients,) = torch.autograd.grad(chosen, features)
    return gradients, logits.detach()


def weighted_sum(gradients: Tensor, output: Tensor) -> Tensor:
    """ReLU(Σ_c α_c A_c), α_c = mean over positions of the gradients; (B, C, H, W) both → (B, H, W)."""
    importance = gradients.mean(dim=(2, 3))  # (B, C)
    return torch.einsum("bc,bchw->bhw", importance, output.detach()).relu()


def check_target(target: int, classes: int) -> int:
    """`target` if it is the index of one of `classes` classes. Raises `ControlError`."""
    if isinstance(target, bool) or not isinstance(target, int) or not 0 <= target < classes:
        raise ControlError(
            "analysis.target",
            f"target is {target!r}; expected the index of a class, 0 to {classes - 1}.",
            came=repr(target),
            classes=classes,
        )
    return target


def _targets(trace: StagedTrace, target: int | None) -> Tensor:
    """(1,) index of the class."""
    if target is None:
        return trace.logits.argmax().reshape(1)
    return torch.tensor([check_target(target, len(trace.logits))], device=trace.logits.device)
