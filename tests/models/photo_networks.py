"""Small photo networks of many architectures with random weights: with SE or CBAM, and vision transformers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
import torchvision
import transformers
from pytorchcv.model_provider import get_model
from timm.layers import create_attn
from torch import Tensor, nn

# name → (how many SE or CBAM modules, side of the photo)
GATED = {
    "torchvision/mobilenet_v3_small": (9, 64),
    "torchvision/mobilenet_v3_large": (8, 64),
    "torchvision/efficientnet_b0": (16, 64),
    "torchvision/regnet_y_400mf": (16, 64),
    "pytorchcv/cbam_resnet18": (8, 224),
    "pytorchcv/seresnet18": (8, 224),
    "pytorchcv/mobilenetv3_small_w7d20": (9, 224),
    "timm/cbam": (1, 32),
}


@cache
def gated(name: str) -> nn.Module:
    """A network with random weights, its norms fitted so that a photo reaches the output; never changed."""
    library, _, short = name.partition("/")
    torch.manual_seed(0)
    model: nn.Module
    if library == "torchvision":
        model = torchvision.models.get_model(short)
    elif library == "pytorchcv":
        model = get_model(short)
    else:
        attention = create_attn("cbam", 16)
        model = nn.Sequential(nn.Conv2d(3, 16, 3), attention, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5))
    norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model.train()(photos(name, 2, seed=9))
    return model.double().eval()  # so that two orders of one sum differ by nothing that matters


def fitted(network: nn.Module) -> nn.Module:
    """A network of 224 pixels whose norms fit a photo, so that something reaches the output."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(1)))
    return network.eval()


def photos(name: str, count: int = 1, seed: int = 0) -> Tensor:
    side = GATED[name][1]
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


SIDE, PATCH, HEADS, LAYERS = 32, 8, 3, 2
SIZES = {
    "hidden_size": 24,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": 30,
    "image_size": SIDE,
    "patch_size": PATCH,
    "num_labels": 5,
}


def of_torchvision() -> nn.Module:
    network = torchvision.models.VisionTransformer(SIDE, PATCH, LAYERS, HEADS, 24, 30, num_classes=5)
    nn.init.normal_(network.heads[0].weight)  # it starts at 0
    return network


# name → (the network, tokens before the patches)
PATCHED: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "torchvision VisionTransformer": (of_torchvision, 1),
    "ViT": (lambda: transformers.ViTForImageClassification(transformers.ViTConfig(**SIZES)), 1),
    "ViT without a classifier": (lambda: transformers.ViTModel(transformers.ViTConfig(**SIZES)), 1),
    "DeiT": (lambda: transformers.DeiTForImageClassification(transformers.DeiTConfig(**SIZES)), 2),
    "DINOv2": (lambda: transformers.Dinov2ForImageClassification(transformers.Dinov2Config(**SIZES)), 1),
    "DINOv2 with registers": (
        lambda: transformers.Dinov2WithRegistersForImageClassification(
            transformers.Dinov2WithRegistersConfig(**SIZES, num_register_tokens=4)
        ),
        5,
    ),
    "BEiT": (lambda: transformers.BeitForImageClassification(transformers.BeitConfig(**SIZES)), 1),
}


@cache
def patched(name: str) -> nn.Module:
    """A vision transformer with random weights; never changed."""
    torch.manual_seed(0)
    return PATCHED[name][0]().eval()
