"""What the tests of the measurements share."""

from __future__ import annotations

from tests.steady import one_core, seeded

__all__ = ["one_core", "seeded"]
