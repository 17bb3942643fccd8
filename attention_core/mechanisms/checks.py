"""What every mechanism checks before it computes: each refusal states what came and what was expected."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from attention_core.errors import ControlError, KindError, ShapeError


def check_floating(name: str, x: object) -> Tensor:
    """`x` as a floating-point tensor, or a `KindError`."""
    if not isinstance(x, Tensor):
        raise KindError(
            "tensor.kind",
            f"{name} is a {type(x).__name__}; expected a torch.Tensor. Convert it with torch.as_tensor(…).",
            name=name,
            came=type(x).__name__,
        )
    if not x.is_floating_point():
        raise KindError(
            "tensor.dtype",
            f"{name} has dtype {x.dtype}; expected a floating-point dtype. Convert it with .float().",
            name=name,
            came=str(x.dtype),
        )
    return x


def check_shape(name: str, x: object, expected: tuple[int | str, ...], dtype: torch.dtype | None = None) -> Tensor:
    """`x` if its shape matches `expected`, in which a string stands for any size of at least 1.

    dtype: that of the module's own weights; under autocast, which converts by itself, another may come.
    """
    tensor = check_floating(name, x)
    if dtype not in (None, tensor.dtype) and not torch.is_autocast_enabled(tensor.device.type):
        raise KindError(
            "tensor.dtype",
            f"{name} has dtype {tensor.dtype}; expected {dtype}, that of the module. Convert it with .to({dtype}).",
            name=name,
            came=str(tensor.dtype),
            expected=str(dtype),
        )
    shape = tuple(tensor.shape)
    fits = len(shape) == len(expected) and all(
        came >= 1 if isinstance(wanted, str) else came == wanted for came, wanted in zip(shape, expected, strict=True)
    )
    if not fits:
        wanted = f"({', '.join(str(size) for size in expected)})"
        raise ShapeError(
            "tensor.shape",
            f"{name} has shape {shape}; expected {wanted}. Reshape it, or build the module for its size.",
            name=name,
            came=shape,
            expected=wanted,
        )
    return tensor


def check_positive(name: str, value: int) -> int:
    """`value` if it is a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ControlError(
            "number.positive",
            f"{name} is {value!r}; expected a whole number of at least 1.",
            name=name,
            came=value,
        )
    return value


def check_number(name: str, value: float) -> float:
    """`value` if it is a number at all."""
    if not hasattr(value, "__float__"):
        raise KindError(
            "number.kind",
            f"{name} is {value!r}, of type {type(value).__name__}; expected a number.",
            name=name,
            came=type(value).__name__,
        )
    return float(value)


def check_temperature(temperature: float) -> float:
    """A finite temperature above 0: at 0 the softmax is undefined, below it turns attention round."""
    temperature = check_number("temperature", temperature)
    if not (math.isfinite(temperature) and temperature > 0):
        raise ControlError(
            "control.temperature",
            f"temperature is {temperature}; expected a finite number above 0.",
            came=temperature,
        )
    return temperature


def check_scale(scale: float | None, key_dim: int) -> float:
    """The factor on q·k: 1/√d unless another finite one is asked for."""
    if scale is None:
        return 1.0 / math.sqrt(key_dim)
    scale = check_number("scale", scale)
    if not math.isfinite(scale):
        raise ControlError(
            "control.scale", f"scale is {scale}; expected a finite number, or None for 1/√d.", came=scale
        )
    return scale


def check_mask(mask: Tensor | None, scores_shape: tuple[int, ...]) -> Tensor | None:
    """A boolean attention mask that broadcasts to the scores; True = may attend.

    For scores (B, H, T, T) a mask of three dimensions is read as (B, T, T), the same for every head; one that does
    not fit so is read as (H, T, T), the same for the whole batch. It comes back with as many dimensions as the scores.
    """
    if mask is None:
        return None
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        came = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise KindError(
            "control.mask_kind",
            f"mask is {came}; expected a torch.bool tensor with True where a token may attend.",
            came=str(came),
        )
    by_batch = len(scores_shape) == 4 and mask.dim() == 3 and mask.shape[0] in (1, scores_shape[0])
    aligned = mask.unsqueeze(1) if by_batch else mask
    sizes = (1,) * (len(scores_shape) - aligned.dim()) + tuple(aligned.shape)
    if len(sizes) != len(scores_shape) or any(
        came not in (1, wanted) for came, wanted in zip(sizes, scores_shape, strict=True)
    ):
        raise ShapeError(
            "control.mask_shape",
            f"mask has shape {tuple(mask.shape)}; expected one that broadcasts to the scores' {scores_shape}.",
            came=tuple(mask.shape),
            expected=scores_shape,
        )
    return aligned.reshape(sizes)


def overridden(name: str, computed: Tensor, override: Tensor | None) -> Tensor:
    """`computed` (B, …) with the entries of `override` (…) that are not NaN put in their place.

    Overrides are gates and masks, so they must lie in [0, 1].
    """
    if override is None:
        return computed
    values = check_floating(name, override)
    expected = tuple(computed.shape[1:])
    if tuple(values.shape) != expected:
        raise ShapeError(
            "control.override_shape",
            f"{name} has shape {tuple(values.shape)}; expected {expected}, with NaN where nothing changes.",
            name=name,
            came=tuple(values.shape),
            expected=expected,
        )
    values = values.to(device=computed.device, dtype=computed.dtype)
    untouched = values.isnan()
    if not bool((untouched | ((values >= 0) & (values <= 1))).all()):
        raise ControlError(
            "control.override_range",
            f"{name} runs from {values[~untouched].min().item():g} to {values[~untouched].max().item():g}; "
            "expected values from 0 to 1, with NaN where nothing changes.",
            name=name,
        )
    return torch.where(untouched, computed, values)
