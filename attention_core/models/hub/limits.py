"""Whether there is room for a network of others: what it will take is known before anything large is built."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from attention_core.errors import UnsupportedModelError
from attention_core.models.hub.photos import prepared_size

TRACE_BYTES = 10**9  # that the scores and weights of one photo's trace may take, H·T² each in every layer


def bytes_of(model: nn.Module) -> int:
    """The memory that its tensors take."""
    return sum(tensor.nbytes for tensor in itertools.chain(model.parameters(), model.buffers()))


def check_size(name: str, size: int, limit: int) -> None:
    """Raises `UnsupportedModelError` for a network of `size` bytes where there is room for `limit`."""
    if size > limit:
        raise UnsupportedModelError(
            "model.too_large",
            f"{name} takes {size / 1e9:.1f} GB of memory; the limit is {limit / 1e9:.1f} GB.",
            name=name,
            came=f"{size / 1e9:.1f}",
            limit=f"{limit / 1e9:.1f}",
        )


def check_torchvision(name: str, architecture: str, limit: int) -> None:
    """The same, and for the trace of one photo, before the weights of a network of torchvision are fetched."""
    from torchvision.models import VisionTransformer, get_model, get_model_weights, list_models

    if architecture not in list_models():
        return  # the loading says so
    with torch.device("meta"):
        built = get_model(architecture, weights=None)
    check_size(name, 4 * sum(parameter.numel() for parameter in built.parameters()), limit)
    if isinstance(built, VisionTransformer):
        block: Any = built.encoder.layers[0]
        preset: Any = get_model_weights(architecture).DEFAULT.transforms()
        heads = block.self_attention.num_heads * len(built.encoder.layers)
        _check_patches(name, preset.crop_size[0] // built.patch_size, heads)


def check_config(name: str, config: Mapping[str, Any], prepared: dict[str, Any], size: int | None = None) -> None:
    """The same for the trace of one photo through a network of transformers, by its configs: its own, and that of how
    photos are prepared. size: of the photos; None: the smallest that it may be."""
    try:
        side = size or min(prepared_size(prepared) or config["image_size"], config["image_size"])
        patches = side // config["patch_size"]
        heads = config["num_hidden_layers"] * config["num_attention_heads"]
    except (KeyError, TypeError):
        return  # the loading says what is wrong with it, if anything
    _check_patches(name, patches, heads)


def _check_patches(name: str, side: int, heads: int) -> None:
    """side: patches in a row of the photo; heads: of all layers together."""
    tokens = side**2 + 1
    needed = 2 * 4 * heads * tokens**2
    if needed > TRACE_BYTES:
        raise UnsupportedModelError(
            "model.too_many_patches",
            f"{name} cuts a photo into {tokens} tokens: the attention weights of all its layers would take "
            f"{needed / 1e9:.1f} GB; the limit is {TRACE_BYTES / 1e9:.1f} GB.",
            name=name,
            came=tokens,
            needed=f"{needed / 1e9:.1f}",
            limit=f"{TRACE_BYTES / 1e9:.1f}",
        )
