"""Which version of the library this is."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGE = "attention-explorer"


@cache
def version() -> str:
    """As the clone's pyproject.toml says, or the installed package."""
    described = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if described.is_file():
        return str(tomllib.loads(described.read_text(encoding="utf-8"))["project"]["version"])
    return metadata.version(PACKAGE)
