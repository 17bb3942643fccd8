"""The files of a network on a hub: which ones are wanted, how large they are, and how they come.

Large files are fetched in pieces that stay where a fetch ends early, so that the next one goes on from there; the hub's
own library begins a broken file anew. A finished file is put where that library keeps it, under its SHA-256, so that
every program that uses the library finds it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attention_core.errors import ModelSourceError, WeightsError
from attention_core.models.hub.errors import disk_full, hub_errors, is_transport, no_network

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

Progress = Callable[[int, int], None]
"""Told the bytes that are here and those in all; what it raises ends the fetch, and is passed on."""

TRIES = 4  # in a row that bring nothing, before a broken connection is given up
PAUSE = 0.5  # seconds before the next try

_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_WANTED = ("*.json", "*.txt", "*.model", "*.safetensors", "README.md")
_UNWANTED = ("*/*", "consolidated*.safetensors")  # the same weights once more, for other libraries


def fetched(source: str | Path, endpoint: str | None = None, progress: Progress | None = None) -> Path:
    """The folder of a network: `source` itself, or where the hub's files were put.

    progress: called many times on the way, the last time with all bytes. Whatever ends a fetch, what has come is kept,
    and the next call goes on from there. Raises `ModelSourceError` for what cannot be found, reached or written, and
    `WeightsError` for a file that is not the one that the hub names.
    """
    folder = local_folder(source)
    return folder if folder is not None else _downloaded(str(source), endpoint, progress or _unheard)


def local_folder(source: str | Path) -> Path | None:
    """The folder that `source` is, or None where it is a name on a hub. Raises `ModelSourceError`."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if isinstance(source, Path) or not _NAME.fullmatch(source):
        raise ModelSourceError(
            "hub.no_folder",
            f"there is no folder {source}, and no model on a hub can have this name. Check the path.",
            name=str(source),
        )
    return None


def asked(name: str, endpoint: str | None) -> ModelInfo:
    """What the hub says of a network, its wanted files alone among `siblings`. Raises `ModelSourceError`."""
    from huggingface_hub import HfApi
    from huggingface_hub.utils import filter_repo_objects  # type: ignore[attr-defined]

    try:
        with hub_errors(name):
            info = HfApi(endpoint=endpoint).model_info(name, revision="main", files_metadata=True)
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # the page of a gatekeeper, such as a hotel's
        raise no_network(name) from error
    named = {file.rfilename: file for file in info.siblings or []}
    wanted = filter_repo_objects(named, allow_patterns=list(_WANTED), ignore_patterns=list(_UNWANTED))
    info.siblings = [named[name] for name in wanted]
    return info


def kept_folder(name: str) -> Path | None:
    """Where the files of a network are on this machine; None where some are missing."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return _snapshot(name, None, local_files_only=True)
    except LocalEntryNotFoundError:
        return None


def missing_bytes(name: str, info: ModelInfo) -> int:
    """How much of the wanted files is not on this machine yet."""
    return sum(_size(file) - _here(name, info, file) for file in info.siblings or [])


def _unheard(done: int, total: int) -> None:
    """Progress that nobody asked for."""


def _downloaded(name: str, endpoint: str | None, progress: Progress) -> Path:
    try:
        info = asked(name, endpoint)
    except ModelSourceError:
        kept = kept_folder(name)
        if kept is None:
            raise
        return kept
    wanted = info.siblings or []
    total = sum(map(_size, wanted))
    _check_room(name, missing_bytes(name, info))
    with hub_errors(name):
        for file in wanted:
            others = sum(_here(name, info, other) for other in wanted if other is not file)

            def report(done: int, others: int = others) -> None:
                progress(others + done, total)

            report(_here(name, info, file))
            # What is not in the hub's large storage has no SHA-256, and comes in one piece: 10 MB at most.
            if file.lfs is not None and _here(name, info, file) < _size(file):
                _fetch(name, info, file, endpoint, report)
        folder = _snapshot(name, endpoint)
    progress(total, total)
    return folder


def _snapshot(name: str, endpoint: str | None, local_files_only: bool = False) -> Path:
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            name,
            allow_patterns=list(_WANTED),
            ignore_patterns=list(_UNWANTED),
            endpoint=endpoint,
            local_files_only=local_files_only,
        )
    )


def _check_room(name: str, needed: int) -> None:
    folder = _blobs(name)
    there = next(parent for parent in folder.parents if parent.is_dir())
    if shutil.disk_usage(there).free < needed:
        raise disk_full(name)


def _blobs(name: str) -> Path:
    """Where the hub's library keeps the files of a network, each under its SHA-256."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model") / "blobs"


