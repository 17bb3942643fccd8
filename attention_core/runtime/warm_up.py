"""One pass before the first visitor: lazy set-up inside torch makes the first call of each kind slow."""

from __future__ import annotations

from collections.abc import Callable

import torch


def warm_up(*passes: Callable[[], object]) -> None:
    """Runs each pass once in inference mode and drops what it returns."""
    with torch.inference_mode():
        for run in passes:
            run()
