"""What was measured of the gates and masks of the networks that ship, in words: whether they depend on the photo."""

from __future__ import annotations

from typing import Any

import streamlit as st
from torch import Tensor

from attention_core.analysis.bands import UnusualGates, unusual_gates
from attention_core.errors import WeightsError
from attention_core.stories.arrays import array
from ui.i18n import joined, t
from ui.inputs import networks
from ui.photos.scores import find, measured_scores

STILL = 0.01  # standard deviation between photos below which a gate, or a mask, is the same for every photo
NAMED = 3  # unusual channels of each kind


def band_of(build: str | None, stage: str) -> Tensor | None:
    """The quantiles of each gate of a stage over the dev photos, (3, C); None where they are not measured."""
    if build is None:
        return None
    try:
        return networks.gate_bands(build).get(stage)
    except (FileNotFoundError, WeightsError):  # a clone whose networks have not been evaluated yet, or others' weights
        return None


def is_still(build: str | None, stage: str, what: str = "gates") -> bool:
    """Whether the measured "gates", or "masks", of a stage are the same for every photo."""
    spread = _life(build, stage, what, "spread")
    return spread is not None and spread < STILL


def say_how_gates_live(build: str | None, stage: str, weights: Tensor) -> None:
    """Below the gates of a photo: whether they depend on photos at all, and which are unusual on this one."""
    spread, fixed = (_life(build, stage, "gates", name) for name in ("spread", "fixed_share"))
    photos = find(measured_scores(), "life", str(build), "photos")
    if spread is not None and fixed is not None and photos is not None:
        values = {"spread": f"{spread:.3f}", "fixed": f"{fixed:.0%}", "photos": f"{photos:,.0f}"}
        if is_still(build, stage):
            st.info(t("gate_life.still", **values), icon=":material/horizontal_rule:")
            return
        st.caption(t("gate_life.living", **values))
    band = band_of(build, stage)
    if band is not None:
        st.markdown(_unusual(unusual_gates(weights.cpu(), band), weights, band))


def say_what_mask_follows(build: str | None, stage: str) -> None:
    """Below a mask: what the masks of its stage follow, as measured; nothing where that is not known."""
    mask: dict[str, Any] = measured_scores().get("life", {}).get(build, {}).get("stages", {}).get(stage, {})
    found = mask.get("masks", {})
    if "follows" not in found:
        return
    line = t(f"gate_life.follows.{found['follows']}")
    rim, cells = (find(found, *path) for path in (("rim", "value"), ("rim_cells",)))
    if rim is not None and cells is not None:
        line += " " + t("gate_life.rim", rim=f"{rim:.0%}", cells=f"{cells:.0%}")
    if is_still(build, stage, "masks"):
        line += " " + t("gate_life.still_mask")
    st.caption(line)


def extremes(weights: Tensor) -> str:
    """Which channels are open widest and least, by the numbers as they are printed; all that tie are counted."""
    printed = [f"{value:.2f}" for value in weights.tolist()]
    best, worst = int(weights.argmax()), int(weights.argmin())
    if printed[best] == printed[worst]:
        return t("gate_life.equal", value=printed[best])
    return joined("words.comma", [_end("widest", best, printed), _end("least", worst, printed)])


def _end(which: str, channel: int, printed: list[str]) -> str:
    ties = printed.count(printed[channel])
    one_or_more = "one" if ties == 1 else "ties"
    return t(f"gate_life.{which}.{one_or_more}", channel=channel, value=printed[channel], count=ties)


def _unusual(found: UnusualGates, weights: Tensor, band: Tensor) -> str:
    counts = {"count": len(found), "channels": len(weights), "expected": f"{0.1 * len(weights):.0f}"}
    parts = [t("gate_life.unusual.count", **counts)]
    parts += [
        t(f"gate_life.unusual.{side}", named=_listed(channels[:NAMED], weights, band))
        for side, channels in (("above", found.above), ("below", found.below))
        if channels
    ]
    return " ".join(parts)


def _listed(channels: tuple[int, ...], weights: Tensor, band: Tensor) -> str:
    low, _, high = (array(values) for values in band)
    return joined(
        "words.comma",
        [
            t(
                "gate_life.unusual.channel",
                channel=channel,
                value=f"{weights[channel].item():.2f}",
                low=f"{low[channel]:.2f}",
                high=f"{high[channel]:.2f}",
            )
            for channel in channels
        ],
    )


def _life(build: str | None, stage: str, *path: str) -> float | None:
    return find(measured_scores(), "life", str(build), "stages", stage, *path)
