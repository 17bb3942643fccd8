"""Does a map mark what the network goes by? Take its pixels away, or show them alone, and ask again.

    deletion    highest pixels first, replaced by the photo's mean colour: the sooner the class is lost, the smaller
                the area under its probability
    insertion   highest pixels first, put into a strongly blurred photo: the sooner it is found, the larger the area

Petsiuk et al. 2018, "RISE: Randomized Input Sampling for Explanation of Black-box Models", §4.3. A curve says how well
a map agrees with *this* network, right or wrong; it knows nothing of the object. Photos with parts cut out are unlike
any that it was trained on, so that even a random order has its areas: hold a curve against those of other maps.

S side of the square photo, P = S·S pixels, n steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attention_core.analysis.saliency import check_target, resized
from attention_core.errors import ControlError, KindError
from attention_core.mechanisms.checks import check_floating, check_positive, check_shape
from attention_core.mechanisms.trace import Trace

STEPS = 32
BLUR = 1 / 8  # of the side: the spread of the blur from which insertion starts
TIES = 0  # seed of the order among equally high pixels


@dataclass(frozen=True, eq=False)
class RemovalCurve(Trace):
    """The probability of one class while the pixels of a photo go, or come, in the order of a map."""

    shares: Tensor  # (n+1,) of the pixels that were changed, 0…1
    probabilities: Tensor  # (n+1,) of the class
    area: float  # under the curve by trapezoids, 0…1


def deletion_curve(
    model: nn.Module, image: Tensor, saliency: Tensor, target: int, *, steps: int = STEPS
) -> RemovalCurve:
    """From the whole photo to its mean colour; a smaller area is better for the map.

    model: photos (B, 3, S, S) → logits (B, classes), in evaluation mode; image: (3, S, S), `VisionTrace.image`;
    saliency: (h, w), any floating numbers, brought to S × S bilinearly; among equally high pixels the order is random,
    the same each time; target: index of the class; steps: n, of about P/n pixels each. One forward pass of n + 1
    photos. Raises `ShapeError`, `KindError`, `ControlError`.
    """
    _check(model, image, saliency, steps)
    return _curve(model, image, mean_colour(image), saliency, target, steps)


def insertion_curve(
    model: nn.Module, image: Tensor, saliency: Tensor, target: int, *, steps: int = STEPS
) -> RemovalCurve:
    """From the blurred photo to the whole one; a larger area is better for the map. As `deletion_curve` otherwise."""
    _check(model, image, saliency, steps)
    return _curve(model, blurred(image), image, saliency, target, steps)


def removal_order(saliency: Tensor, side: int) -> Tensor:
    """Indices (P,) of the pixels of a map (h, w), the highest first; ties in a random order, the same each time.

    In raster order, a flat map would take a photo away from top to bottom, which is no baseline.
    """
    values = resized(saliency[None], side).flatten()  # (P,)
    shuffled = torch.randperm(len(values), generator=torch.Generator().manual_seed(TIES))
    return shuffled[values[shuffled].argsort(descending=True, stable=True)]


def mean_colour(image: Tensor) -> Tensor:
    """(3, S, S) → the same size, every pixel the mean of its colour."""
    return image.mean(dim=(1, 2), keepdim=True).expand_as(image)


def blurred(image: Tensor) -> Tensor:
    """(3, S, S) through a Gaussian whose spread is an eighth of the side; at the rim it is cut off and rescaled."""
    S = image.shape[-1]
    position = torch.arange(S, device=image.device, dtype=image.dtype)
    distance = (position[:, None] - position) / (BLUR * S)
    weights = (-(distance**2) / 2).softmax(dim=1)  # (S, S) rows sum to 1
    return weights @ image @ weights.mT


@torch.no_grad()
def _curve(model: nn.Module, before: Tensor, after: Tensor, saliency: Tensor, target: int, steps: int) -> RemovalCurve:
    """From the photo `before` to the photo `after`, (3, S, S) each, pixel by pixel in the order of the map."""
    S = before.shape[-1]
    order = removal_order(saliency, S)
    turn = torch.empty_like(order).scatter_(0, order, torch.arange(S * S)).view(S, S)  # when each pixel changes
    counts = torch.linspace(0, S * S, steps + 1, dtype=torch.float64).round()  # (n+1,)
    changed = (turn < counts[:, None, None])[:, None].to(before.device)  # (n+1, 1, S, S)
    logits: Tensor = model(torch.where(changed, after, before))  # (n+1, classes)
    probabilities = logits.float().softmax(dim=1)[:, check_target(target, logits.shape[1])].cpu()
    shares = (counts / (S * S)).float()
    return RemovalCurve(shares, probabilities, torch.trapezoid(probabilities.double(), shares.double()).item())


def _check(model: nn.Module, image: Tensor, saliency: Tensor, steps: int) -> None:
    S = check_shape("image", image, (3, "S", "S")).shape[1]
    check_shape("image", image, (3, S, S))
    check_shape("saliency", saliency, ("h", "w"))
    if not bool(check_floating("saliency", saliency).isfinite().all()):
        raise ControlError("analysis.not_finite", "saliency holds NaN or infinity; expected finite numbers.")
    if check_positive("steps", steps) > S * S:
        raise ControlError(
            "analysis.steps",
            f"steps is {steps}; expected at most {S * S}, one for each pixel.",
            came=steps,
            pixels=S * S,
        )
    if model.training:
        raise KindError(
            "analysis.training",
            "the network is in training mode, where the photos of a batch change each other; call eval() on it first.",
        )
