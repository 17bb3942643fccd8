"""The checkpoints that torchvision and pytorchcv publish: what they are, and how they come.

They are put where the library itself keeps them, after their checksum has been compared, and opened by
`read_checkpoint`, which runs nothing that they hold. (pytorchcv's own loading would.) What a broken fetch leaves is
gone on from by the next one.
"""

from __future__ import annotations

import errno
import hashlib
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import torch

from attention_core.errors import MissingPackageError, ModelSourceError, WeightsError
from attention_core.models.hub.errors import disk_full, no_network
from attention_core.models.hub.files import Progress
from attention_core.models.hub.loading import INSTALL

PIECE = 1 << 20  # bytes that are read at a time
TIMEOUT = 30.0  # seconds without a byte

_PYTORCHCV = "https://github.com/osmr/imgclsmob/releases/download"


@dataclass(frozen=True)
class PublishedWeights:
    """A checkpoint. path: where its library keeps it; size: bytes to fetch, None where only a fetch tells; parameters:
    of the network; digest: the SHA-256 of torchvision's file, of which only the beginning is known, or the SHA-1 of
    pytorchcv's, which comes in a ZIP archive.
    """

    name: str
    url: str
    path: Path
    size: int | None
    parameters: int
    digest: str

    @property
    def here(self) -> bool:
        """Whether it is on this machine."""
        return self.path.is_file()


def published_weights(source: str) -> PublishedWeights:
    """The checkpoint that a library publishes for "torchvision/name" or "pytorchcv/name".

    Raises `ModelSourceError` for an unknown name and for a network without a checkpoint, `MissingPackageError`.
    """
    library, _, name = source.partition("/")
    try:
        return (_of_torchvision if library == "torchvision" else _of_pytorchcv)(name)
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "hub.package",
            f"{source} needs the package {library}, which is not installed. Run: {INSTALL}",
            package=library,
            command=INSTALL,
        ) from error
    except ValueError as error:
        raise ModelSourceError(
            "hub.not_found", f"{library} has no network called {name}. Check the spelling.", name=name
        ) from error


def fetched_weights(source: str, progress: Progress) -> Path:
    """Where the checkpoint of "torchvision/name" or "pytorchcv/name" is, once it is here.

    progress: as in `fetched`. Raises what `published_weights` does, `ModelSourceError` for what cannot be fetched or
    written, and `WeightsError` for a file that is not the one that the library names.
    """
    weights = published_weights(source)
    if weights.here:
        return weights.path
    zipped = weights.url.endswith(".zip")
    part = weights.path.with_name(f"{weights.path.name}{'.zip' if zipped else ''}.incomplete")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _go_on(weights, part, progress)
        came = _unpacked(weights, part) if zipped else part
        _check(weights, came)
        came.replace(weights.path)
        part.unlink(missing_ok=True)
    except HTTPError as error:
        error.close()
        raise ModelSourceError(
            "hub.refused",
            f"the server of {weights.name} answered {error.code}. Try again later.",
            name=weights.name,
            status=error.code,
        ) from error
    except OSError as error:  # a name that is not found, a connection that breaks or stays silent, a full disk
        if error.errno == errno.ENOSPC:
            raise disk_full(weights.name) from error
        raise no_network(weights.name) from error
    return weights.path


def _of_torchvision(name: str) -> PublishedWeights:
    from torchvision.models import get_model_weights

    weights: Any = get_model_weights(name).DEFAULT
    file = weights.url.rpartition("/")[2]
    known = re.search(r"-([0-9a-f]{8,})\.", file)
    return PublishedWeights(
        name=f"torchvision/{name}",
        url=weights.url,
        path=Path(torch.hub.get_dir()) / "checkpoints" / file,
        size=round(weights.meta["_file_size"] * 2**20),
        parameters=weights.meta["num_params"],
        digest=known[1] if known else "",
    )


def _of_pytorchcv(name: str) -> PublishedWeights:
    from pytorchcv.models.common.model_store import get_model_metainfo

    parameters, error, digest, release = get_model_metainfo(name)
    if digest == "NA":
        raise ModelSourceError(
            "hub.unpublished",
            f"pytorchcv has the network {name}, but no trained weights of it. Give a checkpoint of your own.",
            name=name,
        )
    file = f"{name}-{error}-{digest[:8]}.pth"
    return PublishedWeights(
        name=f"pytorchcv/{name}",
        url=f"{_PYTORCHCV}/{release}/{file}.zip",
        path=Path.home() / ".torch" / "models" / file,
        size=None,
        parameters=parameters,
        digest=digest,
    )


def _go_on(weights: PublishedWeights, part: Path, progress: Progress) -> None:
    """Appends to `part` what it lacks."""
    start = part.stat().st_size if part.exists() else 0
    request = Request(weights.url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        answer = urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        if error.code == 416:  # nothing is missing: the last fetch ended before it was checked
            error.close()
            return
        raise
    with answer:
        if answer.status != 206:  # a server that does not know ranges sends the whole file
            start = 0
        total = start + int(answer.headers["Content-Length"])
        progress(start, total)
        with part.open("ab" if start else "wb") as file:
            while piece := answer.read(PIECE):
                file.write(piece)
                progress(file.tell(), total)
            done = file.tell()
    if done < total:
        raise ModelSourceError(
            "hub.interrupted",
            f"the connection broke after {done / 1e6:.0f} of {total / 1e6:.0f} MB of {weights.name}. What came is "
            "kept: try again, and it goes on from there.",
            name=weights.name,
            done=f"{done / 1e6:.0f}",
            total=f"{total / 1e6:.0f}",
        )


def _unpacked(weights: PublishedWeights, archive: Path) -> Path:
    """The one file of that name in a ZIP archive, beside it."""
    came = archive.with_name(f"{weights.path.name}.unpacked")
    try:
        with zipfile.ZipFile(archive) as zipped, zipped.open(weights.path.name) as inner, came.open("wb") as out:
            while piece := inner.read(PIECE):
                out.write(piece)
    except (zipfile.BadZipFile, KeyError) as error:
        archive.unlink()
        raise _altered(weights) from error
    return came


def _check(weights: PublishedWeights, came: Path) -> None:
    kind = "sha1" if weights.url.endswith(".zip") else "sha256"
    with came.open("rb") as file:
        digest = hashlib.file_digest(file, kind).hexdigest()
    if not digest.startswith(weights.digest):
        came.unlink()
        raise _altered(weights)


def _altered(weights: PublishedWeights) -> WeightsError:
    return WeightsError(
        "hub.altered",
        f"what came as {weights.path.name} of {weights.name} is not the file that its library names: its checksum "
        "differs. Fetch it again.",
        name=weights.name,
        file=weights.path.name,
    )
