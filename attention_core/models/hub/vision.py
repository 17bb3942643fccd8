"""Networks of torchvision, pytorchcv, transformers or one's own that name what is in a photo, behind the same traces.

S the side of the square photo, C channels, H heads, T tokens (special ones and patches), D model width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attention_core.errors import ShapeError
from attention_core.inputs.image import ImageLike, to_square_tensor
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitationTrace
from attention_core.models.hub.found import find_attention
from attention_core.models.insertion import Attended
from attention_core.models.overrides import Overrides
from attention_core.models.vision import ClassifiedPhoto, StageTrace, VisionClass, VisionModel, VisionTrace


@dataclass(frozen=True)
class PhotoFormat:
    """How a network wants its photos. size: S; mean and spread of the three colours, taken off and divided by.

    The defaults are those of networks that were trained on ImageNet.
    """

    size: int = 224
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    spread: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def standardised(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) in 0…1 → what the network takes."""
        mean, spread = (images.new_tensor(numbers)[:, None, None] for numbers in (self.mean, self.spread))
        return (images - mean) / spread


@dataclass(frozen=True, eq=False)
class HubVisionTrace(ClassifiedPhoto):
    """One photo on its way through a network: every SE and CBAM module in it, in the order in which they ran."""

    stages: tuple[StageTrace, ...]  # `features` is what the attention read


# A photo in a network with SE or CBAM: one that ships, or one of others.
StagedTrace = VisionTrace | HubVisionTrace


class HubVisionModel(nn.Module):
    """A convolutional network with SE or CBAM modules of its own; it is never written to.

    network: takes (B, 3, S, S) and returns logits (B, classes); classes: in output order, numbered where there are
    none; format: of its photos. Raises `UnsupportedModelError` where no SE and no CBAM module is found.
    """

    def __init__(
        self, network: nn.Module, classes: tuple[VisionClass, ...] = (), *, format: PhotoFormat | None = None
    ) -> None:
        super().__init__()
        self.format = format or PhotoFormat()
        self.attended = find_attention(network)
        self.architecture = type(network).__name__
        self.classes = classes
        self.training = self.attended.training  # every new module trains; this one is for inference

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The keys of `overrides`: the names of the SE and CBAM modules in the network."""
        return self.attended.places

    def forward(self, images: Tensor) -> Tensor:
        """images (B, 3, S, S) in 0…1 → logits (B, classes)."""
        logits: Tensor = self.attended(self.format.standardised(images))
        return logits

    @torch.no_grad()
    def trace(self, image: ImageLike, *, overrides: Overrides | None = None) -> HubVisionTrace:
        """As `VisionModel.trace`. Raises `ControlError`, `ShapeError`, `KindError`."""
        square, crop = to_square_tensor(image, self.format.size)
        square = square.to(next(self.attended.parameters()))
        found = self.attended.trace(self.format.standardised(square[None]), overrides=overrides)
        stages = tuple(
            StageTrace(name, _read(came, (overrides or {}).get(name, {})), came, came.output)
            for name, came in found.attentions.items()
        )
        return HubVisionTrace(stages=stages, **classified(square, crop, found.output[0], self.classes))

    def with_output(self, image: Tensor, stage: str, output: Tensor) -> Tensor:
        """The logits (1, classes) where the attention of one stage gives `output` (1, C, H, W) for a traced photo.

        image: (3, S, S), `HubVisionTrace.image`. Gradients flow into `output`. Raises `ControlError`.
        """
        logits: Tensor = self.attended.with_output(self.format.standardised(image[None]), stage, output)
        return logits


def _read(came: SqueezeExcitationTrace | CBAMTrace, controls: Mapping[str, Any]) -> Tensor:
    """What comes to an attention module, (1, C, H, W): to the half of CBAM that is first."""
    if not isinstance(came, CBAMTrace):
        return came.input
    return (came.spatial if controls.get("order") == "spatial-first" else came.channel).input


def attention_modules(model: VisionModel | HubVisionModel) -> dict[str, nn.Module]:
    """The SE and CBAM modules of a network by the name of their stage."""
    if isinstance(model, VisionModel):
        return dict(zip(model.stage_names, model.attentions, strict=True))
    return {part.name: part.attention for part in model.modules() if isinstance(part, Attended)}


def classified(
    square: Tensor, crop: tuple[int, int, int, int], logits: Tensor, classes: tuple[VisionClass, ...]
) -> dict[str, Any]:
    """The fields of a `ClassifiedPhoto`. Raises `ShapeError` where the classes are not as many as the logits."""
    named = classes or numbered(len(logits))
    if len(named) != len(logits):
        raise ShapeError(
            "hub.classes",
            f"{len(named)} classes came for a network with {len(logits)} outputs; expected one for each.",
            came=len(named),
            expected=len(logits),
        )
    return {
        "image": square,
        "crop": crop,
        "logits": logits,
        "probabilities": logits.float().softmax(dim=-1),
        "classes": named,
    }


def numbered(count: int) -> tuple[VisionClass, ...]:
    """Classes of which nothing is known but their number."""
    return tuple(VisionClass("", f"class {index}", f"类别 {index}", "") for index in range(count))


def imagenet_classes(shipped: tuple[VisionClass, ...]) -> tuple[VisionClass, ...]:
    """The 1,000 classes of ImageNet in torchvision's order; Chinese for those that the project's own networks know."""
    from torchvision.models import ResNet18_Weights

    known: Mapping[str, VisionClass] = {thing.en.lower(): thing for thing in shipped}
    names: list[str] = ResNet18_Weights.IMAGENET1K_V1.meta["categories"]
    return tuple(known.get(name.lower(), VisionClass("", name, name, "")) for name in names)
