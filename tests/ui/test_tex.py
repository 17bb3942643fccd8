"""How formulas write numbers."""

from __future__ import annotations

import pytest

from attention_core.stories.tex import number


@pytest.mark.parametrize(
    ("value", "written"),
    [(4.0, "4"), (0.5, "0.5"), (100.0, "100"), (10.64, "10.64"), (-2.5, "(-2.5)"), (0.0, "0"), (-0.001, "0")],
)
def test_numbers_are_short_and_negative_ones_in_brackets(value: float, written: str) -> None:
    assert number(value) == written
