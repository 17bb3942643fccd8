"""Where what ships lies."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path


@cache
def assets_folder() -> Path:
    """Where weights and samples lie: in the installed package, or beside it in a clone."""
    packaged = Path(str(files("attention_core"))) / "assets"
    return packaged if packaged.is_dir() else packaged.parent.parent / "assets"
