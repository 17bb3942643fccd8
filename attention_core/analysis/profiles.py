"""A photo's channel weights beside the mean ones of each class.

Hu et al. 2018, "Squeeze-and-Excitation Networks", Figs. 6 and 7: the mean gate of each channel over the photos of a
class, stage by stage; where the classes' lines lie on each other, the gates do not depend on what the photo shows.

K classes, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attention_core.analysis.stages import channel_weights
from attention_core.errors import ControlError
from attention_core.mechanisms.checks import check_shape
from attention_core.mechanisms.trace import Trace
from attention_core.models.vision import StageTrace


@dataclass(frozen=True, eq=False)
class StageProfile(Trace):
    """One stage: the classes' mean channel weights, and those of one photo. Distances: root mean square over C."""

    classes: Tensor  # (K, C), NaN for a class without photos
    mean: Tensor  # (C,) over the classes
    spread: Tensor  # (C,) standard deviation over the classes
    photo: Tensor  # (C,)
    distances: Tensor  # (K,) of the photo from each class, NaN where there is none
    nearest: int  # the class whose profile lies nearest

    def rank(self, target: int) -> int:
        """How many classes lie nearer to the photo than class `target`, and one: 1 = the nearest."""
        return int((self.distances < self.distances[target]).sum()) + 1


def stage_profile(classes: Tensor, stage: StageTrace) -> StageProfile:
    """classes (K, C), as `registry.excitation_profiles` gives them, and the same stage of one photo's trace."""
    photo = channel_weights(stage).cpu()  # (C,)
    check_shape("classes", classes, ("K", len(photo)))
    there = classes[~classes.isnan().any(dim=1)]
    distances = (classes - photo).square().mean(dim=1).sqrt()  # (K,)
    return StageProfile(
        classes=classes,
        mean=there.mean(dim=0),
        spread=there.std(dim=0, correction=0),
        photo=photo,
        distances=distances,
        nearest=int(distances.nan_to_num(float("inf")).argmin()),
    )


def contrasting_classes(classes: Tensor, first: int, count: int) -> list[int]:
    """`count` classes whose profiles differ most: from `first` on, always the one farthest from all that are chosen.

    classes (K, C); `first` is not in the result. Raises `ControlError` for a class that is not there.
    """
    if not 0 <= first < len(classes):
        raise ControlError(
            "analysis.target", f"first is {first}; expected the index of a class, 0 to {len(classes) - 1}.", came=first
        )
    gaps = torch.cdist(classes, classes).nan_to_num(-1.0)  # (K, K); a class without photos is far from nothing
    chosen = [first]
    for _ in range(min(count, len(classes) - 1)):
        nearest = gaps[:, chosen].min(dim=1).values  # (K,) to the nearest of the chosen
        nearest[chosen] = -2.0
        chosen.append(int(nearest.argmax()))
    return chosen[1:]
