"""SE and CBAM that a network has already, traced where they stand: torchvision's, timm's, pytorchcv's.

A module counts as found where its parts are those of SE or CBAM and the mathematics here gives what it gives.

B batch, C channels, H × W the map.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from attention_core.errors import ControlError, KindError, UnsupportedModelError
from attention_core.mechanisms.cbam import CBAM, ChannelAttention
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation, copy_pointwise
from attention_core.models.hub.twin import copied
from attention_core.models.insertion import Attended, AttendedModel

PROBE = (2, 5, 7)  # B, H, W of the random maps on which both have to agree
TOLERANCE = 1e-5  # of the largest value


def find_attention(model: nn.Module) -> AttendedModel:
    """`model` with a trace of the SE and CBAM modules in it; `model` itself is left as it is, and shares its tensors.

    The result is for inference. `places` are the names of the modules in `model`, and what it returns is what `model`
    returns in evaluation mode, to rounding. What `insert_attention` has put in is among them. Raises
    `UnsupportedModelError` where no such module is found.
    """
    network = copied(model.network if isinstance(model, AttendedModel) else model)
    inserted = {part.attention for part in network.modules() if isinstance(part, Attended)}
    found = {
        name: attention
        for name, part in network.named_modules()
        if part not in inserted and (attention := _converted(part))
    }
    if not found and not inserted:
        raise UnsupportedModelError(
            "hub.no_attention",
            f"{type(model).__name__} has no SE and no CBAM module that can be read; expected a network such as "
            "mobilenet_v3_small or cbam_resnet18. `insert_attention` puts such modules into a network without.",
            name=type(model).__name__,
        )
    for name, attention in found.items():
        holder, _, key = name.rpartition(".")
        network.get_submodule(holder).add_module(key, Attended(name, nn.Identity(), attention))
    return AttendedModel(network).eval()


def own(module: nn.Module) -> SqueezeExcitation | CBAM:
    """This project's modules, as they are. Raises `KindError` for anything else."""
    if not isinstance(module, SqueezeExcitation | CBAM):
        raise _other(module, "a SqueezeExcitation or a CBAM")
    return copied(module)


def se_from_pytorchcv(module: nn.Module) -> SqueezeExcitation:
    """A copy of pytorchcv's `SEBlock`. Raises `KindError` for anything else."""
    parts = ("fc1", "fc2") if hasattr(module, "fc1") else ("conv1", "conv2")
    reduce, expand = (getattr(module, part, None) for part in parts)
    activation, gate = (getattr(module, part, None) for part in ("activ", "sigmoid"))
    if type(module).__name__ != "SEBlock" or not all(
        isinstance(part, nn.Module) for part in (reduce, expand, activation, gate)
    ):
        raise _other(module, "pytorchcv's SEBlock")
    assert isinstance(reduce, nn.Linear | nn.Conv2d) and isinstance(expand, nn.Linear | nn.Conv2d)
    assert isinstance(activation, nn.Module) and isinstance(gate, nn.Module)
    channels, hidden = reduce.weight.shape[1], reduce.weight.shape[0]
    converted = SqueezeExcitation(
        channels, hidden_channels=hidden, activation=lambda: copied(activation), gate=lambda: copied(gate)
    ).to(reduce.weight.device, reduce.weight.dtype)
    for source, target in ((reduce, converted.reduce), (expand, converted.expand)):
        _copy(source, target)
    return converted


def cbam_from_pytorchcv(module: nn.Module) -> CBAM:
    """A copy of pytorchcv's `CbamBlock`. Raises `KindError` for anything else."""
    channel: Any = getattr(module, "ch_gate", None)
    spatial: Any = getattr(module, "sp_gate", None)
    if (type(channel).__name__, type(spatial).__name__) != ("ChannelGate", "SpatialGate"):
        raise _other(module, "pytorchcv's CbamBlock")
    reduce, expand, convolution = channel.mlp.fc1, channel.mlp.fc2, spatial.conv.conv
    norm = spatial.conv.bn
    converted = CBAM(reduce.in_features, kernel_size=convolution.kernel_size[0])
    converted.channel = ChannelAttention(reduce.in_features, hidden_channels=reduce.out_features)
    converted.spatial.norm = nn.BatchNorm2d(1, eps=norm.eps, momentum=norm.momentum)
    converted = converted.to(reduce.weight.device, reduce.weight.dtype)
    for source, target in (
        (reduce, converted.channel.reduce),
        (expand, converted.channel.expand),
        (convolution, converted.spatial.conv),
        (norm, converted.spatial.norm),
    ):
        target.load_state_dict(source.state_dict())
    return converted


_CONVERTERS: tuple[Callable[[nn.Module], SqueezeExcitation | CBAM], ...] = (
    own,
    SqueezeExcitation.from_torchvision,
    CBAM.from_timm,
    se_from_pytorchcv,
    cbam_from_pytorchcv,
)


def _converted(module: nn.Module) -> SqueezeExcitation | CBAM | None:
    """The module as one of this project's, or None for anything that is not, or not exactly, SE or CBAM."""
    for convert in _CONVERTERS:
        try:
            attention = convert(module).eval().requires_grad_(False)
        except (KindError, ControlError):
            continue
        return attention if _agree(module, attention) else None
    return None


@torch.no_grad()
def _agree(module: nn.Module, attention: SqueezeExcitation | CBAM) -> bool:
    channel = attention.channel if isinstance(attention, CBAM) else attention
    B, H, W = PROBE
    weight = channel.reduce.weight
    probe = torch.randn(B, channel.channels, H, W, generator=torch.Generator().manual_seed(0)).to(weight)
    expected = module(probe.clone())
    tolerance = TOLERANCE if weight.dtype in (torch.float32, torch.float64) else torch.finfo(weight.dtype).eps * 4
    return bool((attention(probe) - expected).abs().max() <= tolerance * expected.abs().max())


def _copy(source: nn.Linear | nn.Conv2d, target: nn.Linear) -> None:
    if isinstance(source, nn.Conv2d):
        copy_pointwise(source, target)
    else:
        target.load_state_dict(source.state_dict())


def _other(module: nn.Module, expected: str) -> KindError:
    name = type(module).__name__
    return KindError("convert.kind", f"got a {name}; expected {expected}.", came=name)
