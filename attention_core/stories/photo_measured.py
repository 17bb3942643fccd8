"""What was measured of a photo network that ships, as notes of its stories: about many photos, not about this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from attention_core.analysis.bands import unusual_gates
from attention_core.analysis.familiarity import KnownThings
from attention_core.models.vision import VisionTrace
from attention_core.stories.story import Block, Note
from attention_core.words import Listed, Say, Words

STILL = 0.01  # standard deviation between photos below which a gate, or a mask, is the same for every photo
NAMED = 3  # unusual channels of each kind
Answer = Literal["known", "doubtful", "unsure", "strange"]


def find(scores: Mapping[str, Any], *path: str) -> float | None:
    """A number of the evaluation; None where it has not been measured."""
    value: Any = scores
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, int | float) else None


def answer_of(trace: VisionTrace, things: KnownThings | None) -> Answer:
    """Familiar and likely: "known"; likely alone: "doubtful"; familiar alone: "unsure"; neither: "strange".

    A likely name stands even where a photo looks unfamiliar: the rule was chosen on photos that come from another
    source than the test photos, and that alone makes them look so. "known" where no rule has been measured.
    """
    if things is None:
        return "known"
    if things.sure(trace):
        return "known" if things.knows(trace) else "doubtful"
    return "unsure" if things.knows(trace) else "strange"


@dataclass(frozen=True)
class Measured:
    """The evaluation of one build; what of it has not been made is left out of the stories.

    scores: as `registry.scores("vision")` gives them; bands: stage → quantiles of each gate, (3, C), as
    `registry.gate_bands` gives them; things: what it knows.
    """

    build: str
    scores: Mapping[str, Any]
    bands: Mapping[str, Tensor] = field(default_factory=dict)
    things: KnownThings | None = None

    def is_still(self, stage: str, what: str = "gates") -> bool:
        """Whether the "gates", or "masks", of a stage are the same for every photo."""
        spread = self._life(stage, what, "spread")
        return spread is not None and spread < STILL

    def gate_notes(self, stage: str, weights: Tensor) -> list[Block]:
        """Below the gates (C,) of a photo: whether they depend on photos, and which are unusual on this one."""
        spread, fixed = (self._life(stage, "gates", name) for name in ("spread", "fixed_share"))
        photos = find(self.scores, "life", self.build, "photos")
        notes: list[Block] = []
        if spread is not None and fixed is not None and photos is not None:
            facts = {"spread": spread, "fixed": fixed, "photos": photos}
            if self.is_still(stage):
                return [Note(Say("gate_life.still", facts), "info")]
            notes.append(Note(Say("gate_life.living", facts)))
        band = self.bands.get(stage)
        return notes if band is None else [*notes, Note(_unusual(weights.cpu(), band), "text")]

    def mask_notes(self, stage: str) -> list[Block]:
        """Below a mask: what the masks of its stage follow, and how well they point at the thing."""
        notes: list[Block] = []
        found: Any = self.scores.get("life", {}).get(self.build, {}).get("stages", {}).get(stage, {}).get("masks", {})
        if "follows" in found:
            rim, cells = (find(found, *path) for path in (("rim", "value"), ("rim_cells",)))
            facts = {
                "follows": Say(f"gate_life.follows.{found['follows']}"),
                "rims": rim is not None and cells is not None,
                "rim": rim,
                "cells": cells,
                "still": self.is_still(stage, "masks"),
            }
            notes.append(Note(Say("gate_life.mask", facts)))
        paths = {"mask": (stage, "mask"), "features": (stage, "features"), "middle": ("centred_gaussian",)}
        trust = {name: find(self.scores, "masks", *path, "pixel_auc", "value") for name, path in paths.items()}
        return notes if None in trust.values() else [*notes, Note(Say("photo.mask_trust", trust))]

    @property
    def masks_measured(self) -> list[Block]:
        """On what the masks were measured."""
        photos = find(self.scores, "masks", "photos")
        return [] if photos is None else [Note(Say("photo.mask_trusted", {"photos": photos}))]

    @property
    def trust(self) -> list[Block]:
        """How often the build is right, what its attention gained, and how often its warning is right."""
        of_build = ("builds", self.build)
        top1, top5 = (find(self.scores, *of_build, name, "value") for name in ("class_top1", "class_top5"))
        photos = find(self.scores, *of_build, "photos")
        if top1 is None or top5 is None or photos is None:
            return []
        plain = find(self.scores, "builds", "plain", "class_top1", "value")
        gain, error = (find(self.scores, "minus_plain", self.build, name) for name in ("value", "standard_error"))
        names = ("photos_outside", "either_outside", "either_right", "either_wrong")
        others, outside, right, wrong = (find(self.scores, *of_build, "unknown", name) for name in names)
        facts: dict[str, Any] = {"photos": photos, "top1": top1, "top5": top5}
        facts |= {"compared": None not in (plain, gain, error), "plain": plain}
        if gain is not None and error is not None:
            facts |= {"gain": round(100 * gain, 1) + 0.0, "error": 100 * error}
        facts |= {"others": others, "outside": outside, "right": right, "wrong": wrong}
        return [Note(Say("photo.trust", {**facts, "ruled": None not in (others, outside, right, wrong)}))]

    def _life(self, stage: str, *path: str) -> float | None:
        return find(self.scores, "life", self.build, "stages", stage, *path)


def extremes(weights: Tensor) -> Words:
    """Which channels (C,) are open widest and least, by the numbers as they are printed; all that tie are counted."""
    printed = [f"{value:.2f}" for value in weights.tolist()]
    best, worst = int(weights.argmax()), int(weights.argmin())
    if printed[best] == printed[worst]:
        return Say("gate_life.equal", {"value": weights[best].item()})
    ends = []
    for end, channel in (("widest", best), ("least", worst)):
        ties = printed.count(printed[channel])
        facts = {"channel": channel, "value": weights[channel].item(), "count": ties, "ties": ties > 1}
        ends.append(Say(f"gate_life.{end}", facts))
    return Listed(ends)


def _unusual(weights: Tensor, band: Tensor) -> Say:
    found = unusual_gates(weights, band)

    def listed(channels: tuple[int, ...]) -> Listed:
        return Listed(
            [
                Say("gate_life.channel", {"channel": channel, "value": value, "low": low, "high": high})
                for channel in channels[:NAMED]
                for value, low, high in [(weights[channel].item(), band[0, channel].item(), band[2, channel].item())]
            ]
        )

    facts: dict[str, Any] = {"count": len(found), "channels": len(weights), "expected": 0.1 * len(weights)}
    for side, channels in (("above", found.above), ("below", found.below)):
        facts |= {f"any_{side}": bool(channels), side: listed(channels)}
    return Say("gate_life.unusual", facts)
