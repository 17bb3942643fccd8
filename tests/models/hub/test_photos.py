"""Photo networks by name, with checkpoints that the test writes; nothing here reaches a network."""

from __future__ import annotations

import pickle
import socket
from pathlib import Path

import pytest
import torch
import torchvision
import transformers
from pytorchcv.model_provider import get_model
from safetensors.torch import save_file
from torch import nn

from attention_core.errors import AttentionCoreError, ModelSourceError, UnsupportedModelError, WeightsError
from attention_core.models.hub.patches import HubPatchModel
from attention_core.models.hub.photos import load_hub_vision_model
from attention_core.models.hub.vision import HubVisionModel, PhotoFormat
from attention_core.models.hub.weights import published_weights
from tests.models.hub_server import hub, served
from tests.models.photo_networks import patched

NAME = "torchvision/mobilenet_v3_small"


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(3)
    return torchvision.models.mobilenet_v3_small().eval()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_checkpoint_of_ones_own(network: nn.Module, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": network.state_dict(), "epoch": 7}, path)
    else:
        save_file(network.state_dict(), path)
    model = load_hub_vision_model(NAME, "cpu", checkpoint=path)
    assert isinstance(model, HubVisionModel)
    photo = torch.rand(3, 224, 224)
    with torch.no_grad():
        expected = network(model.format.standardised(photo[None]))[0]
    torch.testing.assert_close(model.trace(photo).logits, expected, atol=1e-7, rtol=1e-4)
    assert len(model.classes) == 1000


def test_pytorchcv_and_transformers_by_name(tmp_path: Path) -> None:
    torch.save(get_model("cbam_resnet18").state_dict(), tmp_path / "cbam.pth")
    model = load_hub_vision_model("pytorchcv/cbam_resnet18", "cpu", checkpoint=tmp_path / "cbam.pth")
    assert len(model.trace(torch.rand(3, 60, 80)).stages) == 8  # type: ignore[union-attr]
    vit = transformers.ViTConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=30, image_size=32, patch_size=8,
        id2label={0: "cat", 1: "dog"}, label2id={"cat": 0, "dog": 1},
    )  # fmt: skip
    folder = tmp_path / "vit"
    transformers.ViTForImageClassification(vit).save_pretrained(folder)
    transformers.ViTImageProcessor(image_mean=[0.5] * 3, image_std=[0.25] * 3).save_pretrained(folder)
    read = load_hub_vision_model(f"transformers/{folder}", "cpu")
    assert isinstance(read, HubPatchModel)
    assert read.format == PhotoFormat(32, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    assert [thing.en for thing in read.trace(torch.rand(3, 40, 50)).classes] == ["cat", "dog"]


@pytest.mark.parametrize("name", ["torchvision/mobilenet_v3_small", "torchvision/vit_b_32", "pytorchcv/seresnet18"])
def test_a_checkpoint_with_classes_of_its_own(name: str, tmp_path: Path) -> None:
    library, _, short = name.partition("/")
    made = torchvision.models.get_model if library == "torchvision" else get_model
    network = made(short, num_classes=3).eval()
    path = tmp_path / f"{short}-mine.pth"
    torch.save(network.state_dict(), path)
    model = load_hub_vision_model(name, "cpu", checkpoint=path)
    photo = torch.rand(3, 224, 224)
    trace = model.trace(photo)
    with torch.no_grad():
        expected = network(model.format.standardised(photo[None]))[0]
    torch.testing.assert_close(trace.logits, expected, atol=1e-5, rtol=1e-4)
    assert [thing.en for thing in trace.classes] == ["class 0", "class 1", "class 2"]

    path.with_suffix(".txt").write_text("cat\n\n dog \n鸟\n", encoding="utf-8-sig")
    named = load_hub_vision_model(name, "cpu", checkpoint=path).trace(photo).classes
    assert [(thing.en, thing.zh) for thing in named] == [("cat", "cat"), ("dog", "dog"), ("鸟", "鸟")]
    path.with_suffix(".txt").write_text("cat\n")
    error = refusal(name, path)
    assert (error.key, error.values["came"], error.values["expected"]) == ("hub.labels", 1, 3)


def test_a_checkpoint_takes_the_place_of_the_weights_in_a_folder(tmp_path: Path) -> None:
    patched("ViT").save_pretrained(tmp_path / "vit")
    other = {name: torch.rand_like(tensor) for name, tensor in patched("ViT").state_dict().items()}
    save_file(other, tmp_path / "other.safetensors")
    model = load_hub_vision_model(f"transformers/{tmp_path / 'vit'}", "cpu", checkpoint=tmp_path / "other.safetensors")
    for name, tensor in model.network.state_dict().items():  # type: ignore[union-attr,operator]
        assert torch.equal(tensor, other[name])


def dino(folder: Path) -> tuple[transformers.Dinov2Model, Path]:
    """As DINOv2 is published: no classifier, built for large photos and used with small ones."""
    config = transformers.Dinov2Config(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=3, image_size=56, patch_size=14, mlp_ratio=2
    )
    network = transformers.Dinov2Model(config).eval()
    network.save_pretrained(folder)
    transformers.BitImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28}, image_mean=[0.5] * 3
    ).save_pretrained(folder)
    return network, folder


