"""Inserted attention: the network is the same but for it, its trace is its forward pass, the original untouched."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from attention_core.errors import ControlError, ShapeError
from attention_core.mechanisms.cbam import CBAM, CBAMTrace
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation, SqueezeExcitationTrace
from attention_core.models.insertion import Attended, AttendedModel, AttendedTrace, insert_attention
from attention_core.models.vision import VisionConfig, VisionModel
from tests.models.small_vision import SIZES

KINDS = ("se", "cbam")
NAN = math.nan
# (places, side of the picture): a whole stage or Inception module, one convolution, one norm before a ReLU in place.
NETWORKS: dict[str, tuple[tuple[str, ...], int]] = {
    "resnet18": (("layer1", "layer3.0.conv2", "layer4.1.bn2"), 48),
    "googlenet": (("conv1.conv", "inception3a", "inception4a.branch2.1.bn"), 48),
    "inception_v3": (("Conv2d_1a_3x3.bn", "Mixed_5b", "Mixed_7a"), 80),
    "ours": (("stages.0", "stages.1", "stem.1"), 16),
}


@cache
def original(name: str) -> nn.Module:
    """A network with random weights, its norms fitted to them so that the picture reaches the output; never changed."""
    torch.manual_seed(0)
    model: nn.Module
    if name == "resnet18":
        model = torchvision.models.resnet18(num_classes=5)
    elif name == "googlenet":
        model = torchvision.models.googlenet(num_classes=5, init_weights=False)
    elif name == "inception_v3":
        model = torchvision.models.inception_v3(num_classes=5, init_weights=False, aux_logits=False)
    else:
        model = VisionModel(VisionConfig("plain", 5, image_size=16, **SIZES))
    norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.bias, -0.3, 0.3)
        norm.momentum = 1.0
    with torch.no_grad():
        model.train()(pictures(name, 8, seed=9))
    for norm in norms:
        norm.momentum = 0.1
    return model.eval()


def pictures(name: str, count: int = 1, seed: int = 0) -> Tensor:
    side = NETWORKS[name][1]
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


@cache
def attended(name: str, kind: str) -> AttendedModel:
    return insert(name, kind)


def insert(name: str, kind: str, after: tuple[str, ...] | None = None, **options: Any) -> AttendedModel:
    torch.manual_seed(1)
    return insert_attention(
        original(name),
        kind,
        after or NETWORKS[name][0],
        example=pictures(name),
        **options,  # type: ignore[arg-type]
    )


def attention(model: AttendedModel, place: str) -> SqueezeExcitation | CBAM:
    found = {part.name: part for part in model.modules() if isinstance(part, Attended)}
    return found[place].attention


def close(came: Tensor, expected: Tensor, atol: float = 1e-5) -> None:
    torch.testing.assert_close(came, expected, rtol=0, atol=atol)


def switched_off(trace: AttendedTrace) -> dict[str, dict[str, Tensor]]:
    """Overrides that make every gate and every mask 1."""
    overrides = {}
    for place, traced in trace.attentions.items():
        _, channels, height, width = traced.output.shape
        overrides[place] = {"gate_override": torch.ones(channels)}
        if isinstance(traced, CBAMTrace):
            overrides[place]["mask_override"] = torch.ones(height, width)
    return overrides


both_kinds = pytest.mark.parametrize("kind", KINDS)
all_networks = pytest.mark.parametrize("name", NETWORKS)


# The network is the same but for the attention


@all_networks
@both_kinds
def test_the_trace_is_the_forward_pass_and_gates_of_one_give_the_original(name: str, kind: str) -> None:
    model, images = attended(name, kind), pictures(name, 2)
    expected_type = SqueezeExcitationTrace if kind == "se" else CBAMTrace
    with torch.no_grad():
        trace, plain, forward = model.trace(images), original(name)(images), model(images)
    spread = float(plain.std())
    assert spread > 0.01
    close(trace.output, forward, atol=1e-4 * spread)
    assert set(trace.attentions) == set(model.places) == set(NETWORKS[name][0])
    assert all(isinstance(traced, expected_type) for traced in trace.attentions.values())
    assert float((trace.output - plain).abs().max()) > 1e-2 * spread  # the attention does something
    close(model.trace(images, overrides=switched_off(trace)).output, plain, atol=0)


def resnet_head(net: Any, x: Tensor) -> Tensor:
    x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
    return net.layer1(x)


def resnet_tail(net: Any, x: Tensor) -> Tensor:
    x = net.layer4(net.layer3(net.layer2(x)))
    return net.fc(net.avgpool(x).flatten(1))


def googlenet_head(net: Any, x: Tensor) -> Tensor:
    return net.inception3a(net.maxpool2(net.conv3(net.conv2(net.maxpool1(net.conv1(x))))))


def googlenet_tail(net: Any, x: Tensor) -> Tensor:
    for part in ("inception3b", "maxpool3", *(f"inception4{letter}" for letter in "abcde"), "maxpool4"):
        x = getattr(net, part)(x)
    x = net.inception5b(net.inception5a(x))
    return net.fc(net.avgpool(x).flatten(1))


def inception_head(net: Any, x: Tensor) -> Tensor:
    x = net.maxpool1(net.Conv2d_2b_3x3(net.Conv2d_2a_3x3(net.Conv2d_1a_3x3(x))))
    return net.Mixed_5b(net.maxpool2(net.Conv2d_4a_3x3(net.Conv2d_3b_1x1(x))))


def inception_tail(net: Any, x: Tensor) -> Tensor:
    for part in ("5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"):
        x = getattr(net, f"Mixed_{part}")(x)
    return net.fc(net.avgpool(x).flatten(1))


def our_head(net: Any, x: Tensor) -> Tensor:
    return net.stages[0](net.stem((x - 0.45) / 0.27))


def our_tail(net: Any, x: Tensor) -> Tensor:
    return net.classifier(net.stages[2](net.stages[1](x)).mean(dim=(2, 3)))


@both_kinds
@pytest.mark.parametrize(
    ("name", "place", "head", "tail"),
    [
        ("resnet18", "layer1", resnet_head, resnet_tail),
        ("googlenet", "inception3a", googlenet_head, googlenet_tail),
        ("inception_v3", "Mixed_5b", inception_head, inception_tail),
        ("ours", "stages.0", our_head, our_tail),
    ],
)
def test_by_hand_the_attention_stands_where_it_was_put(
    name: str, kind: str, place: str, head: Callable[..., Tensor], tail: Callable[..., Tensor]
) -> None:
    net, images = original(name), pictures(name, 2)
    model = insert(name, kind, (place,), reduction=4)
    with torch.no_grad():
        features = head(net, images)
        trace = model.trace(images)
        traced = trace.attentions[place]
        if isinstance(traced, SqueezeExcitationTrace):
            part = attention(model, place)
            hidden = (features.mean(dim=(2, 3)) @ part.reduce.weight.T + part.reduce.bias).clamp_min(0)
            gates = 1 / (1 + (-(hidden @ part.expand.weight.T + part.expand.bias)).exp())
            close(traced.input, features)
            close(traced.weights, gates)
            close(traced.output, features * gates[:, :, None, None])
        else:
            close(traced.channel.input, features)
            mask, gates = traced.spatial.mask, traced.channel.weights
            close(traced.output, features * gates[:, :, None, None] * mask)
        spread = float(trace.output.std())
        close(trace.output, tail(net, traced.output), atol=1e-4 * spread)


def test_in_a_residual_block_it_stands_on_the_branch_before_the_addition() -> None:
    # What follows the place, `out += identity` and a ReLU in place, overwrites its map: not the one in the trace.
    net, images = original("resnet18"), pictures("resnet18")
    trace = insert("resnet18", "se", ("layer1.0.bn2", "layer1.0.bn1", "layer1.0")).trace(images)
    assert tuple(trace.attentions) == ("layer1.0.bn1", "layer1.0.bn2", "layer1.0")  # as they run
    first, second, block = trace.attentions.values()
    assert isinstance(first, SqueezeExcitationTrace) and isinstance(second, SqueezeExcitationTrace)
    with torch.no_grad():
        x = net.maxpool(net.relu(net.bn1(net.conv1(images))))
        inside: Any = net.layer1[0]
        close(first.input, inside.bn1(inside.conv1(x)))
        close(first.output, first.input * first.weights[:, :, None, None], atol=0)
        close(second.input, inside.bn2(inside.conv2(first.output.relu())))
        close(second.output, second.input * second.weights[:, :, None, None], atol=0)
        assert float(second.output.min()) < 0
        close(block.input, (second.output + x).relu())


class Overwriting(nn.Module):
    """Overwrites the very tensor that its part handed on."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.same = nn.Conv2d(3, 8, 1), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        y: Tensor = self.same(x)
        x.zero_()
        return y.mul_(2)


