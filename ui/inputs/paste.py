"""Photos that come past the uploader: pasted, dropped anywhere on the page, or too large for it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import streamlit as st

from attention_core.inputs import MAX_FILE_BYTES
from ui.i18n import t
from ui.inputs.kept_photos import Arrived
from ui.shell.component import component

_paste = component("paste")
# Beyond these the browser makes a photo smaller before it sends it.
MOST_BYTES, MOST_PIXELS, LONG_SIDE = 8_000_000, 24_000_000, 3000
_WORDS = ("button", "hint", "working", "nothing", "closed", "unreadable", "pasted")


def paste_button(key: str, *, uploader: str, on_arrival: Callable[[list[Arrived]], None]) -> None:
    """A button and Ctrl+V for photos. uploader: key of the container whose uploader takes what is dropped on it."""

    def arrived() -> None:
        files = st.session_state[key]["arrived"]
        if files:
            on_arrival([_read(file) for file in files])

    limits = {"bytes": MOST_BYTES, "pixels": MOST_PIXELS, "side": LONG_SIDE, "upload": MAX_FILE_BYTES}
    words = {name: t(f"photo.paste.{name}") for name in _WORDS}
    _paste(
        key=key, data={"words": words, "limits": limits, "uploader": f".st-key-{uploader}"}, on_arrived_change=arrived
    )


def _read(file: dict[str, Any]) -> Arrived:
    size = file.get("from")
    return Arrived(
        name=file["name"],
        origin="paste" if file["pasted"] else "upload",
        data=base64.b64decode(file["data"]),
        shrunk_from=(size[0], size[1]) if size else None,
    )
