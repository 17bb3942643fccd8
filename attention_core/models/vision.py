"""One small residual network in three builds that differ in nothing but the attention after each stage.

    stem → (residual blocks of a stage → attention) × n → Σ M·F / Σ M over positions → linear

He et al. 2016 for the residual block. The attention sits on the trunk, after the stage, where no shortcut can carry the
unattended features past it. M is the last spatial mask of the CBAM build; without one, M ≡ 1 makes it average pooling.

B batch, C channels, H × W the map, S the side of the square photo.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from attention_core.errors import ControlError
from attention_core.inputs.image import ImageLike, to_square_tensor
from attention_core.mechanisms.cbam import CBAM, Border, CBAMTrace
from attention_core.mechanisms.checks import check_shape
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation, SqueezeExcitationTrace
from attention_core.mechanisms.trace import Trace
from attention_core.models.overrides import Overrides, checked_overrides

AttentionKind = Literal["plain", "se", "cbam"]
PIXEL_MEAN, PIXEL_SPREAD = 0.45, 0.27  # of all training pixels; one number for the three colours keeps greys grey


@dataclass(frozen=True)
class VisionConfig:
    """Sizes of the network.

    widths: C of each stage; strides: the step of each stage's first convolution; depths: residual blocks of each stage;
    dilations: of both convolutions of each block, as Yu & Koltun 2016 use them: the last block sees most of the photo
    and keeps its fine positions; stem_stride: the step of the convolution before the stages; borders: what the spatial
    masks' convolution of each stage sees around its map, empty = zeros everywhere.
    """

    attention: AttentionKind
    classes: int
    widths: tuple[int, ...] = (32, 64, 128, 192)
    strides: tuple[int, ...] = (1, 2, 2, 1)
    depths: tuple[int, ...] = (1, 1, 2, 2)
    dilations: tuple[int, ...] = (1,) * 10 + (2, 2)
    stem_stride: int = 1
    image_size: int = 64
    reduction: int = 8
    borders: tuple[Border, ...] = ()

    def __post_init__(self) -> None:
        stages, blocks = len(self.widths), sum(self.depths)
        came = (len(self.strides), len(self.depths), len(self.dilations))
        if came != (stages, stages, 2 * blocks):
            raise ControlError(
                "control.stages",
                f"{stages} widths and {blocks} blocks came with {came[0]} strides, {came[1]} depths and {came[2]} "
                f"dilations; expected {stages} strides and {stages} depths, one a stage, and {2 * blocks} dilations, "
                "two a block.",
                came=came,
                expected=(stages, stages, 2 * blocks),
            )
        if self.borders and len(self.borders) != stages:
            raise ControlError(
                "control.stages",
                f"{stages} widths came with {len(self.borders)} borders; expected {stages}, one a stage, or none.",
                came=len(self.borders),
                expected=stages,
            )


@dataclass(frozen=True)
class VisionClass:
    """A thing that the network can name. wnid: its WordNet id; group: key of its kind, such as "dog"."""

    wnid: str
    en: str
    zh: str
    group: str


@dataclass(frozen=True, eq=False)
class StageTrace(Trace):
    """One stage: what comes out of its convolutions, and what attention makes of it."""

    name: str
    features: Tensor  # (1, C, H, W) before attention
    attention: SqueezeExcitationTrace | CBAMTrace | None
    output: Tensor  # (1, C, H, W) after attention; the features themselves where there is none

    @property
    def spatial_mask(self) -> Tensor | None:
        """(1, 1, H, W), or None for a stage without one."""
        return self.attention.spatial.mask if isinstance(self.attention, CBAMTrace) else None


@dataclass(frozen=True, eq=False)
class ClassifiedPhoto(Trace):
    """What every network makes of one photo: the square that it saw, and what it takes it for."""

    image: Tensor  # (3, S, S) in 0…1, as the network saw it
    crop: tuple[int, int, int, int]  # left, top, right, bottom of that square in the photo's own pixels
    logits: Tensor  # (classes,)
    probabilities: Tensor  # (classes,)
    classes: tuple[VisionClass, ...]

    def top(self, k: int = 5) -> list[tuple[VisionClass, float]]:
        """The k likeliest classes with their probabilities, likeliest first."""
        best = self.probabilities.topk(min(k, len(self.classes)))
        return [
            (self.classes[index], probability)
            for index, probability in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]


@dataclass(frozen=True, eq=False)
class VisionTrace(ClassifiedPhoto):
    """One photo on its whole way through the network."""

    stages: tuple[StageTrace, ...]
    pooled: Tensor  # (C,)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions, d positions apart, and a shortcut around them. dilations: d of each."""

    def __init__(self, channels_in: int, channels: int, stride: int, dilations: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        first, second = dilations
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=first, dilation=first, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=second, dilation=second, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C', H', W') → (B, C, H, W)."""
        branch: Tensor = self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))
        added: Tensor = branch + self.shortcut(x)
        return added.relu()