def test_a_network_without_a_classifier(tmp_path: Path) -> None:
    network, folder = dino(tmp_path / "dino")
    model = load_hub_vision_model(f"transformers/{folder}", "cpu")
    assert isinstance(model, HubPatchModel)
    assert (model.format.size, model.grid) == (28, (2, 2))
    photo = torch.rand(3, 28, 28)
    trace = model.trace(photo)
    assert (trace.classes, len(trace.logits), trace.special) == ((), 0, 1)
    network.set_attn_implementation("eager")
    with torch.no_grad():
        expected = network(model.format.standardised(photo[None]), output_attentions=True).attentions
    for layer, weights in zip(trace.layers, expected, strict=True):
        torch.testing.assert_close(layer.weights, weights, atol=1e-6, rtol=1e-5)


def test_a_backbone_whose_file_lacks_what_nobody_reads(tmp_path: Path) -> None:
    vit = transformers.ViTConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=30, image_size=32, patch_size=8
    )
    transformers.ViTModel(vit, add_pooling_layer=False).save_pretrained(tmp_path / "vit")
    # Prepared for larger photos than it takes: it gets those that it was built for.
    transformers.ViTImageProcessor(size={"height": 48, "width": 48}).save_pretrained(tmp_path / "vit")
    model = load_hub_vision_model(f"transformers/{tmp_path / 'vit'}", "cpu")
    assert isinstance(model, HubPatchModel)
    assert (model.format.size, model.classes) == (32, ())

    said = tmp_path / "vit" / "config.json"
    said.write_text(said.read_text().replace('"ViTModel"', '"ViTForImageClassification"'))
    error = refusal(f"transformers/{tmp_path / 'vit'}")  # its classifier would be random
    assert (error.key, error.values["tensor"]) == ("hub.missing_weights", "classifier.bias")


@pytest.mark.usefixtures("own_cache")
def test_a_vision_transformer_is_fetched_with_progress(tmp_path: Path) -> None:
    folder = tmp_path / "vit"
    patched("ViT").save_pretrained(folder)
    told: list[tuple[int, int]] = []
    with hub(served(folder)) as address:
        read = load_hub_vision_model(
            "transformers/team/model", "cpu", endpoint=address, progress=lambda done, total: told.append((done, total))
        )
    assert isinstance(read, HubPatchModel)
    total = sum(path.stat().st_size for path in folder.iterdir())
    assert told[0] == (0, total) and told[-1] == (total, total)


def refusal(source: str, checkpoint: Path | None = None) -> AttentionCoreError:
    with pytest.raises(AttentionCoreError) as caught:
        load_hub_vision_model(source, "cpu", checkpoint=checkpoint)
    return caught.value


class Harmful:
    """What runs when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


def test_a_published_file_is_read_without_running_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for name in ("pytorchcv/cbam_resnet50", NAME):
        path = published_weights(name).path
        assert tmp_path in path.parents
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(Harmful(), protocol=2))
        assert refusal(name).key == "hub.pickle"
    assert "run" not in capsys.readouterr().out


def test_each_thing_that_can_go_wrong_has_its_own_error(
    network: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harmful = tmp_path / "harmful.pth"
    harmful.write_bytes(pickle.dumps(Harmful(), protocol=2))
    cut = tmp_path / "cut.safetensors"
    save_file(network.state_dict(), cut)
    cut.write_bytes(cut.read_bytes()[:5000])
    number = tmp_path / "number.pth"
    torch.save(torch.zeros(3), number)
    bert = tmp_path / "bert"
    transformers.BertModel(
        transformers.BertConfig(hidden_size=12, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    ).save_pretrained(bert)
    other = tmp_path / "other.pth"
    torch.save(torchvision.models.resnet18().state_dict(), other)
    kinds = {
        "hub.pickle": (UnsupportedModelError, refusal(NAME, harmful)),
        "hub.damaged": (WeightsError, refusal(NAME, cut)),
        "hub.other_weights": (WeightsError, refusal(NAME, other)),
        "hub.no_state": (WeightsError, refusal(NAME, number)),
        "hub.no_photo_network": (UnsupportedModelError, refusal(f"transformers/{bert}")),
        "hub.no_file": (ModelSourceError, refusal(NAME, tmp_path / "none.pth")),
        "hub.not_found": (ModelSourceError, refusal("torchvision/mobilenet_v9", other)),
        "hub.library": (ModelSourceError, refusal("keras/vgg16")),
        "hub.no_attention": (UnsupportedModelError, refusal("torchvision/resnet18", other)),
    }
    for key, (kind, error) in kinds.items():
        assert (error.key, type(error)) == (key, kind), str(error)
    for unknown in ("pytorchcv/no_such_network", "torchvision/mobilenet_v9"):
        assert refusal(unknown, other).key == refusal(unknown).key == "hub.not_found"

    def unreachable(*_: object, **__: object) -> None:
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    assert refusal(NAME).key == "hub.no_network"