def test_nothing_in_a_trace_is_overwritten_later() -> None:
    model = insert_attention(Overwriting(), "se", ("same",))
    traced = model.trace(torch.ones(1, 3, 4, 4)).attentions["same"]
    assert isinstance(traced, SqueezeExcitationTrace)
    assert float(traced.input.abs().max()) > 0
    close(traced.output, traced.input * traced.weights[:, :, None, None], atol=0)


# What is kept, what is new


@all_networks
@both_kinds
def test_the_original_is_left_as_it_is(name: str, kind: str) -> None:
    net = original(name)
    before = {key: (tensor.clone(), tensor._version) for key, tensor in net.state_dict(keep_vars=True).items()}
    attributes = {key: sorted(vars(part)) for key, part in net.named_modules()}
    kinds = {key: type(part) for key, part in net.named_modules()}
    model = insert(name, kind)
    model.trace(pictures(name))
    for key, tensor in net.state_dict(keep_vars=True).items():
        assert torch.equal(tensor, before[key][0]), key
        assert tensor._version == before[key][1], key
    assert {key: sorted(vars(part)) for key, part in net.named_modules()} == attributes
    assert {key: type(part) for key, part in net.named_modules()} == kinds
    for part in (*net.modules(), *model.modules()):
        assert not part._forward_hooks and not part._forward_pre_hooks and not part._backward_hooks
    own = {tensor.data_ptr() for tensor in net.parameters()}
    assert not own & {tensor.data_ptr() for tensor in model.parameters()}


