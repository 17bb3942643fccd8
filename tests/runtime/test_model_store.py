"""Networks kept for all sessions: loaded once, in the background, within a limit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from attention_core.errors import ModelSourceError
from attention_core.runtime.model_store import Loading, ModelStore, Progress


class Source:
    """Where "networks" come from: strings as large as their name says, at the pace that a test sets."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.gate = threading.Event()
        self.began = threading.Event()
        self.gate.set()

    def load(self, name: str, progress: Progress) -> str:
        self.loaded.append(name)
        progress(1, 4)
        self.began.set()
        self.gate.wait(10)
        if name.startswith("missing"):
            raise ModelSourceError("hub.not_found", f"no {name}", name=name)
        progress(4, 4)
        return f"network {name}"


@pytest.fixture
def source() -> Iterator[Source]:
    made = Source()
    yield made
    made.gate.set()


def store(source: Source, most: int = 2, most_bytes: int = 10**6) -> ModelStore[str]:
    return ModelStore(source.load, len, most=most, most_bytes=most_bytes)


def waited(kept: ModelStore[str], name: str) -> Loading:
    for _ in range(1000):
        found = kept.ask(name)
        if found.over:
            return found
        threading.Event().wait(0.01)
    raise AssertionError(f"{name} never came")


def test_a_network_is_loaded_once_however_many_ask(source: Source) -> None:
    kept = store(source)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: waited(kept, "a"), range(16)))
    assert source.loaded == ["a"]
    assert kept.get("a") == "network a"


def test_whoever_asks_does_not_wait_and_sees_how_far_it_is(source: Source) -> None:
    source.gate.clear()
    kept = store(source)
    kept.ask("a")
    assert source.began.wait(10)
    assert kept.ask("a") == Loading("fetching", 1, 4)
    assert kept.get("a") is None
    source.gate.set()
    assert waited(kept, "a").phase == "ready"


def test_the_one_asked_for_longest_ago_leaves(source: Source) -> None:
    kept = store(source, most=2)
    for name in ("a", "b"):
        waited(kept, name)
    assert kept.get("a")  # now b is the older one
    waited(kept, "c")
    assert kept.names() == ["a", "c"]
    assert kept.state("b") is None
    waited(kept, "b")
    assert source.loaded == ["a", "b", "c", "b"]


def test_bytes_are_limited_but_the_last_one_stays(source: Source) -> None:
    kept = store(source, most=9, most_bytes=20)  # each "network" is 9 to 15 bytes long
    waited(kept, "a")
    waited(kept, "b")
    assert kept.names() == ["a", "b"]
    waited(kept, "longer")
    assert kept.names() == ["longer"]
    waited(kept, "longer than the limit")
    assert kept.names() == ["longer than the limit"]


def test_an_error_is_kept_until_it_is_forgotten(source: Source) -> None:
    kept = store(source)
    found = waited(kept, "missing")
    assert found.phase == "failed"
    assert isinstance(found.error, ModelSourceError)
    assert kept.ask("missing") is found
    assert source.loaded == ["missing"]
    kept.forget("missing")
    waited(kept, "missing")
    assert source.loaded == ["missing", "missing"]


def test_a_cancelled_loading_stops_and_can_begin_again(source: Source) -> None:
    source.gate.clear()
    kept = store(source)
    kept.ask("a")
    assert source.began.wait(10)
    kept.cancel("a")
    source.gate.set()
    for _ in range(1000):
        if (found := kept.state("a")) and found.over:
            break
        threading.Event().wait(0.01)
    assert found == Loading("cancelled")
    assert kept.get("a") is None
    assert waited(kept, "a").phase == "ready"


def test_stores_beside_each_other_share_their_limits_but_no_names(source: Source) -> None:
    texts = store(source, most=2)
    photos = texts.beside(lambda name, progress: f"photo network {name}")
    waited(texts, "a")
    waited(photos, "a")
    assert (texts.get("a"), photos.get("a")) == ("network a", "photo network a")
    waited(photos, "b")  # the third: the one asked for longest ago leaves, whatever its kind
    assert (texts.names(), photos.names()) == ([], ["a", "b"])
    texts.cancel("b")
    assert texts.state("b") is None
    assert photos.get("b") == "photo network b"
