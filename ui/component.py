"""Components of our own: inline HTML, CSS and JavaScript from components/, nothing from a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).resolve().parent / "components"


def component(name: str, **options: Any) -> Any:
    """The component of the files components/<name>/<name>.html, .css and .js, as far as they are there.

    options: as `st.components.v2.component` takes them.
    """
    files = {kind: FOLDER / name / f"{name}.{kind}" for kind in ("html", "css", "js")}
    parts: dict[str, Any] = {kind: file.read_text(encoding="utf-8") for kind, file in files.items() if file.exists()}
    return st.components.v2.component(name, **parts, **options)
