"""The switch that leaves attention sinks out of the colours, where a text has any."""

from __future__ import annotations

from collections.abc import Mapping
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
class Sinks:
    """The sinks of a text, by their share, and where the colours of each head end, where they are left out.

    That is at its largest weight outside of them; None: colours go up to 1.
    """

    trace: TextTrace
    found: Mapping[int, float]
    switched: bool

    @property
    def left_out(self) -> bool:
        """Whether there are any, and the switch is on."""
        return self.switched and bool(self.found)

    def limit(self, layer: int, head: int) -> float | None:
        """Of one head."""
        return float(self._largest(layer)[head]) if self.left_out else None

    def limits(self) -> list[npt.NDArray[Any]] | None:
        """Of all heads, (H,) a layer."""
        return [array(self._largest(layer)) for layer in range(len(self.trace.layers))] if self.left_out else None

    def _largest(self, layer: int) -> Tensor:
        unit = grouping.unit(self.trace)
        rows = sorted({unit.row(place) for place in self.found})
        return largest_elsewhere(unit.weights(self.trace.layers[layer].weights[0]), rows)


def chosen(trace: TextTrace) -> Sinks:
    """The sinks of a text, and whether the switch is on."""
    return Sinks(trace, attention_sinks(trace), url_state.put_choice(KEY, (False, True)))


def choose(sinks: Sinks) -> None:
    """Draws the switch, where there is a sink."""
    if not sinks.found:
        return
    names = sentence.names(sinks.trace)
    taken = [t("sinks.takes", token=plain(names[place]), share=f"{alpha:.0%}") for place, alpha in sinks.found.items()]
    st.toggle(t("sinks.leave_out", sinks=joined("words.comma", taken)), key=KEY, help=t("sinks.help"))
    if sinks.left_out:
        st.caption(t("sinks.scale"))
