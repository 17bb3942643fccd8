"""A spatial mask that is painted over its photo, in the browser, with the pointer or the keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st
from PIL import Image
from torch import Tensor

from attention_core.figures import WEIGHT_SCALE
from attention_core.figures.style import FRAME
from attention_core.stories.arrays import array
from ui.i18n import t
from ui.shell.component import component
from ui.shell.wire import jpeg_uri

_WORDS = ("value", "size", "erase", "fill", "clear", "painted", "computed")
_painter = component("mask_painter")


def mask_painter(
    square: npt.NDArray[np.uint8], computed: Tensor, cells: str, *, key: str, on_paint: Callable[[str], None]
) -> None:
    """Draws the painter; after each stroke `on_paint` gets the cells, before the page runs again.

    square: the photo (S, S, 3) under the mask; computed: (H, W) of the cells that nobody painted; cells: one digit a
    cell, row by row, as in `StageWhatIf`, or empty.
    """
    heard = f"_{key}-serial"  # how many strokes have come: an answer to an earlier one must not undo a later one

    def painted() -> None:
        stroke: dict[str, Any] | None = st.session_state[key]["painted"]
        if stroke is not None:
            st.session_state[heard] = stroke["serial"]
            on_paint(stroke["cells"])

    rows, columns = computed.shape
    words = {name: t(f"photo_what_if.painter.{name}") for name in _WORDS}
    words["label"] = t("photo_what_if.painter.label", rows=rows, columns=columns)
    # The browser puts in the numbers of the cell.
    words["cell"] = t("photo_what_if.painter.cell", row="{row}", column="{column}", value="{value}")
    _painter(
        key=key,
        data={
            "photo": jpeg_uri(Image.fromarray(square)),
            "rows": rows,
            "columns": columns,
            "computed": [round(float(value), 3) for value in array(computed).ravel()],
            "cells": cells,
            "serial": st.session_state.get(heard, 0),
            "scale": [list(stop) for stop in WEIGHT_SCALE],
            "frame": FRAME,
            "words": words,
        },
        on_painted_change=painted,
    )
