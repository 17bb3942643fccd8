"""The evaluation of the photo networks that ship, as their pages read it."""

from __future__ import annotations

from typing import Any

from ui.inputs import networks


def measured_scores() -> dict[str, Any]:
    """The evaluation of the photo networks; empty where there is none."""
    try:
        return networks.measured("vision")
    except FileNotFoundError:  # a clone whose networks have not been evaluated yet
        return {}


def find(scores: dict[str, Any], *path: str) -> float | None:
    """A number of the evaluation; None where it has not been measured."""
    value: Any = scores
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) else None
