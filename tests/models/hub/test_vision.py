"""Networks of torchvision, pytorchcv and timm: what is traced is what the network's own modules compute."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
import torch
import torchvision
from torch import Tensor, nn

from attention_core.errors import ControlError, ShapeError, UnsupportedModelError
from attention_core.mechanisms.cbam import CBAM, CBAMTrace
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation
from attention_core.models.hub.found import find_attention
from attention_core.models.hub.vision import HubVisionModel, PhotoFormat, imagenet_classes
from attention_core.models.insertion import insert_attention
from attention_core.models.registry import vision_classes
from attention_core.models.vision import VisionClass
from tests.models.photo_networks import GATED as NETWORKS
from tests.models.photo_networks import gated as original
from tests.models.photo_networks import photos


@cache
def read(name: str) -> HubVisionModel:
    return HubVisionModel(original(name), format=PhotoFormat(NETWORKS[name][1]))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_trace_is_what_the_networks_own_modules_compute(name: str) -> None:
    model, (photo,) = read(name), photos(name)
    trace = model.trace(photo)
    assert len(trace.stages) == len(model.stage_names) == NETWORKS[name][0]
    watched, seen = copy.deepcopy(original(name)), {}
    for stage in model.stage_names:
        watched.get_submodule(stage).register_forward_hook(
            lambda _, came, gave, stage=stage: seen.update({stage: (came[0].clone(), gave.clone())})
        )
    with torch.no_grad():
        logits = watched(model.format.standardised(photo[None].double()))[0]
    close(trace.logits, logits)
    close(model(photo[None].double())[0], logits)
    assert list(seen) == [stage.name for stage in trace.stages]
    for stage in trace.stages:
        came, gave = seen[stage.name]
        close(stage.features, came)
        close(stage.output, gave)
        gates = stage.attention.channel.weights if isinstance(stage.attention, CBAMTrace) else stage.attention.weights
        assert gates.shape == (1, stage.features.shape[1])
        assert gates.min() >= 0 and gates.max() <= 1


def close(came: Tensor, expected: Tensor) -> None:
    assert (came - expected).abs().max() <= 1e-9 * expected.abs().max()


def test_the_network_is_left_alone_and_shares_its_tensors() -> None:
    network = original("torchvision/mobilenet_v3_small")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    model = HubVisionModel(network)
    model.trace(torch.rand(3, 64, 64))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in network.modules())
    assert sum(isinstance(part, torchvision.ops.SqueezeExcitation) for part in network.modules()) == 9
    own = {tensor.data_ptr() for tensor in network.parameters()}
    copies = [tensor for tensor in model.attended.parameters() if tensor.data_ptr() not in own]
    se = [p for m in network.modules() if isinstance(m, torchvision.ops.SqueezeExcitation) for p in m.parameters()]
    assert sum(tensor.numel() for tensor in copies) == sum(tensor.numel() for tensor in se)


def test_a_gate_can_be_shut() -> None:
    model = read("torchvision/mobilenet_v3_small")
    (photo,) = photos("torchvision/mobilenet_v3_small")
    last = model.stage_names[-1]
    shut = torch.zeros(model.trace(photo).stages[-1].features.shape[1])
    changed = model.trace(photo, overrides={last: {"gate_override": shut}})
    assert not changed.stages[-1].output.any()
    assert not torch.equal(changed.logits, model.trace(photo).logits)
    with pytest.raises(ControlError, match="expected one of"):
        model.trace(photo, overrides={"stage1": {"gate_override": shut}})


def test_two_threads_do_not_mix() -> None:
    name = "torchvision/mobilenet_v3_small"
    model, both = read(name), photos(name, 2)
    alone = [model.trace(photo).stages[0].attention for photo in both]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda i: model.trace(both[i % 2]).stages[0].attention, range(8)))
    for i, trace in enumerate(together):
        assert torch.equal(trace.weights, alone[i % 2].weights)  # type: ignore[union-attr]


def test_what_is_not_quite_se_is_not_taken_for_it() -> None:
    class Doubled(torchvision.ops.SqueezeExcitation):
        def forward(self, input: Tensor) -> Tensor:
            return 2 * super().forward(input)

    for other in (torchvision.models.resnet18(), nn.Sequential(Doubled(8, 4))):
        with pytest.raises(UnsupportedModelError, match="insert_attention"):
            find_attention(other)


def test_classes_have_to_be_as_many_as_the_outputs() -> None:
    network = original("torchvision/mobilenet_v3_small")
    assert read("torchvision/mobilenet_v3_small").trace(torch.rand(3, 64, 64)).top(1)[0][0].en.startswith("class ")
    with pytest.raises(ShapeError, match="2 classes came for a network with 1000 outputs"):
        HubVisionModel(network, vision_classes()[:2]).trace(torch.rand(3, 64, 64))


def test_imagenet_classes_know_chinese_where_the_project_does() -> None:
    classes = imagenet_classes(vision_classes())
    assert len(classes) == 1000
    assert classes[1] == VisionClass("n01443537", "goldfish", "金鱼", classes[1].group)
    assert classes[0] == VisionClass("", "tench", "tench", "")
    assert sum(thing.zh != thing.en for thing in classes) >= 80


def test_a_photo_of_any_shape_is_cut_to_the_square() -> None:
    trace = read("torchvision/mobilenet_v3_small").trace(torch.rand(3, 90, 120))
    assert trace.crop == (15, 0, 105, 90)
    assert trace.image.shape == (3, 64, 64)


class TestOwnModules:
    """This project's modules in somebody's network, and those that `insert_attention` has put there."""

    @staticmethod
    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), SqueezeExcitation(16), CBAM(16), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        ).eval()

    def test_they_are_found_as_they_are(self) -> None:
        network, images = self.network(), torch.rand(2, 3, 8, 8)
        found = find_attention(network)
        assert found.places == ("1", "2")
        assert torch.equal(found(images), network(images))
        traced = found.trace(images)
        assert torch.equal(traced.attentions["1"].weights, network[1].trace(network[0](images)).weights)  # type: ignore[index,operator,union-attr]

    def test_inserted_ones_are_found_beside_those_that_were_there(self) -> None:
        network, images = self.network(), torch.rand(2, 3, 8, 8)
        inserted = insert_attention(network, "cbam", ["0"], example=images).eval()
        found = find_attention(inserted)
        assert found.places == ("0", "1", "2")
        assert torch.equal(found(images), inserted(images))
        assert list(found.trace(images).attentions) == ["0", "1", "2"]

    def test_inserted_ones_alone_are_enough(self) -> None:
        plain = nn.Sequential(nn.Conv2d(3, 16, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
        inserted = insert_attention(plain, "se", ["0"], example=torch.rand(1, 3, 8, 8)).eval()
        assert find_attention(inserted).places == ("0",)
        assert HubVisionModel(inserted, format=PhotoFormat(8)).trace(torch.rand(3, 8, 8)).stages[0].name == "0"
