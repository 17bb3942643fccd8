"""Vision transformers: attention between the patches of a photo, head by head, behind the traces of the text networks.

    tokens = class token (and others that the network adds), then the patches, row by row

Dosovitskiy et al. 2021, "An image is worth 16x16 words", §3.1. Networks of torchvision (`vit_b_16`, …) and of the
transformers library (ViT, DeiT, DINOv2, …).

S the side of the square photo, H heads, T tokens, D model width, d head width.
"""

from __future__ import annotations

import math
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attention_core.errors import UnsupportedModelError
from attention_core.inputs.image import ImageLike, to_square_tensor
from attention_core.mechanisms.multi_head import MultiHeadSelfAttention, MultiHeadTrace
from attention_core.models.hub.traces import attention_trace
from attention_core.models.hub.twin import Twin, copied
from attention_core.models.hub.vision import PhotoFormat, classified
from attention_core.models.vision import ClassifiedPhoto, VisionClass

TOLERANCE = 1e-4  # of the largest value


@dataclass(frozen=True, eq=False)
class PatchTrace(ClassifiedPhoto):
    """One photo on its way through a vision transformer.

    Token `special + row · columns + column` is the patch in that row and column; those before are the network's own,
    the class token first.
    """

    layers: tuple[MultiHeadTrace, ...]  # B = 1
    grid: tuple[int, int]  # rows, columns of patches
    special: int  # tokens before the patches

    def seen_from(self, layer: int, token: int = 0) -> Tensor:
        """How much each head of a layer looks from a token, the class token by default, at every patch: (H, rows,
        columns). What it gives to the special tokens is missing to 1."""
        weights = self.layers[layer].weights[0, :, token, self.special :]  # (H, rows · columns)
        return weights.reshape(len(weights), *self.grid)


class HubPatchModel(nn.Module):
    """A vision transformer; it is never written to.

    network: takes (B, 3, S, S); classes, format: as in `HubVisionModel`. A network without a classifier has no logits.
    Raises `UnsupportedModelError` where its attention cannot be read.
    """

    def __init__(
        self, network: nn.Module, classes: tuple[VisionClass, ...] = (), *, format: PhotoFormat | None = None
    ) -> None:
        super().__init__()
        self.network = network
        self.format = format or PhotoFormat()
        self.architecture = type(network).__name__
        self.classes = classes
        self._reader = _TransformersReader(network) if hasattr(network, "config") else _TorchReader(network)
        self._check()

    def forward(self, images: Tensor) -> Tensor:
        """images (B, 3, S, S) in 0…1 → logits (B, classes), as the network itself computes them."""
        return _logits(self.network(self.format.standardised(images)))

    @torch.no_grad()
    def trace(self, image: ImageLike) -> PatchTrace:
        """As `VisionModel.trace`. Raises `ControlError`, `ShapeError`, `KindError`."""
        square, crop = to_square_tensor(image, self.format.size)
        square = square.to(next(self.network.parameters()))
        output, layers = self._reader.read(self.format.standardised(square[None]))
        return PatchTrace(
            layers=layers,
            grid=self.grid,
            special=layers[0].weights.shape[-1] - math.prod(self.grid),
            **classified(square, crop, _logits(output)[0], self.classes),
        )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        height, width = self._reader.patch
        return self.format.size // height, self.format.size // width

    @torch.no_grad()
    def _check(self) -> None:
        """That every layer's attention is read, between all patches, and that reading changes nothing."""
        size, generator = self.format.size, torch.Generator().manual_seed(0)
        images = torch.rand(1, 3, size, size, generator=generator).to(next(self.network.parameters()))
        expected = _vectors(copied(self.network)(images))
        output, layers = self._reader.read(images)
        tokens = {layer.weights.shape[-1] for layer in layers}
        whole = len(tokens) == 1 and min(tokens) >= math.prod(self.grid) and all(len(x.weights) == 1 for x in layers)
        difference = (_vectors(output) - expected).abs().max()
        if not whole or difference > TOLERANCE * expected.abs().max():
            raise _unread(self.network)


def _vectors(output: Any) -> Tensor:
    """The logits of whatever the network returns, or its last hidden state."""
    vectors: Tensor = output if isinstance(output, Tensor) else getattr(output, "logits", output[0])
    return vectors


def _logits(output: Any) -> Tensor:
    """(B, classes) of whatever the network returns; (B, 0) where it classifies nothing."""
    vectors = _vectors(output)
    return vectors if vectors.dim() == 2 else vectors.new_zeros(len(vectors), 0)


class _TransformersReader:
    """Reads through the library's attention interface."""

    def __init__(self, network: Any) -> None:
        side = getattr(network.config, "patch_size", None)
        if side is None:
            raise _unread(network)
        self.patch = (side, side) if isinstance(side, int) else tuple(side)
        self._network = network

    def read(self, images: Tensor) -> tuple[Any, tuple[MultiHeadTrace, ...]]:
        output, recording = Twin(self._network).run(pixel_values=images)
        return output, tuple(attention_trace(attention) for attention in recording.attentions)


_TRACES: ContextVar[list[MultiHeadTrace] | None] = ContextVar("attention_core_patches", default=None)


class _Heads(nn.Module):
    """Stands where torch's attention stood, in a copy of the network."""

    def __init__(self, attention: MultiHeadSelfAttention) -> None:
        super().__init__()
        self.attention = attention
        self.batch_first = True

    def forward(self, query: Tensor, key: Tensor, value: Tensor, **_: Any) -> tuple[Tensor, None]:
        traces = _TRACES.get()
        if traces is None:
            return self.attention(query), None
        traces.append(self.attention.trace(query.clone()))
        return traces[-1].output.clone(), None


class _TorchReader:
    """Reads `nn.MultiheadAttention` where it is self-attention, as in torchvision's transformers."""

    def __init__(self, network: nn.Module) -> None:
        twin = copied(network)
        found = {name: part for name, part in twin.named_modules() if isinstance(part, nn.MultiheadAttention)}
        side = getattr(network, "patch_size", None)
        if not found or side is None:
            raise _unread(network)
        self.patch = (side, side) if isinstance(side, int) else tuple(side)
        for name, part in found.items():
            holder, _, key = name.rpartition(".")
            attention = MultiHeadSelfAttention.from_torch(part).eval().requires_grad_(False)
            twin.get_submodule(holder).add_module(key, _Heads(attention))
        self._twin = twin

    def read(self, images: Tensor) -> tuple[Any, tuple[MultiHeadTrace, ...]]:
        traces: list[MultiHeadTrace] = []
        token = _TRACES.set(traces)
        try:
            return self._twin(images), tuple(traces)
        finally:
            _TRACES.reset(token)


def _unread(network: nn.Module) -> UnsupportedModelError:
    name = type(network).__name__
    return UnsupportedModelError(
        "hub.no_patches",
        f"{name} is no vision transformer that can be read; expected one of torchvision or of the transformers "
        "library, such as vit_b_16.",
        name=name,
    )
