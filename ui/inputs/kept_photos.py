"""The photos that somebody brought along, kept for the session, and what became of those that came last.

Widgets forget their files on another page and in another language; the session does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import streamlit as st

from attention_core.errors import InputError
from ui.inputs.networks import Photo

Origin = Literal["upload", "paste", "camera"]
Size = tuple[int, int]
MOST = 8  # photos a session, each up to 40 MB as it came
FIRST = "upload"  # the name of the first one in a link; the next are upload-2, upload-3, …
_KEPT, _SERIAL, _NEWS = "_photos_kept", "_photos_serial", "_photos_news"


@dataclass(frozen=True)
class Arrived:
    """A file that came; `name` is empty for one that has none. shrunk_from: its size before the browser shrank it."""

    name: str
    origin: Origin
    data: bytes
    shrunk_from: Size | None = None


@dataclass(frozen=True)
class Kept:
    """A photo that can be used. number: counts from 1 in a session and is never given twice."""

    number: int
    name: str
    origin: Origin
    photo: Photo


@dataclass
class News:
    """What became of the files that came last, by name."""

    refused: list[tuple[str, InputError]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    shrunk: list[tuple[str, Size, Size]] = field(default_factory=list)


def kept() -> dict[str, Kept]:
    """Name in the link → photo, in the order in which they came."""
    photos: dict[str, Kept] = st.session_state.setdefault(_KEPT, {})
    return photos


def news() -> News:
    """What is to be said about the files that came last."""
    told: News = st.session_state.get(_NEWS, News())
    return told


def told() -> None:
    """The news is old."""
    st.session_state.pop(_NEWS, None)


def take(files: Iterable[Arrived]) -> str | None:
    """Keeps the photos among the files, and names the one to show: the first that can be used, if any."""
    st.session_state[_NEWS] = said = News()
    return next(iter([name for file in files for name in _kept_as(file, said)]), None)


def remove(name: str) -> str | None:
    """Forgets a photo, and names its neighbour, if any."""
    names = [*kept()]
    place = names.index(name)
    del kept()[name]
    told()
    return next(iter(names[place + 1 :] or names[:place][::-1]), None)


def _kept_as(file: Arrived, said: News) -> Iterator[str]:
    photo = Photo(file.data)
    known = next((name for name, other in kept().items() if other.photo.digest == photo.digest), None)
    if known is not None:
        yield known
        return
    if len(kept()) >= MOST:
        said.left_out.append(file.name)
        return
    try:
        size = photo.size
    except InputError as error:
        said.refused.append((file.name, error))
        return
    if file.shrunk_from is not None:
        said.shrunk.append((file.name, file.shrunk_from, size))
    number = st.session_state.get(_SERIAL, 0) + 1
    st.session_state[_SERIAL] = number
    name = FIRST if number == 1 else f"{FIRST}-{number}"
    kept()[name] = Kept(number, file.name, file.origin, photo)
    yield name
