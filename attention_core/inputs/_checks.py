"""What a picture must be before work on it begins, and how it is said when it is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attention_core.errors import (
    AttentionCoreError,
    ControlError,
    InputError,
    KindError,
    ShapeError,
)

MAX_FILE_BYTES = 40_000_000
MAX_PIXELS = 30_000_000
MIN_SIDE = 8

# A tensor that was resized by somebody else may leave 0…1 by rounding; this much is let pass.
_RANGE_TOLERANCE = 1e-3


def check_size(width: int, height: int) -> None:
    """A photo's sides: InputError where it has too many pixels or is too narrow."""
    if width * height > MAX_PIXELS:
        megapixels, limit = round(width * height / 1e6, 1), MAX_PIXELS // 1_000_000
        raise InputError(
            "image.too_many_pixels",
            f"The photo has {width} × {height} pixels ({megapixels} megapixels); the limit is "
            f"{limit} megapixels. Make it smaller.",
            width=width,
            height=height,
            megapixels=megapixels,
            limit=limit,
        )
    if min(width, height) < MIN_SIDE:
        raise InputError(
            "image.too_small",
            f"The photo has {width} × {height} pixels; each side needs at least {MIN_SIDE}. Choose a larger one.",
            width=width,
            height=height,
            limit=MIN_SIDE,
        )


@contextmanager
def damage_reported(kind: str) -> Iterator[None]:
    """Whatever a decoder raises (OSError, SyntaxError, zlib.error, …) becomes an InputError."""
    try:
        yield
    except AttentionCoreError:
        raise
    except Exception as error:
        raise InputError(
            "image.truncated",
            f"The {kind} file is cut off or damaged. Save it again, or choose another.",
            came=kind,
        ) from error


def check_dtype(fits: bool, came: object, expected: str) -> None:
    """KindError unless the dtype fits."""
    if not fits:
        raise KindError(
            "image.wrong_dtype",
            f"The picture's dtype is {came}; expected is {expected}. Convert it first.",
            came=str(came),
            expected=expected,
        )


def check_shape(fits: bool, came: tuple[int, ...], expected: str) -> None:
    """ShapeError unless the shape fits."""
    if not fits:
        raise ShapeError(
            "image.wrong_shape",
            f"The picture's shape is {came}; expected is {expected}, one picture at a time.",
            came=str(came),
            expected=expected,
        )


def check_range(low: float, high: float, minimum: int, maximum: int) -> None:
    """ControlError unless minimum ≤ low and high ≤ maximum; NaN lies in no range."""
    if not (low >= minimum - _RANGE_TOLERANCE and high <= maximum + _RANGE_TOLERANCE):
        raise ControlError(
            "image.out_of_range",
            f"The picture's numbers go from {low} to {high}; expected is {minimum} to {maximum}, "
            "without NaN. Scale them first.",
            came_minimum=low,
            came_maximum=high,
            minimum=minimum,
            maximum=maximum,
        )