def _stages(config: VisionConfig) -> Iterator[nn.Sequential]:
    """The residual blocks of each stage; only the first block of a stage changes width and steps."""
    dilations = zip(config.dilations[::2], config.dilations[1::2], strict=True)
    before = config.widths[0]
    for width, stride, depth in zip(config.widths, config.strides, config.depths, strict=True):
        blocks = []
        for number in range(depth):
            blocks.append(ResidualBlock(before, width, stride if number == 0 else 1, next(dilations)))
            before = width
        yield nn.Sequential(*blocks)


def _attention(kind: AttentionKind, channels: int, reduction: int, border: Border) -> nn.Module:
    if kind == "se":
        return SqueezeExcitation(channels, reduction)
    if kind == "cbam":
        return CBAM(channels, reduction, border=border)
    return nn.Identity()


class VisionModel(nn.Module):
    """Names the main thing in a photo. `stage_names` are the keys of `overrides` in `trace`."""

    def __init__(self, config: VisionConfig, classes: tuple[VisionClass, ...] = ()) -> None:
        super().__init__()
        if config.attention not in get_args(AttentionKind):
            raise ControlError(
                "control.attention",
                f"attention is {config.attention!r}; expected one of {', '.join(get_args(AttentionKind))}.",
                came=config.attention,
            )
        self.config = config
        self.classes = classes
        first = config.widths[0]
        self.stem = nn.Sequential(
            nn.Conv2d(3, first, 3, stride=config.stem_stride, padding=1, bias=False), nn.BatchNorm2d(first), nn.ReLU()
        )
        self.stages = nn.ModuleList(_stages(config))
        zeros: list[Border] = ["zeros"] * len(config.widths)
        self.attentions = nn.ModuleList(
            _attention(config.attention, width, config.reduction, border)
            for width, border in zip(config.widths, config.borders or zeros, strict=True)
        )
        self.classifier = nn.Linear(config.widths[-1], config.classes)

    @property
    def stage_names(self) -> tuple[str, ...]:
        """ "stage1", "stage2", … from the photo to the prediction."""
        return tuple(f"stage{index + 1}" for index in range(len(self.stages)))

    def forward(self, images: Tensor) -> Tensor:
        """The fast path: images (B, 3, S, S) in 0…1 → logits (B, classes). Raises `ShapeError`, `KindError`."""
        check_shape("images", images, ("B", 3, "S", "S"), self.classifier.weight.dtype)
        return self._onward(0, self.stem(self._standardised(images)), None)

    def from_stage(self, stage: StageTrace) -> Tensor:
        """The rest of the way: a traced stage, of one photo or of B → logits (B, classes).

        It goes on from `output`, in which `dataclasses.replace(stage, output=…)` puts other features. After the last
        stage its mask stays as traced: what the pooling divides by does not follow from the output. Later stages run as
        in `forward`, without the what-if controls of a trace. Raises `ControlError` for an unknown stage, `ShapeError`.
        """
        if stage.name not in self.stage_names:
            raise ControlError(
                "control.stage",
                f"the trace is of {stage.name!r}; expected one of {', '.join(self.stage_names)}.",
                came=stage.name,
                expected=self.stage_names,
            )
        index = self.stage_names.index(stage.name)
        check_shape("output", stage.output, ("B", self.config.widths[index], "H", "W"), self.classifier.weight.dtype)
        return self._onward(index + 1, stage.output, stage.spatial_mask)

    def attended(self, images: Tensor) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The fast path stage by stage: (output (B, C, H, W), spatial mask (B, 1, H, W) or None).

        Unlike a trace it moves the norms' statistics in training mode: for losses on stages.
        """
        yield from self._walk(0, self.stem(self._standardised(images)))

    def _walk(self, first: int, x: Tensor) -> Iterator[tuple[Tensor, Tensor | None]]:
        """From what enters the stage of index `first` (B, C, H, W): output and mask of each stage from there on."""
        for stage, attention in list(zip(self.stages, self.attentions, strict=True))[first:]:
            x, mask = stage(x), None
            if isinstance(attention, CBAM):
                # The last mask is needed again for the pooling.
                x = attention.channel(x)
                mask = attention.spatial.mask(x)
                x = x * mask
            else:
                x = attention(x)
            yield x, mask

    def _onward(self, first: int, x: Tensor, mask: Tensor | None) -> Tensor:
        """What enters the stage of index `first` (B, C, H, W), and the mask that made it → logits (B, classes)."""
        for attended in self._walk(first, x):
            x, mask = attended
        logits: Tensor = self.classifier(masked_mean(x, mask))
        return logits

    @torch.no_grad()
    def trace(self, image: ImageLike, *, overrides: Overrides | None = None) -> VisionTrace:
        """The whole way of a photo through the network.

        image: PIL image, uint8 array (H, W, 3) or float tensor (3, H, W) in 0…1; the largest centred square is used.
        overrides: stage name → what-if controls of that stage's attention, such as
        {"stage2": {"gate_override": tensor}}. Raises `ControlError`, `ShapeError`, `KindError`.
        """
        attentions = dict(zip(self.stage_names, self.attentions, strict=True))
        controls = checked_overrides(overrides, attentions, "stage", lambda _: f"the {self.config.attention} network")
        square, crop = to_square_tensor(image, self.config.image_size)
        square = square.to(self.classifier.weight)  # its device and its dtype
        # In training mode the norms move their running statistics: a copy's, as a trace leaves no mark on the module.
        network = copy.deepcopy(self) if self.training else self
        stages = network.stage_traces(square[None], controls)
        pooled = masked_mean(stages[-1].output, stages[-1].spatial_mask)
        logits = self.classifier(pooled)
        return VisionTrace(
            image=square,
            crop=crop,
            stages=stages,
            pooled=pooled[0],
            logits=logits[0],
            probabilities=logits[0].float().softmax(dim=-1),
            classes=self.classes,
        )

    def stage_traces(self, images: Tensor, controls: Overrides | None = None) -> tuple[StageTrace, ...]:
        """The stages of `trace` for B photos at once: images (B, 3, S, S) in 0…1; controls: its `overrides`, checked.

        Gradients flow, and norms in training mode move their statistics: `trace` sees to both.
        """
        x = self.stem(self._standardised(images))
        stages = []
        for name, stage, attention in zip(self.stage_names, self.stages, self.attentions, strict=True):
            features = stage(x)
            traced: SqueezeExcitationTrace | CBAMTrace | None = None
            x = features
            if isinstance(attention, SqueezeExcitation | CBAM):
                traced = attention.trace(features, **(controls or {}).get(name, {}))
                x = traced.output
            stages.append(StageTrace(name, features, traced, x))
        return tuple(stages)

    def _standardised(self, images: Tensor) -> Tensor:
        return (images - PIXEL_MEAN) / PIXEL_SPREAD


def masked_mean(features: Tensor, mask: Tensor | None) -> Tensor:
    """Σ M·F / Σ M over positions: masked features (B, C, H, W) and mask (B, 1, H, W) → (B, C); no mask: the mean."""
    if mask is None:
        return features.mean(dim=(2, 3))
    # A mask that somebody painted all black keeps nothing: zeros, not NaN.
    return features.sum(dim=(2, 3)) / mask.sum(dim=(2, 3)).clamp_min(1e-6)
