"""Numbers and pictures as text, on their way to the browser."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image


def packed(numbers: npt.NDArray[Any], kind: str = "<f4") -> str:
    """The numbers, row by row, in base64; kind: NumPy's name of what each becomes."""
    return base64.b64encode(np.ascontiguousarray(numbers, dtype=kind).tobytes()).decode("ascii")


def jpeg_uri(picture: Image.Image, quality: int = 85) -> str:
    """The picture as a JPEG in a data URI."""
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