def test_names_of_weights_change_by_the_wrapper_alone() -> None:
    before = original("resnet18").state_dict()
    after = insert("resnet18", "se", ("layer1", "layer1.0.conv1")).network.state_dict()
    kept = {key.replace("place.", ""): tensor for key, tensor in after.items() if "attention." not in key}
    assert list(kept) == list(before)
    assert all(torch.equal(kept[key], before[key]) for key in before)
    assert "layer1.place.0.conv1.place.weight" in after
    new = {key for key in after if "attention." in key}
    parts = [f"{part}.{kind}" for part in ("reduce", "expand") for kind in ("weight", "bias")]
    assert new == {f"{at}.attention.{part}" for at in ("layer1", "layer1.place.0.conv1") for part in parts}


def test_sizes_reach_the_attention() -> None:
    part = attention(insert("resnet18", "cbam", ("layer3",), reduction=8, kernel_size=3), "layer3")
    assert isinstance(part, CBAM)
    assert (part.channel.channels, part.channel.hidden_channels) == (256, 32)
    assert part.spatial.conv.kernel_size == (3, 3)
    inside = attention(insert("googlenet", "se", ("inception4a.branch2.1.bn",)), "inception4a.branch2.1.bn")
    assert isinstance(inside, SqueezeExcitation)
    assert inside.channels == 208


@both_kinds
def test_dtype_and_training_mode_are_kept(kind: str) -> None:
    net = copy.deepcopy(original("ours")).double().train()
    net.stem.eval()  # type: ignore[union-attr]
    model = insert_attention(net, kind, ("stages.0", "stem.1"))  # type: ignore[arg-type]
    assert all(tensor.dtype == torch.float64 for tensor in model.parameters())
    parts = {part.name: part for part in model.modules() if isinstance(part, Attended)}
    assert model.training and all(part.training for part in parts["stages.0"].modules())
    assert not any(part.training for part in parts["stem.1"].modules())
    assert [part.training for part in net.modules()].count(False) == 4
    assert not any(part.training for part in attended("ours", kind).modules())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@both_kinds
def test_the_device_is_kept(kind: str) -> None:
    model = insert_attention(copy.deepcopy(original("ours")).cuda(), kind, ("stages.0",))  # type: ignore[arg-type]
    assert all(tensor.is_cuda for tensor in model.parameters())
    images = pictures("ours").cuda()
    close(model.trace(images).output, model(images))


