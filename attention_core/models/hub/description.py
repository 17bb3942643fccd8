"""What is known of a network before it is loaded: from its hub, or from its folder."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attention_core.errors import ModelSourceError
from attention_core.models.hub.files import asked, kept_folder, local_folder, missing_bytes
from attention_core.models.hub.loading import require_transformers


@dataclass(frozen=True)
class ModelDescription:
    """A network as its hub, its model card and its files tell of it; None, or nothing, for what they do not tell.

    download_bytes: still to be fetched, 0 where everything is on this machine; license: a short name such as
    "apache-2.0"; languages: codes such as "zh".
    """

    name: str
    architecture: str | None
    parameters: int | None
    download_bytes: int
    license: str | None
    languages: tuple[str, ...]
    on_disk: bool


def describe(source: str | Path, endpoint: str | None = None) -> ModelDescription:
    """What is known of a network of the transformers library; no weights are fetched or read.

    source, endpoint: as in `load_hub_text_model`. Raises `ModelSourceError`, `MissingPackageError`.
    """
    require_transformers()
    folder = local_folder(source)
    if folder is not None:
        return _of_folder(folder.resolve().name, folder)
    name = str(source)
    try:
        info = asked(name, endpoint)
    except ModelSourceError:
        kept = kept_folder(name)
        if kept is None:
            raise
        return _of_folder(name, kept)
    missing = missing_bytes(name, info)
    return ModelDescription(
        name=name,
        architecture=_architecture(info.config),
        parameters=info.safetensors.total if info.safetensors else None,
        download_bytes=missing,
        on_disk=not missing and kept_folder(name) is not None,
        **_said(info.card_data),
    )


def _of_folder(name: str, folder: Path) -> ModelDescription:
    from huggingface_hub import ModelCard

    try:
        card: Any = ModelCard.load(folder / "README.md", ignore_metadata_errors=True).data
    except Exception:  # no card, or one that is no card: the network is none the worse for it
        card = None
    try:
        config: Any = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = None
    return ModelDescription(
        name=name,
        architecture=_architecture(config),
        parameters=_parameters(folder),
        download_bytes=0,
        on_disk=True,
        **_said(card),
    )


def _architecture(config: Any) -> str | None:
    named = config.get("architectures") if isinstance(config, dict) else None
    return str(named[0]) if isinstance(named, list) and named else None


def _said(card: Any) -> dict[str, Any]:
    """Licence and languages of a model card's head."""
    license, languages = getattr(card, "license", None), getattr(card, "language", None)
    listed = languages if isinstance(languages, list) else [languages] if languages else []
    return {"license": str(license) if license else None, "languages": tuple(map(str, listed))}


def _parameters(folder: Path) -> int | None:
    """The numbers in all tensors, counted by their shapes in the heads of the files."""
    from safetensors import SafetensorError, safe_open

    count = 0
    try:
        for path in folder.glob("*.safetensors"):
            with safe_open(path, "pt") as file:
                count += sum(math.prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118
    except (OSError, SafetensorError):
        return None
    return count or None
