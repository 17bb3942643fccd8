"""What is told of a network before it is loaded, by a hub and by a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from attention_core.errors import ModelSourceError
from attention_core.models.hub.description import ModelDescription, describe
from attention_core.models.hub.files import fetched
from tests.models import hub_networks
from tests.models.hub_networks import saved
from tests.models.hub_server import Manners, hub, served

CARD = "---\nlicense: apache-2.0\nlanguage:\n- zh\n- en\n---\n# A network\n"
SAID = {"cardData": {"license": "apache-2.0", "language": ["zh", "en"]}}

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = saved(tmp_path_factory.mktemp("network"), "GPT2LMHeadModel")
    (made / "README.md").write_text(CARD, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def parameters() -> int:
    return sum(parameter.numel() for parameter in hub_networks.network("GPT2LMHeadModel").parameters())


def test_a_folder(folder: Path, parameters: int) -> None:
    assert describe(folder) == ModelDescription(
        name=folder.name,
        architecture="GPT2LMHeadModel",
        parameters=parameters,
        download_bytes=0,
        license="apache-2.0",
        languages=("zh", "en"),
        on_disk=True,
    )


def test_a_hub_tells_without_a_file_being_fetched(folder: Path, own_cache: Path) -> None:
    about = {
        "config": {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"},
        "safetensors": {"parameters": {"F32": 1234}, "total": 1234},
        **SAID,
    }
    manners = Manners()
    with hub(served(folder, **about), manners) as address:
        found = describe("team/model", address)
    assert found == ModelDescription(
        name="team/model",
        architecture="GPT2LMHeadModel",
        parameters=1234,
        download_bytes=sum(path.stat().st_size for path in folder.iterdir()),
        license="apache-2.0",
        languages=("zh", "en"),
        on_disk=False,
    )
    assert not manners.asked and not own_cache.exists()


def test_a_hub_that_tells_nothing(folder: Path) -> None:
    with hub(served(folder)) as address:
        found = describe("team/model", address)
    assert (found.architecture, found.parameters, found.license, found.languages) == (None, None, None, ())


def test_a_single_language_is_one(folder: Path) -> None:
    with hub(served(folder, cardData={"language": "zh"})) as address:
        assert describe("team/model", address).languages == ("zh",)


def test_half_of_it_is_here(folder: Path) -> None:
    size = (folder / "model.safetensors").stat().st_size
    total = sum(path.stat().st_size for path in folder.iterdir())

    def stop(done: int, total: int) -> None:
        if done >= size // 2:
            raise InterruptedError

    with hub(served(folder)) as address:
        with pytest.raises(InterruptedError):
            fetched("team/model", address, stop)
        found = describe("team/model", address)
    assert 0 < found.download_bytes <= total - size // 2
    assert not found.on_disk


def test_what_has_been_fetched_is_told_of_with_and_without_a_network(folder: Path, parameters: int) -> None:
    with hub(served(folder, **SAID)) as address:
        fetched("team/model", address)
        online = describe("team/model", address)
    offline = describe("team/model", address)
    assert (online.on_disk, online.download_bytes) == (offline.on_disk, offline.download_bytes) == (True, 0)
    assert (offline.name, offline.parameters, offline.license) == ("team/model", parameters, "apache-2.0")


def test_a_folder_of_something_else_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[]", encoding="utf-8")
    (tmp_path / "README.md").write_text("---\n: [\n---\n", encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"nothing of the kind")
    found = describe(tmp_path)
    assert (found.architecture, found.parameters, found.license, found.languages) == (None, None, None, ())


@pytest.mark.parametrize(
    ("name", "key"), [("team/modle", "hub.not_found"), ("a/b/c", "hub.no_folder"), ("team/shut", "hub.no_network")]
)
def test_what_cannot_be_described(name: str, key: str) -> None:
    absent = (401, {"X-Error-Code": "RepoNotFound"}, b"{}")
    with hub({"/api/models/team/modle/revision/main": absent}) as address:
        away = "http://127.0.0.1:9" if key == "hub.no_network" else address
        with pytest.raises(ModelSourceError) as error:
            describe(name, away)
    assert error.value.key == key