@both_kinds
def test_gradients_reach_the_new_weights_and_the_old_ones(kind: str) -> None:
    model = copy.deepcopy(attended("ours", kind)).train()
    model(pictures("ours", 4)).square().sum().backward()
    for key, tensor in model.named_parameters():
        assert tensor.grad is not None and bool(tensor.grad.isfinite().all()), key
    for place in model.places:
        total = sum(float(tensor.grad.abs().sum()) for tensor in attention(model, place).parameters())
        assert total > 0, place


def test_more_attention_of_another_kind_can_follow() -> None:
    first = insert("ours", "se", ("stages.0",))
    both = insert_attention(first, "cbam", ("stages.2", "stages.0.place.0.conv1"))
    assert first.places == ("stages.0",)
    assert set(both.places) == {"stages.0", "stages.2", "stages.0.place.0.conv1"}
    trace = both.trace(pictures("ours"))
    assert isinstance(trace.attentions["stages.0"], SqueezeExcitationTrace)
    assert isinstance(trace.attentions["stages.2"], CBAMTrace)
    with torch.no_grad():
        plain = original("ours")(pictures("ours"))
    close(both.trace(pictures("ours"), overrides=switched_off(trace)).output, plain, atol=0)
    with pytest.raises(ControlError, match=r"'stages\.0' has attention already"):
        insert_attention(both, "se", ("stages.0",))


def test_it_goes_behind_attention_that_is_there() -> None:
    net = VisionModel(VisionConfig("cbam", 5, image_size=16, **SIZES)).eval()
    model = insert_attention(net, "se", ("attentions.2.channel",))
    trace = model.trace(pictures("ours"), overrides={"attentions.2.channel": {"gate_override": torch.ones(9)}})
    with torch.no_grad():
        close(trace.output, net(pictures("ours")), atol=1e-6)
    # The network asks this part for its mask, and never runs it as a whole.
    with pytest.raises(ControlError, match=r"'attentions\.2', which does not run"):
        insert_attention(net, "se", ("attentions.2",))


class Reading(nn.Module):
    """Reads from a part as well as running it; knows one part by two names; returns more than a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 3, bias=False)
        self.body = nn.ModuleList([self.stem])

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.body[0](x.to(self.stem.weight.dtype))
        return {"map": x, "mean": x.mean(dim=(2, 3))}


def test_a_part_with_two_names_whose_weight_is_read() -> None:
    example = torch.rand(1, 1, 8, 8)
    net = Reading().eval()
    model = insert_attention(net, "se", "stem", example=example)
    trace = model.trace(example)
    assert set(trace.attentions) == {"stem"}
    close(trace.output["mean"], model(example)["mean"])
    close(model.trace(example, overrides=switched_off(trace)).output["map"], net(example)["map"], atol=0)
    again = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    close(again.trace(example).output["map"], trace.output["map"], atol=0)
    with pytest.raises(AttributeError, match="nonesuch"):
        _ = model.network.stem.nonesuch


class Copying(nn.Conv2d):
    """Has its own way of being copied."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Copying:
        twin = Copying(self.in_channels, self.out_channels, 1)
        twin.load_state_dict(self.state_dict())
        return twin


def test_a_part_with_its_own_copying_is_copied_with_its_attention() -> None:
    model = copy.deepcopy(insert_attention(nn.Sequential(Copying(3, 8, 1)), "se", ("0",)))
    assert model.places == ("0",)
    assert isinstance(model.network.get_submodule("0.place"), Copying)


def test_arrays_name_every_place() -> None:
    arrays = attended("ours", "cbam").trace(pictures("ours")).arrays()
    assert {"output", "attentions.stages.0.spatial.mask", "attentions.stem.1.channel.weights"} <= set(arrays)


# What-if


@both_kinds
def test_an_override_reaches_its_place_and_no_earlier_one(kind: str) -> None:
    model, images = attended("ours", kind), pictures("ours")
    gates = torch.full((6,), NAN)
    plain = model.trace(images)
    close(model.trace(images, overrides={"stages.1": {"gate_override": gates}}).output, plain.output, atol=0)
    gates[2] = 0
    changed = model.trace(images, overrides={"stages.1": {"gate_override": gates}})
    close(changed.attentions["stages.0"].output, plain.attentions["stages.0"].output, atol=0)
    assert bool((changed.attentions["stages.1"].output[:, 2] == 0).all())
    assert float(plain.attentions["stages.1"].output[:, 2].abs().max()) > 0
    assert not torch.equal(changed.output, plain.output)
    with torch.no_grad():
        close(model(images), plain.output)  # the next pass knows nothing of it


