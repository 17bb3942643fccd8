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
from attention_core.models.hub_patches import HubPatchModel
from attention_core.models.hub_photos import load_hub_vision_model
from attention_core.models.hub_vision import HubVisionModel, PhotoFormat
from attention_core.models.hub_weights import published_weights
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
    other = tmp_path / "other.pth"
    torch.save(torchvision.models.resnet18().state_dict(), other)
    kinds = {
        "hub.pickle": (UnsupportedModelError, refusal(NAME, harmful)),
        "hub.damaged": (WeightsError, refusal(NAME, cut)),
        "hub.other_weights": (WeightsError, refusal(NAME, other)),
        "hub.no_file": (ModelSourceError, refusal(NAME, tmp_path / "none.pth")),
        "hub.not_found": (ModelSourceError, refusal("torchvision/mobilenet_v9", other)),
        "hub.library": (ModelSourceError, refusal("keras/vgg16")),
        "hub.no_attention": (UnsupportedModelError, refusal("torchvision/resnet18", other)),
    }
    for key, (kind, error) in kinds.items():
        assert (error.key, type(error)) == (key, kind), str(error)
    assert refusal("pytorchcv/no_such_network", other).key == "hub.not_found"

    def unreachable(*_: object, **__: object) -> None:
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    assert refusal(NAME).key == "hub.no_network"
