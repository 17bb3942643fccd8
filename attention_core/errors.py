"""Errors that a person can act on: an English message, a catalogue key and the numbers in it."""

from __future__ import annotations

from functools import partial
from typing import Any


class AttentionCoreError(Exception):
    """Base of every error that this library raises on purpose.

    key      dotted name in the message catalogues, such as "image.too_large"
    message  English: what came, what was expected, what to do; `str(error)` gives it
    values   the numbers and names in the message, for the same sentence in another language
    """

    def __init__(self, key: str, message: str, **values: object) -> None:
        super().__init__(message)
        self.key = key
        self.values: dict[str, object] = values

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception would call the class with the message alone, and lose the key on the way
        # to another process.
        return partial(type(self), self.key, str(self), **self.values), ()


class ShapeError(AttentionCoreError, ValueError):
    """A tensor, an array or a pair of them has sizes that do not fit."""


class KindError(AttentionCoreError, TypeError):
    """A value is of the wrong type, or a tensor of the wrong dtype."""


class ControlError(AttentionCoreError, ValueError):
    """A number lies outside the range that it may take: a what-if control or an option."""


class InputError(AttentionCoreError, ValueError):
    """What a person typed or uploaded cannot be used as it is."""


class WeightsError(AttentionCoreError, RuntimeError):
    """A weights file is missing, altered, or belongs to another network."""


class BusyError(AttentionCoreError, RuntimeError):
    """Too many computations are waiting for their turn."""


class MissingPackageError(AttentionCoreError, ImportError):
    """Something was asked for that needs an optional package, which is not installed."""


class ModelSourceError(AttentionCoreError, RuntimeError):
    """A network cannot be fetched: no such folder or name, no connection, no permission."""


class UnsupportedModelError(AttentionCoreError, ValueError):
    """A network or its files are there, but of a kind that cannot be read here, or must not be."""