def test_every_control_of_cbam_reaches_its_module() -> None:
    model, images = attended("ours", "cbam"), pictures("ours")
    controls = {
        "gate_override": torch.rand(6),
        "mask_override": torch.rand(4, 4),
        "order": "spatial-first",
        "pooling": ("max",),
    }
    traced = model.trace(images, overrides={"stages.1": controls}).attentions["stages.1"]
    assert isinstance(traced, CBAMTrace)
    again = attention(model, "stages.1").trace(traced.spatial.input, **controls)  # type: ignore[arg-type]
    close(traced.output, again.output, atol=0)


def test_wrong_overrides_are_refused() -> None:
    se, cbam, images = attended("ours", "se"), attended("ours", "cbam"), pictures("ours")
    with pytest.raises(ControlError, match=r"overrides names 'stage1'; expected one of stem\.1, stages\.0, stages\.1"):
        se.trace(images, overrides={"stage1": {}})
    expected = r"'mask_override' is no control of the attention behind stages\.0; expected gate_override\."
    with pytest.raises(ControlError, match=expected):
        se.trace(images, overrides={"stages.0": {"mask_override": torch.ones(8, 8)}})
    with pytest.raises(ControlError, match=r"'gates' is no control .* mask_override, order, pooling"):
        cbam.trace(images, overrides={"stages.0": {"gates": torch.ones(4)}})
    with pytest.raises(ShapeError, match=r"gate_override has shape \(5,\); expected \(6,\)"):
        cbam.trace(images, overrides={"stages.1": {"gate_override": torch.ones(5)}})
    close(cbam.trace(images).output, attended("ours", "cbam")(images).detach())  # a refusal leaves nothing behind


# Shared by all sessions


@both_kinds
@pytest.mark.parametrize("training", [True, False])
def test_a_trace_leaves_no_mark(kind: str, training: bool) -> None:
    model = copy.deepcopy(attended("ours", kind)).train(training)
    before = {key: (tensor.clone(), tensor._version) for key, tensor in model.state_dict(keep_vars=True).items()}
    attributes = {key: sorted(vars(part)) for key, part in model.named_modules()}
    trace = model.trace(pictures("ours", 4), overrides={"stages.0": {"gate_override": torch.full((4,), NAN)}})
    for key, tensor in model.state_dict(keep_vars=True).items():
        assert torch.equal(tensor, before[key][0]), key
        assert tensor._version == before[key][1], key
        assert tensor.grad is None
    assert {key: sorted(vars(part)) for key, part in model.named_modules()} == attributes
    assert all(part.training == training for part in model.modules())
    assert not trace.output.requires_grad
    with torch.no_grad():
        close(model(pictures("ours", 4)), trace.output)


def test_one_norm_in_training_mode_is_enough_to_be_careful() -> None:
    model = copy.deepcopy(attended("ours", "cbam")).eval()
    norm: Any = model.network.get_submodule("stages.0.place.0.norm1")
    norm.train()
    before = norm.running_mean.clone()
    model.trace(pictures("ours", 4))
    assert torch.equal(norm.running_mean, before)


@pytest.mark.parametrize("training", [True, False])
def test_eight_threads_give_what_one_gives(training: bool) -> None:
    model = copy.deepcopy(attended("ours", "cbam")).train(training)

    def work(seed: int) -> AttendedTrace:
        # Every other thread with a what-if of its own, and some that take no trace.
        overrides = {"stages.0": {"gate_override": torch.full((4,), seed / 24)}} if seed % 2 else None
        if seed % 3 == 0 and not training:
            with torch.no_grad():
                model(pictures("ours", 2, seed))
        return model.trace(pictures("ours", 2, seed), overrides=overrides)

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, range(24)))
    for seed, trace in enumerate(together):
        alone = work(seed).arrays()
        came = trace.arrays()
        assert came.keys() == alone.keys()
        for key in alone:
            close(torch.from_numpy(came[key]), torch.from_numpy(alone[key]), atol=1e-6)


