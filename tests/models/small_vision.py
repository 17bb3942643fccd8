"""The sizes of a photo network of three small stages, the last one of two blocks."""

from __future__ import annotations

from typing import Any

SIZES: dict[str, Any] = {
    "widths": (4, 6, 9),
    "strides": (1, 2, 1),
    "depths": (1, 1, 2),
    "dilations": (1,) * 6 + (2, 2),
    "stem_stride": 2,
    "reduction": 16,
}
