"""What whoever runs the app may set, by environment variables; docs/deploying.md lists them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ANY, OFF = "any", "off"
TORCH_LIBRARIES = ("torchvision", "pytorchcv")  # a folder of this name holds checkpoints of its networks
_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
CHECKPOINTS = (".safetensors", ".pt", ".pth", ".ckpt", ".pkl", ".bin")  # listed; those that could run code are refused


@dataclass(frozen=True)
class Settings:
    """The limits on networks that do not ship with the app."""

    models: tuple[str, ...] | None = None  # names on the hub that may be loaded; None = any
    foreign: bool = True  # False: only the networks that ship
    folder: Path = ROOT / "models"  # each folder in it is a network
    kept: int = 2  # networks in memory, for all sessions together
    kept_bytes: int = 8 * 10**9
    tokens: int = 256  # that such a network may read: a trace holds H·T² weights of every layer

    def allows(self, name: str) -> bool:
        """Whether a network of the hub may be loaded by name. A path is none: links must not open folders here."""
        if not self.foreign:
            return False
        return name in self.models if self.models is not None else _of_the_hub(name)

    def listed(self, suggested: tuple[str, ...]) -> tuple[str, ...]:
        """The names to offer: those that may be loaded, or where all may be, those that are suggested."""
        return suggested if self.models is None else self.models

    def folders(self) -> list[Path]:
        """The networks for text that lie ready, by name."""
        return [folder for folder in self._with_config() if not _of_photos(folder)]

    def photo_folders(self) -> list[Path]:
        """The networks of the transformers library for photos that lie ready, by name."""
        return [folder for folder in self._with_config() if _of_photos(folder)]

    def checkpoints(self) -> list[Path]:
        """The files that lie ready in torchvision/ and pytorchcv/; the name before the first "-" is the network's."""
        if not self.foreign:
            return []
        found = (path for library in TORCH_LIBRARIES for path in (self.folder / library).glob("*"))
        return sorted(path for path in found if path.suffix in CHECKPOINTS and path.is_file())

    def _with_config(self) -> list[Path]:
        if not self.foreign or not self.folder.is_dir():
            return []
        return sorted(entry for entry in self.folder.iterdir() if (entry / "config.json").is_file())


def _of_the_hub(name: str) -> bool:
    """Whether a name can only mean a network of the hub: its readers would take a folder of this name first."""
    return _HUB_NAME.fullmatch(name) is not None and ".." not in name and not Path(name).exists()


def config_of(folder: Path, file: str = "config.json") -> dict[str, Any]:
    """The config of a network; empty where it cannot be read, of which the loading says more."""
    try:
        config: Any = json.loads((folder / file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def _of_photos(folder: Path) -> bool:
    """Whether the config of a folder speaks of photos. One that cannot be read is told with the networks for text."""
    return not config_of(folder).keys().isdisjoint(("image_size", "patch_size"))


def read(environment: Mapping[str, str]) -> Settings:
    """ATTENTION_MODELS: "any", "off", or names with commas between; ATTENTION_MODELS_FOLDER; ATTENTION_MODELS_KEPT and
    ATTENTION_MODELS_GB: how many networks stay in memory, and how many gigabytes of them. Raises `ValueError`.
    """
    said = environment.get("ATTENTION_MODELS", ANY).strip()
    names = tuple(filter(None, (name.strip() for name in said.split(","))))
    defaults = Settings()
    kept = int(environment.get("ATTENTION_MODELS_KEPT", defaults.kept))
    gigabytes = float(environment.get("ATTENTION_MODELS_GB", defaults.kept_bytes / 1e9))
    if kept < 1 or not gigabytes > 0:
        raise ValueError(
            f"ATTENTION_MODELS_KEPT is {kept} and ATTENTION_MODELS_GB {gigabytes:g}; expected more than 0 of each. "
            "ATTENTION_MODELS=off turns networks of others off."
        )
    return Settings(
        models=None if said in (ANY, OFF) else names,
        foreign=said != OFF,
        folder=Path(environment.get("ATTENTION_MODELS_FOLDER", defaults.folder)),
        kept=kept,
        kept_bytes=int(gigabytes * 1e9),
    )


@cache
def settings() -> Settings:
    """As the environment of this process says."""
    return read(os.environ)
