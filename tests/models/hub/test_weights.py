"""Published checkpoints: where they go, what is compared, and how a broken fetch goes on."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from attention_core.errors import AttentionCoreError, ModelSourceError, WeightsError
from attention_core.models.hub import weights as hub_weights
from attention_core.models.hub.photos import load_hub_vision_model
from attention_core.models.hub.weights import PublishedWeights, fetched_weights, published_weights
from tests.models.hub_server import Answers, Manners, hub

MOBILE, RESNET = "torchvision/mobilenet_v3_small", "pytorchcv/cbam_resnet50"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(3)
    return torchvision.models.mobilenet_v3_small().eval()


@pytest.fixture(scope="module")
def checkpoint(network: nn.Module) -> bytes:
    stream = io.BytesIO()
    torch.save(network.state_dict(), stream)
    return stream.getvalue()


@pytest.fixture
def manners() -> Manners:
    return Manners()


@pytest.fixture
def server(checkpoint: bytes, manners: Manners, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """A server of checkpoints, to which the libraries' addresses lead, with the checksums of what it gives."""
    answers: Answers = {"/weights.safetensors": (200, {}, checkpoint)}
    published = published_weights

    def here(source: str) -> PublishedWeights:
        zipped = source.startswith("pytorchcv")
        digest = (hashlib.sha1 if zipped else hashlib.sha256)(checkpoint).hexdigest()
        url = f"{address}/{'archive.zip' if zipped else 'weights.safetensors'}"
        return replace(published(source), url=url, digest=digest)

    with hub(answers, manners) as address:
        monkeypatch.setattr(hub_weights, "published_weights", here)
        yield answers


def test_what_the_libraries_publish_is_known_before_it_is_fetched(network: nn.Module) -> None:
    mobile, resnet = published_weights(MOBILE), published_weights(RESNET)
    assert mobile.parameters == sum(each.numel() for each in network.parameters())
    assert mobile.size is not None and mobile.size > 4 * mobile.parameters
    assert mobile.path.name.startswith("mobilenet_v3_small-") and mobile.digest in mobile.path.name
    assert resnet.url.endswith(f"{resnet.path.name}.zip") and resnet.digest.startswith(resnet.path.stem[-8:])
    assert not mobile.here and not resnet.here


def test_a_checkpoint_comes_to_where_the_library_keeps_it(
    server: Answers, network: nn.Module, checkpoint: bytes, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    path = fetched_weights(MOBILE, lambda done, total: told.append((done, total)))
    assert path == tmp_path / "torch" / "hub" / "checkpoints" / published_weights(MOBILE).path.name
    assert (told[0], told[-1]) == ((0, len(checkpoint)), (len(checkpoint), len(checkpoint)))
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    photo = torch.rand(3, 224, 224)
    model = load_hub_vision_model(MOBILE, "cpu", checkpoint=path)
    with torch.no_grad():
        expected = network(model.format.standardised(photo[None]))[0]
    torch.testing.assert_close(model.trace(photo).logits, expected, atol=1e-6, rtol=1e-4)
    server.clear()
    assert fetched_weights(MOBILE, lambda *_: None) == path  # it is here: nobody is asked


def test_a_broken_fetch_goes_on_where_it_ended(server: Answers, manners: Manners, checkpoint: bytes) -> None:
    manners.breaks = [1_500_000]
    with pytest.raises(ModelSourceError) as caught:
        fetched_weights(MOBILE, lambda *_: None)
    assert caught.value.key == "hub.interrupted"
    assert fetched_weights(MOBILE, lambda *_: None).read_bytes() == checkpoint
    assert [start for _, start in manners.asked] == [0, 1_500_000]


def test_a_server_that_knows_no_ranges_sends_all_of_it(server: Answers, manners: Manners, checkpoint: bytes) -> None:
    manners.breaks, manners.ranges = [1_500_000], False
    with pytest.raises(ModelSourceError):
        fetched_weights(MOBILE, lambda *_: None)
    assert fetched_weights(MOBILE, lambda *_: None).read_bytes() == checkpoint


def test_whoever_has_had_enough_ends_it_and_what_came_is_kept(
    server: Answers, manners: Manners, checkpoint: bytes
) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done > total / 3:
            raise Stop

    with pytest.raises(Stop):
        fetched_weights(MOBILE, stop)
    assert fetched_weights(MOBILE, lambda *_: None).read_bytes() == checkpoint
    assert manners.asked[1][1] > len(checkpoint) / 3


def test_an_archive_is_unpacked_and_nothing_else_of_it_is_written(
    server: Answers, checkpoint: bytes, tmp_path: Path
) -> None:
    name = published_weights(RESNET).path.name
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("../outside.txt", "no")
        archive.writestr(name, checkpoint)
    server["/archive.zip"] = (200, {}, stream.getvalue())
    path = fetched_weights(RESNET, lambda *_: None)
    assert path == tmp_path / ".torch" / "models" / name
    assert path.read_bytes() == checkpoint
    assert [each.name for each in path.parent.iterdir()] == [name]


def refusal(source: str) -> AttentionCoreError:
    with pytest.raises(AttentionCoreError) as caught:
        fetched_weights(source, lambda *_: None)
    return caught.value


def test_another_file_than_the_named_one_is_thrown_away(server: Answers, checkpoint: bytes) -> None:
    server["/weights.safetensors"] = (200, {}, checkpoint[:-1] + b"?")
    error = refusal(MOBILE)
    assert isinstance(error, WeightsError) and error.key == "hub.altered"
    assert not [*published_weights(MOBILE).path.parent.iterdir()]
    server["/archive.zip"] = (200, {}, b"no archive")
    assert refusal(RESNET).key == "hub.altered"


def test_each_thing_that_can_go_wrong_has_its_own_error(server: Answers) -> None:
    del server["/weights.safetensors"]
    assert refusal(MOBILE).key == "hub.refused"
    for source, key in {
        "torchvision/mobilenet_v9": "hub.not_found",
        "pytorchcv/no_such_network": "hub.not_found",
        "pytorchcv/cbam_resnet18": "hub.unpublished",
    }.items():
        with pytest.raises(ModelSourceError) as caught:
            published_weights(source)
        assert caught.value.key == key


def test_without_a_connection_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = replace(published_weights(MOBILE), url="http://127.0.0.1:9/weights.pth")
    monkeypatch.setattr(hub_weights, "published_weights", lambda source: nowhere)
    assert refusal(MOBILE).key == "hub.no_network"