# Refusals


def test_an_unknown_place_is_refused_with_the_possible_ones() -> None:
    expected = (
        r"after names 'layer5', which the network does not have; expected a part that runs once and gives "
        r"\(B, C, H, W\), such as (?=.*layer4,)(?=.*conv1,)(?=.*layer1,).* and \d+ more\."
    )
    with pytest.raises(ControlError, match=expected) as refusal:
        insert("resnet18", "se", ("layer1", "layer5"))
    possible = refusal.value.values["expected"]
    assert isinstance(possible, tuple)
    assert {"conv1", "layer1", "layer3.0.conv2", "avgpool"} <= set(possible)
    assert not {"", "fc", "layer1.0.relu"} & set(possible)
    with pytest.raises(ControlError, match=r"such as .*stages\.0\.0, stages\.0\.0\.conv1.*stages\.2\.0\.shortcut"):
        insert("ours", "se", ("stage1",))


def test_near_names_of_a_long_list_are_named_first() -> None:
    with pytest.raises(ControlError, match=r"such as Mixed_5b.*Mixed_7c") as refusal:
        insert("inception_v3", "se", ("Mixed5b",))
    assert len(str(refusal.value)) < 1000


def test_of_very_many_places_no_more_are_named_than_can_be_read() -> None:
    net = nn.Sequential(*(nn.Conv2d(1, 1, 1) for _ in range(60)))
    with pytest.raises(ControlError, match=r", 39 and 20 more\."):
        insert_attention(net, "se", ("conv",), example=torch.zeros(1, 1, 2, 2))


@pytest.mark.parametrize(
    ("name", "place", "reason"),
    [
        ("resnet18", "fc", r"gives \(1, 5\)"),
        ("resnet18", "layer1.0.relu", "runs 2 times in a pass"),
        ("resnet18", "", "does not have"),
        ("googlenet", "aux1.conv", "does not run in evaluation mode"),
        ("ours", "stages", "does not run in evaluation mode"),
        ("ours", "classifier", r"gives \(1, 5\)"),
    ],
)
def test_an_unfit_place_is_refused(name: str, place: str, reason: str) -> None:
    with pytest.raises(ControlError, match=f"{reason}; expected a part that runs once"):
        insert(name, "se", (place,))


def test_a_part_that_gives_no_tensor_is_refused() -> None:
    net = nn.Sequential(nn.Conv2d(1, 1, 1), Reading())
    with pytest.raises(ControlError, match=r"'1', which gives a dict; expected .* such as 0, 1\.stem\."):
        insert_attention(net, "cbam", ("1",), example=torch.zeros(1, 1, 8, 8))
    with pytest.raises(ControlError, match=r"such as none of this network's\."):
        insert_attention(nn.Sequential(nn.Flatten()), "se", ("0",))


@pytest.mark.parametrize(
    ("kind", "after", "message"),
    [
        ("eca", ("stages.0",), "kind is 'eca'; expected one of se, cbam"),
        ("se", (), "after is empty"),
        ("se", ("stages.0", "stages.1", "stages.0"), r"'stages\.0' is named twice"),
    ],
)
def test_wrong_arguments_are_refused(kind: Any, after: tuple[str, ...], message: str) -> None:
    with pytest.raises(ControlError, match=message):
        insert_attention(original("ours"), kind, after)


def test_a_network_that_does_not_take_the_example_is_refused() -> None:
    with pytest.raises(ControlError, match=r"does not run on an example of shape \(1, 3, 224, 224\): .*example=") as e:
        insert_attention(Reading(), "se", ("stem",))
    assert isinstance(e.value.__cause__, RuntimeError)


def test_attention_can_be_made_to_measure() -> None:
    made = partial(SqueezeExcitation, hidden_channels=3, pooling="max")
    attended = insert_attention(nn.Sequential(nn.Conv2d(3, 5, 1)), made, ["0"], reduction=2)
    trace = attended.trace(torch.rand(1, 3, 4, 4)).attentions["0"]
    assert isinstance(trace, SqueezeExcitationTrace)
    assert trace.hidden.shape == (1, 3)
    assert torch.equal(trace.squeezed, trace.input.amax(dim=(2, 3)))
