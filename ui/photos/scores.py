"""The evaluation of the photo networks that ship, as their pages read it."""

from __future__ import annotations

from typing import Any

from attention_core.errors import WeightsError
from attention_core.stories.photo_measured import Measured, find
from ui.inputs import networks
from ui.photos.answers import things_of

__all__ = ["find", "measured", "measured_scores"]


def measured_scores() -> dict[str, Any]:
    """The evaluation of the photo networks; empty where there is none."""
    try:
        return networks.measured("vision")
    except FileNotFoundError:  # a clone whose networks have not been evaluated yet
        return {}


def measured(build: str) -> Measured:
    """All that stories tell of a build beside its traces."""
    try:
        bands = networks.gate_bands(build)
    except (FileNotFoundError, WeightsError):  # a clone whose networks have not been evaluated yet, or others' weights
        bands = {}
    return Measured(build, measured_scores(), bands, things_of(build))