def _size(file: RepoSibling) -> int:
    return file.size or 0


def _here(name: str, info: ModelInfo, file: RepoSibling) -> int:
    """How many bytes of a file are on this machine."""
    from huggingface_hub import try_to_load_from_cache

    if isinstance(try_to_load_from_cache(name, file.rfilename, revision=info.sha), str):
        return _size(file)
    if file.lfs is None:
        return 0
    blob = _blobs(name) / file.lfs.sha256
    return _size(file) if blob.exists() else min(_length(_part(blob)), _size(file))


def _part(blob: Path) -> Path:
    """What has come of a file."""
    return blob.with_name(f"{blob.name}.incomplete")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch(name: str, info: ModelInfo, file: RepoSibling, endpoint: str | None, report: Callable[[int], None]) -> None:
    """Brings a large file to its place. report: told how many bytes of it are here."""
    from huggingface_hub import constants, hf_hub_url

    assert file.lfs is not None  # the caller's condition
    blob, size = _blobs(name) / file.lfs.sha256, _size(file)
    part = _part(blob)
    blob.parent.mkdir(parents=True, exist_ok=True)
    # The lock that the hub's library takes for this file.
    lock = Path(constants.HF_HUB_CACHE) / ".locks" / blob.parent.parent.name / f"{blob.name}.lock"
    with _alone(lock, lambda: report(_length(part))):
        if blob.exists():
            return
        if _length(part) > size:
            part.unlink()
        _go_on(name, part, hf_hub_url(name, file.rfilename, revision=info.sha, endpoint=endpoint), size, report)
        with part.open("rb") as came:
            digest = hashlib.file_digest(came, "sha256").hexdigest()
        if digest != file.lfs.sha256:
            part.unlink()
            raise WeightsError(
                "hub.altered",
                f"what came as {file.rfilename} of {name} is not the file that the hub names: its checksum differs. "
                "Fetch it again.",
                name=name,
                file=file.rfilename,
            )
        part.replace(blob)


@contextmanager
def _alone(lock: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Holds a lock among processes and threads; `waiting` is called now and then before, and may raise."""
    from filelock import Timeout
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    lock.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(WeakFileLock(lock, timeout=PAUSE))
                break
            except Timeout:
                waiting()
        yield


def _go_on(name: str, part: Path, url: str, size: int, report: Callable[[int], None]) -> None:
    """Appends to `part` what it lacks to `size` bytes, through broken connections."""
    idle, cause = 0, None
    while (had := _length(part)) < size:
        if cause is not None:
            time.sleep(PAUSE)
        report(had)
        try:
            _append(part, url, report)
        except Exception as error:
            if not is_transport(error):
                raise
            cause = error
        idle = 0 if _length(part) > had else idle + 1
        if idle == TRIES:
            raise ModelSourceError(
                "hub.interrupted",
                f"the connection broke after {_length(part) / 1e6:.0f} of {size / 1e6:.0f} MB of {name}. What came is "
                "kept: try again, and it goes on from there.",
                name=name,
                done=f"{_length(part) / 1e6:.0f}",
                total=f"{size / 1e6:.0f}",
            ) from cause


def _append(part: Path, url: str, report: Callable[[int], None]) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status  # type: ignore[attr-defined]

    start = _length(part)
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
        if response.is_error:
            response.read()  # the reason is in the body
        hf_raise_for_status(response)
        # A server that does not know ranges sends the whole file.
        with part.open("ab" if response.status_code == 206 else "wb") as file:
            for piece in response.iter_bytes():
                file.write(piece)
                report(file.tell())
