"""The switch that leaves attention sinks out of the colours, where a text has any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import streamlit as st
from torch import Tensor

from attention_core.analysis.sinks import attention_sinks, largest_elsewhere
from attention_core.models.text import TextTrace
from attention_core.stories.arrays import array
from attention_core.words import plain
from ui.i18n import joined, t
from ui.inputs import grouping, sentence
from ui.shell import url_state

KEY = "sinks"


@dataclass(frozen=True)
class WithoutSinks:
    """Where the colours of each head end: at its largest weight outside the sinks."""

    trace: TextTrace
    places: tuple[int, ...]

    def limit(self, layer: int, head: int) -> float:
        """Of one head."""
        return float(self._largest(layer)[head])

    def limits(self) -> list[npt.NDArray[Any]]:
        """Of all heads, (H,) a layer."""
        return [array(self._largest(layer)) for layer in range(len(self.trace.layers))]

    def _largest(self, layer: int) -> Tensor:
        unit = grouping.unit(self.trace)
        rows = sorted({unit.row(place) for place in self.places})
        return largest_elsewhere(unit.weights(self.trace.layers[layer].weights[0]), rows)


def chosen(trace: TextTrace) -> WithoutSinks | None:
    """As the switch stands; None while it is off, and where a text has no sink."""
    on, found = url_state.put_choice(KEY, (False, True)), attention_sinks(trace)
    return WithoutSinks(trace, tuple(found)) if on and found else None


def choose(trace: TextTrace) -> WithoutSinks | None:
    """Draws the switch, where there is a sink; returns what is chosen."""
    found = attention_sinks(trace)
    without = chosen(trace)
    if not found:
        return None
    names = sentence.names(trace)
    taken = [t("sinks.takes", token=plain(names[place]), share=f"{alpha:.0%}") for place, alpha in found.items()]
    st.toggle(t("sinks.leave_out", sinks=joined("words.comma", taken)), key=KEY, help=t("sinks.help"))
    if without is not None:
        st.caption(t("sinks.scale"))
    return without
