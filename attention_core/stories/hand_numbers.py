"""The numbers of the example that is worked by hand, as a value that is short enough for a link.

    wq-0-3-7_x-1-2--0.5

Only cells that differ from the defaults: matrix, row, column and number, counted from 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Matrices = Mapping[str, npt.NDArray[np.float64]]
# Made up so that the result can be read: the four dimensions are person, action, food and end of a word, and W^q lets
# a person ask for an action, an action for food, and the halves of a word for each other.
DEFAULTS: dict[str, list[list[float]]] = {
    "x": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]],
    "wq": [[0, 0, 0, 0], [4, 0, 0, 0], [0, 4, 0, 4], [0, 0, 4, -4]],
    "wk": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    "wv": [[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 3]],
    "w1": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    "w2": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    "v": [[1, 1, 1, 1]],
}
LIMIT = 100  # of a number's size
UNCHANGED = "none"
_CELL = re.compile(r"([a-z0-9]+)-([0-9])-([0-9])-(-?[0-9]{1,3}(?:\.[0-9]{1,2})?)")


def read(written: str) -> dict[str, npt.NDArray[np.float64]]:
    """The matrices of a link. Raises `ValueError` for anything that it cannot mean."""
    matrices = {name: np.array(rows, dtype=float) for name, rows in DEFAULTS.items()}
    for part in [] if written == UNCHANGED else written.split("_"):
        found = _CELL.fullmatch(part)
        if found is None or found[1] not in matrices or abs(float(found[4])) > LIMIT:
            raise ValueError(f"{part[:80]!r} is no number of the example")
        matrix, cell = matrices[found[1]], (int(found[2]), int(found[3]))
        if cell[0] >= matrix.shape[0] or cell[1] >= matrix.shape[1]:
            raise ValueError(f"{part[:80]!r} is outside of {matrix.shape[0]} × {matrix.shape[1]}")
        matrix[cell] = float(found[4])
    return matrices


def write(matrices: Matrices) -> str:
    """As it stands in a link; hundredths are kept."""
    parts = []
    for name, matrix in matrices.items():
        for row, column in np.argwhere(np.round(matrix, 2) != np.array(DEFAULTS[name])).tolist():
            parts.append(f"{name}-{row}-{column}-{round(float(matrix[row, column]), 2):g}")
    return "_".join(parts) or UNCHANGED
