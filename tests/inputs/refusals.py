"""What refusing a file costs."""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

from attention_core.errors import InputError


def refused_at(refuse: Callable[[Any], InputError], data: Any) -> tuple[InputError, int]:
    """The error with which `data` is refused, without a warning, and the most bytes that this took."""
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            error = refuse(data)
        return error, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
