"""Gates outside their bands, worked by hand."""

from __future__ import annotations

import pytest
import torch

from attention_core.analysis.bands import unusual_gates
from attention_core.errors import ShapeError


def test_the_farthest_comes_first_and_the_ends_are_usual() -> None:
    band = torch.tensor([[0.2] * 5, [0.4] * 5, [0.6] * 5])
    found = unusual_gates(torch.tensor([0.1, 0.2, 0.7, 0.9, 0.6]), band)
    assert found.above == (3, 2) and found.below == (0,) and len(found) == 3


def test_a_band_of_other_channels_is_refused() -> None:
    with pytest.raises(ShapeError):
        unusual_gates(torch.zeros(4), torch.zeros(3, 5))
