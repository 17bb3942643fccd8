"""The what-if controls of the attention inside a network, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from torch import nn

from attention_core.errors import ControlError
from attention_core.mechanisms.cbam import CBAM
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation

Overrides = Mapping[str, Mapping[str, Any]]  # where the attention stands → control of its `trace` → value


def checked_overrides(
    overrides: Overrides | None,
    attentions: Mapping[str, nn.Module],
    what: Literal["stage", "place"],
    owner: Callable[[str], str],
) -> Overrides:
    """`overrides` if each names one of `attentions` and controls that it has; the values are left to the attention.

    what: what the keys are; owner: for a key, whose controls they are, for the message. Raises `ControlError` with the
    possible names.
    """
    for place, controls in (overrides or {}).items():
        if place not in attentions:
            raise ControlError(
                f"control.{what}",
                f"overrides names {place!r}; expected one of {', '.join(attentions)}.",
                came=place,
                expected=tuple(attentions),
            )
        allowed = _controls(attentions[place])
        for control in controls:
            if control not in allowed:
                raise ControlError(
                    "control.unknown",
                    f"{control!r} is no control of {owner(place)}; "
                    f"expected {', '.join(allowed) or 'none, as it has no attention'}.",
                    came=control,
                    expected=allowed,
                )
    return overrides or {}


def _controls(attention: nn.Module) -> tuple[str, ...]:
    if isinstance(attention, CBAM):
        return ("gate_override", "mask_override", "order", "pooling")
    return ("gate_override",) if isinstance(attention, SqueezeExcitation) else ()
