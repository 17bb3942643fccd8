"""Networks that are fetched and read in the background, and kept for all sessions up to a limit of memory.

Whoever asks gets an answer at once: the network where it is kept, else how far its loading is.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

Model = TypeVar("Model")
Other = TypeVar("Other")
Phase = Literal["waiting", "fetching", "reading", "ready", "failed", "cancelled"]
Progress = Callable[[int, int], None]  # bytes that are here, bytes in all
_Key = tuple[int, str]  # which of the stores beside each other, the network's name


class Cancelled(Exception):
    """Raised inside a loading that nobody wants any more."""


@dataclass(frozen=True)
class Loading:
    """How far a network is. done, total: bytes, 0 before anything is known; error: why it failed."""

    phase: Phase
    done: int = 0
    total: int = 0
    error: Exception | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.phase in ("ready", "failed", "cancelled")


class ModelStore(Generic[Model]):
    """Networks by name. Thread-safe: one store serves all sessions.

    load: name, progress → network; it runs in a thread of the store's own, and what it raises is kept as the error.
    bytes_of: the memory that a network takes. most, most_bytes: no more networks, nor more bytes of them, are kept; the
    one that was asked for longest ago leaves first. The network asked for last always stays.
    """

    def __init__(
        self,
        load: Callable[[str, Progress], Model],
        bytes_of: Callable[[Model], int],
        *,
        most: int,
        most_bytes: int,
        at_once: int = 2,
    ) -> None:
        self._load, self._bytes_of = load, bytes_of
        self._most, self._most_bytes = most, most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, Any] = OrderedDict()  # the one asked for last at the end
        self._loadings: dict[_Key, Loading] = {}
        self._unwanted: set[_Key] = set()
        self._workers = ThreadPoolExecutor(at_once, thread_name_prefix="models")
        self._number = 0
        self._stores = [self._number]

    def beside(self, load: Callable[[str, Progress], Other]) -> ModelStore[Other]:
        """A store for networks of another kind, with names of its own: the two share limits, memory and threads.

        `bytes_of` has to know networks of both kinds.
        """
        other: ModelStore[Any] = copy.copy(self)  # all but what follows is one and the same
        with self._lock:
            other._number = len(self._stores)
            self._stores.append(other._number)
        other._load = load
        return other

    def _key(self, name: str) -> _Key:
        return self._number, name

    def get(self, name: str) -> Model | None:
        """The network, if it is kept; it counts as asked for."""
        key = self._key(name)
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            kept: Model = self._kept[key]
            return kept

    def ask(self, name: str) -> Loading:
        """Starts to load a network unless it is kept or on its way; how far it is. An error stays until `forget`."""
        key = self._key(name)
        with self._lock:
            known = self._loadings.get(key)
            if key in self._kept:
                return Loading("ready")
            if known is not None and known.phase not in ("ready", "cancelled"):
                return known
            self._unwanted.discard(key)
            self._loadings[key] = Loading("waiting")
            self._workers.submit(self._run, name)
            return self._loadings[key]

    def state(self, name: str) -> Loading | None:
        """How far a network is; None where nobody has asked for it."""
        key = self._key(name)
        with self._lock:
            return Loading("ready") if key in self._kept else self._loadings.get(key)

    def cancel(self, name: str) -> None:
        """Stops a loading at its next step; what has been fetched stays on disk for the next time."""
        key = self._key(name)
        with self._lock:
            if key in self._loadings and not self._loadings[key].over:
                self._unwanted.add(key)

    def forget(self, name: str) -> None:
        """Drops the error of a loading, so that the next `ask` tries again."""
        key = self._key(name)
        with self._lock:
            if key in self._loadings and self._loadings[key].over:
                del self._loadings[key]

    def names(self) -> list[str]:
        """The networks of this store that are kept, the one asked for last at the end."""
        with self._lock:
            return [name for number, name in self._kept if number == self._number]

    def _run(self, name: str) -> None:
        key = self._key(name)
        try:
            self._report(key, 0, 0)
            model = self._load(name, lambda done, total: self._report(key, done, total))
            self._keep(key, model)
        except Cancelled:
            self._note(key, Loading("cancelled"))
        except Exception as error:  # kept for whoever asked, and shown there
            self._note(key, Loading("failed", error=error))

    def _report(self, key: _Key, done: int, total: int) -> None:
        with self._lock:
            self._stop_if_unwanted(key)
            self._loadings[key] = Loading("fetching" if done < total else "reading", done, total)

    def _note(self, key: _Key, loading: Loading) -> None:
        with self._lock:
            self._unwanted.discard(key)
            self._loadings[key] = loading

    def _stop_if_unwanted(self, key: _Key) -> None:
        if key in self._unwanted:
            raise Cancelled

    def _keep(self, key: _Key, model: Model) -> None:
        with self._lock:
            self._stop_if_unwanted(key)
            self._kept[key] = model
            self._loadings[key] = replace(self._loadings[key], phase="ready")
            while len(self._kept) > 1 and (
                len(self._kept) > self._most or sum(map(self._bytes_of, self._kept.values())) > self._most_bytes
            ):
                left, _ = self._kept.popitem(last=False)
                del self._loadings[left]
