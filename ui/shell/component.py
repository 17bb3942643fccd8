"""Components of our own: inline HTML, CSS and JavaScript from components/, nothing from a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).resolve().parents[1] / "components"


def component(name: str, scripts: Sequence[str] = (), **options: Any) -> Any:
    """The component of the files components/<name>/<name>.html, .css and .js, as far as they are there.

    scripts: as `script` takes them, where there are several; options: as `st.components.v2.component` takes them.
    """
    files = {kind: FOLDER / name / f"{name}.{kind}" for kind in ("html", "css", "js")}
    parts: dict[str, Any] = {kind: file.read_text(encoding="utf-8") for kind, file in files.items() if file.exists()}
    if scripts:
        parts["js"] = script(name, scripts)
    return st.components.v2.component(name, **parts, **options)


def script(name: str, parts: Sequence[str]) -> str:
    """The files components/<name>/<part>.js as one module, in this order: what is used stands first."""
    return "\n".join((FOLDER / name / f"{part}.js").read_text(encoding="utf-8") for part in parts)
