"""Gates that are unusual for a photo: outside the band in which they lie on most photos. C channels."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from attention_core.mechanisms.checks import check_shape


@dataclass(frozen=True)
class UnusualGates:
    """Channels outside their bands, the farthest first."""

    above: tuple[int, ...]
    below: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.above) + len(self.below)


def unusual_gates(weights: Tensor, band: Tensor) -> UnusualGates:
    """weights (C,) of a photo; band (3, C): quantiles of each gate over many photos, the outer two its ends.

    Raises `ShapeError`.
    """
    check_shape("band", band, (3, len(weights)))
    low, _, high = band
    return UnusualGates(_farthest(weights - high), _farthest(low - weights))


def _farthest(beyond: Tensor) -> tuple[int, ...]:
    outside = beyond.argsort(descending=True, stable=True)
    return tuple(outside[beyond[outside] > 0].tolist())
