"""Vision transformers: every layer's attention, as the network itself computes it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
import torch
import torchvision
import transformers
from torch import Tensor, nn

from attention_core.errors import UnsupportedModelError
from attention_core.models.hub.patches import HubPatchModel
from attention_core.models.hub.vision import PhotoFormat
from tests.models.photo_networks import HEADS, LAYERS, PATCH, SIDE, of_torchvision
from tests.models.photo_networks import PATCHED as NETWORKS
from tests.models.photo_networks import patched as original

TRANSFORMERS = [name for name in NETWORKS if not name.startswith("torchvision")]


@cache
def read(name: str) -> HubPatchModel:
    return HubPatchModel(original(name), format=PhotoFormat(SIDE))


def photo(seed: int = 0) -> Tensor:
    return torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_trace_gives_what_the_network_gives(name: str) -> None:
    model = read(name)
    trace = model.trace(photo())
    assert len(trace.layers) == LAYERS
    assert trace.grid == (SIDE // PATCH, SIDE // PATCH)
    assert trace.special == NETWORKS[name][1]
    with torch.no_grad():
        torch.testing.assert_close(trace.logits, model(photo()[None])[0], atol=1e-5, rtol=1e-5)
    for layer in trace.layers:
        T = trace.special + 16
        assert layer.weights.shape == (1, HEADS, T, T)
        torch.testing.assert_close(layer.weights.sum(dim=-1), torch.ones(1, HEADS, T))
        torch.testing.assert_close(layer.head_outputs, layer.weights @ layer.value)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_the_weights_are_those_of_the_librarys_eager_attention(name: str) -> None:
    torch.manual_seed(0)
    eager = NETWORKS[name][0]().eval()
    eager.set_attn_implementation("eager")  # type: ignore[operator]
    with torch.no_grad():
        expected = eager(read(name).format.standardised(photo()[None]), output_attentions=True).attentions
    for layer, weights in zip(read(name).trace(photo()).layers, expected, strict=True):
        torch.testing.assert_close(layer.weights, weights, atol=1e-6, rtol=1e-5)


def test_the_weights_of_torchvision_are_those_of_its_modules() -> None:
    name = "torchvision VisionTransformer"
    seen: list[Tensor] = []
    network = original(name)
    torch.manual_seed(0)
    watched = of_torchvision().eval()
    watched.load_state_dict(network.state_dict())
    for part in watched.modules():
        if isinstance(part, nn.MultiheadAttention):
            part.forward = weighed(part.forward, seen)  # type: ignore[method-assign]
    with torch.no_grad():
        watched(read(name).format.standardised(photo()[None]))
    for layer, weights in zip(read(name).trace(photo()).layers, seen, strict=True):
        torch.testing.assert_close(layer.weights, weights, atol=1e-6, rtol=1e-5)


def weighed(forward: Callable[..., tuple[Tensor, Tensor]], seen: list[Tensor]) -> Callable[..., tuple[Tensor, None]]:
    def asked(query: Tensor, key: Tensor, value: Tensor, **_: object) -> tuple[Tensor, None]:
        output, weights = forward(query, key, value, need_weights=True, average_attn_weights=False)
        seen.append(weights)
        return output, None

    return asked


def test_a_token_looks_at_the_patches_where_they_lie() -> None:
    trace = read("DeiT").trace(photo())
    maps = trace.seen_from(1)
    assert maps.shape == (HEADS, 4, 4)
    assert maps[2, 1, 3] == trace.layers[1].weights[0, 2, 0, 2 + 4 + 3]
    assert trace.seen_from(0, token=7)[0, 0, 0] == trace.layers[0].weights[0, 0, 7, 2]


def test_the_patch_that_is_changed_is_the_one_that_is_named() -> None:
    """The first layer's keys of patch (row 2, column 1) alone follow the pixels there."""
    model, other = read("torchvision VisionTransformer"), photo()
    other[:, 2 * PATCH : 3 * PATCH, PATCH : 2 * PATCH] = 0.5
    before, after = model.trace(photo()).layers[0].key, model.trace(other).layers[0].key
    moved = (before - after).abs().amax(dim=(0, 1, 3)) > 1e-6
    assert moved.nonzero().flatten().tolist() == [1 + 2 * 4 + 1]


@pytest.mark.parametrize("name", ["torchvision VisionTransformer", "ViT"])
def test_the_network_is_left_alone(name: str) -> None:
    network = original(name)
    kinds, hooks = [type(part) for part in network.modules()], [len(part._forward_hooks) for part in network.modules()]
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    HubPatchModel(network, format=PhotoFormat(SIDE)).trace(photo())
    assert [type(part) for part in network.modules()] == kinds
    assert [len(part._forward_hooks) for part in network.modules()] == hooks
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())


@pytest.mark.parametrize("name", ["torchvision VisionTransformer", "ViT"])
def test_threads_do_not_mix(name: str) -> None:
    model = read(name)
    alone = [model.trace(photo(seed)).layers[1].weights for seed in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda i: model.trace(photo(i % 2)).layers[1].weights, range(8)))
    for i, weights in enumerate(together):
        torch.testing.assert_close(weights, alone[i % 2])


def test_what_is_no_vision_transformer_is_refused() -> None:
    swin = transformers.SwinConfig(
        image_size=SIDE, patch_size=2, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4
    )
    for network in (torchvision.models.resnet18(), transformers.SwinForImageClassification(swin)):
        with pytest.raises(UnsupportedModelError, match="vit_b_16"):
            HubPatchModel(network.eval(), format=PhotoFormat(SIDE))
