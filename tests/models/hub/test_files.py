"""Fetching the files of a network: how far it is, ending it, going on from there, and everything that hinders it."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from attention_core.errors import ModelSourceError, WeightsError
from attention_core.models.hub.files import TRIES, fetched
from attention_core.models.hub.loading import load_hub_text_model
from tests.models.hub_networks import saved
from tests.models.hub_server import Answers, Manners, hub, served

WEIGHTS = "model.safetensors"


class Stop(Exception):
    """What a progress raises that has had enough."""


class Watch:
    """Keeps what it is told; ends the fetch once `enough` bytes are here."""

    def __init__(self, enough: float = float("inf")) -> None:
        self.told: list[tuple[int, int]] = []
        self.enough = enough

    def __call__(self, done: int, total: int) -> None:
        self.told.append((done, total))
        if done >= self.enough:
            raise Stop


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("network"), "BertForMaskedLM")


@pytest.fixture(scope="module")
def size(folder: Path) -> int:
    return (folder / WEIGHTS).stat().st_size


@pytest.fixture(scope="module")
def total(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


pytestmark = pytest.mark.usefixtures("own_cache")


def same(came: Path, folder: Path) -> bool:
    return all((came / path.name).read_bytes() == path.read_bytes() for path in folder.iterdir())


def left(cache: Path) -> list[Path]:
    return list(cache.rglob("*.incomplete"))


def test_progress_begins_with_nothing_never_falls_and_ends_with_everything(folder: Path, total: int) -> None:
    watch = Watch()
    with hub(served(folder)) as address:
        model = load_hub_text_model("team/model", "cpu", endpoint=address, progress=watch)
    done = [here for here, _ in watch.told]
    assert done[0] == 0 and done == sorted(done) and watch.told[-1] == (total, total)
    assert {whole for _, whole in watch.told} == {total}
    assert len(set(done)) > 3
    assert model.trace("我吃柠檬").logits.isfinite().all()


def test_what_is_here_already_is_not_fetched_again(folder: Path, total: int) -> None:
    manners = Manners()
    with hub(served(folder), manners) as address:
        fetched("team/model", address)
        watch = Watch()
        fetched("team/model", address, watch)
    assert [name for name, _ in manners.asked] == [WEIGHTS]
    assert {done for done, _ in watch.told} == {total}


def test_a_fetch_that_is_ended_goes_on_from_there(folder: Path, own_cache: Path, size: int) -> None:
    manners = Manners()
    with hub(served(folder), manners) as address:
        with pytest.raises(Stop):
            fetched("team/model", address, Watch(enough=size // 2))
        (part,) = left(own_cache)
        had = part.stat().st_size
        assert 0 < had < size
        watch = Watch()
        came = fetched("team/model", address, watch)
    assert manners.asked == [(WEIGHTS, 0), (WEIGHTS, had)]
    assert next(done for done, _ in watch.told) >= had
    assert same(came, folder) and not left(own_cache)


def test_what_progress_raises_is_passed_on_even_if_it_looks_like_a_lost_connection(folder: Path) -> None:
    def broken_pipe(done: int, total: int) -> None:
        if done:
            raise BrokenPipeError

    manners = Manners()
    with hub(served(folder), manners) as address, pytest.raises(BrokenPipeError):
        fetched("team/model", address, broken_pipe)
    assert len(manners.asked) == 1


def test_a_broken_connection_is_taken_up_again(folder: Path, size: int) -> None:
    manners = Manners(breaks=[size // 3, size // 3])
    with hub(served(folder), manners) as address:
        came = fetched("team/model", address)
    assert same(came, folder)
    assert [start for _, start in manners.asked] == [0, size // 3, size // 3 * 2]


def test_a_connection_that_always_breaks_is_given_up_and_what_came_is_kept(
    folder: Path, own_cache: Path, size: int
) -> None:
    manners = Manners(breaks=[size // 3, *[0] * TRIES])
    with hub(served(folder), manners) as address:
        with pytest.raises(ModelSourceError) as error:
            fetched("team/model", address)
        assert error.value.key == "hub.interrupted"
        assert [path.stat().st_size for path in left(own_cache)] == [size // 3]
        assert same(fetched("team/model", address), folder)
    assert manners.asked[-1] == (WEIGHTS, size // 3)


def test_a_server_without_ranges_sends_the_whole_file_once_more(folder: Path, size: int) -> None:
    manners = Manners(breaks=[size // 3], ranges=False)
    with hub(served(folder), manners) as address:
        assert same(fetched("team/model", address), folder)
    assert manners.asked == [(WEIGHTS, 0), (WEIGHTS, 0)]


def test_another_file_than_the_hub_names_is_not_kept(folder: Path, own_cache: Path) -> None:
    answers = served(folder)
    right: Answers = {}
    for path, (status, headers, body) in answers.items():
        if path.endswith(WEIGHTS):
            right[path] = (status, headers, body)
            answers[path] = (status, headers, body[:-1] + bytes([body[-1] ^ 1]))
    with hub(answers) as address:
        with pytest.raises(WeightsError) as error:
            fetched("team/model", address)
        assert error.value.key == "hub.altered" and error.value.values == {"name": "team/model", "file": WEIGHTS}
        assert not left(own_cache)
        answers.update(right)
        assert same(fetched("team/model", address), folder)


def test_two_who_want_the_same_share_one_fetch(folder: Path) -> None:
    manners = Manners(gate=threading.Event())
    waiting = threading.Event()

    def second(done: int, total: int) -> None:
        if manners.asked:
            waiting.set()

    with hub(served(folder), manners) as address, ThreadPoolExecutor(2) as pool:
        assert manners.gate is not None
        both = [pool.submit(fetched, "team/model", address, progress) for progress in (None, second)]
        assert waiting.wait(10)
        manners.gate.set()
        assert all(same(one.result(), folder) for one in both)
    assert manners.asked == [(WEIGHTS, 0)]


def test_who_waits_for_another_can_leave(folder: Path) -> None:
    manners = Manners(gate=threading.Event())
    came = threading.Event()
    with hub(served(folder), manners) as address, ThreadPoolExecutor(1) as pool:
        assert manners.gate is not None
        first = pool.submit(fetched, "team/model", address, lambda done, total: came.set() if done else None)
        assert came.wait(10)
        with pytest.raises(Stop):
            fetched("team/model", address, Watch(enough=1))
        manners.gate.set()
        assert same(first.result(), folder)


def test_a_full_disk(folder: Path, own_cache: Path) -> None:
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    part = own_cache / "models--team--model" / "blobs" / f"{digest}.incomplete"
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")  # every write to it finds the disk full
    with hub(served(folder)) as address, pytest.raises(ModelSourceError) as error:
        fetched("team/model", address)
    assert error.value.key == "hub.disk_full" and error.value.values == {"name": "team/model"}


def test_what_the_disk_has_no_room_for_is_not_begun(folder: Path) -> None:
    answers = served(folder)
    path = "/api/models/team/model/revision/main"
    about = json.loads(answers[path][2])
    next(file for file in about["siblings"] if file["rfilename"] == WEIGHTS)["size"] = 2**60
    answers[path] = (200, {}, json.dumps(about).encode())
    manners = Manners()
    with hub(answers, manners) as address, pytest.raises(ModelSourceError) as error:
        fetched("team/model", address)
    assert error.value.key == "hub.disk_full"
    assert not manners.asked


def test_the_same_weights_for_other_libraries_are_left(folder: Path, tmp_path: Path) -> None:
    more = Path(shutil.copytree(folder, tmp_path / "more"))
    shutil.copy(more / WEIGHTS, more / "consolidated.safetensors")
    (more / "pytorch_model.bin").write_bytes(b"0")
    manners = Manners()
    with hub(served(more), manners) as address:
        came = fetched("team/model", address)
    assert {path.name for path in came.iterdir()} == {path.name for path in folder.iterdir()}
    assert [name for name, _ in manners.asked] == [WEIGHTS]


def test_without_a_network_half_a_fetch_is_no_network(folder: Path, size: int) -> None:
    with hub(served(folder)) as address, pytest.raises(Stop):
        fetched("team/model", address, Watch(enough=size // 2))
    with pytest.raises(ModelSourceError) as error:
        fetched("team/model", address)
    assert error.value.key == "hub.no_network"


def test_a_page_in_the_place_of_the_hub_is_no_network() -> None:
    page = (200, {"Content-Type": "text/html"}, b"<html>Log in to our Wi-Fi</html>")
    with hub({"/api/models/team/model/revision/main": page}) as address, pytest.raises(ModelSourceError) as error:
        fetched("team/model", address)
    assert error.value.key == "hub.no_network"
