"""What somebody changes inside a photo network, as a value: hashable, and short enough for a link.

    stage2.top4~stage3.low8.gate12-50.spatial.max.mask_____uqqqg

Stages are joined by ~, the changes of a stage by dots; the name of a stage may have dots, too, in other libraries.
Channels count from 0, gates are in hundredths. The mask is one digit a cell, row by row, in base64url: 0 … a for
0.0 … 1.0, and f for a cell that stays as computed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from attention_core.analysis.photo_change import extreme_channels
from attention_core.analysis.stages import channel_weights
from attention_core.mechanisms.cbam import CBAMTrace, Order
from attention_core.mechanisms.squeeze_excitation import Pooling
from attention_core.models.hub.vision import StagedTrace
from attention_core.models.vision import StageTrace
from attention_core.stories.photo import stage_named
from attention_core.words import Listed, Say, Words

PoolingChoice = Literal["both", "avg", "max"]
ORDERS: tuple[Order, ...] = ("channel-first", "spatial-first")
POOLINGS: tuple[PoolingChoice, ...] = ("both", "avg", "max")
COMPUTED = "f"  # the digit of a cell that nobody painted
LEVELS = 10  # a digit is a value in tenths
MOST_CELLS = 4096  # of a mask that can be painted: beyond, links are too long
MOST_TOLD = 4  # gates that are listed one by one
UNCHANGED = "none"
_PATTERN = re.compile(
    r"top(?P<top>[0-9]{1,4})|low(?P<low>[0-9]{1,4})|gate(?P<channel>[0-9]{1,4})-(?P<gate>[0-9]{1,3})"
    r"|(?P<order>spatial)|(?P<pooling>avg|max)|mask(?P<mask>[A-Za-z0-9_-]+)"
)


@dataclass(frozen=True)
class StageWhatIf:
    """The changes in one stage's attention; the defaults are the network as trained."""

    strongest: int = 0  # channels of largest weight that are switched off
    weakest: int = 0
    gates: tuple[tuple[int, float], ...] = ()  # (channel, gate) of the channels whose gate is set
    cells: str = ""  # one digit a cell of the spatial mask; empty: none is painted
    order: Order = "channel-first"
    pooling: PoolingChoice = "both"

    def __str__(self) -> str:
        """As it stands in a link; empty as trained."""
        parts = [f"top{self.strongest}"] if self.strongest else []
        parts += [f"low{self.weakest}"] if self.weakest else []
        parts += [f"gate{channel}-{round(100 * gate)}" for channel, gate in self.gates]
        parts += ["spatial"] if self.order == "spatial-first" else []
        parts += [self.pooling] if self.pooling != "both" else []
        parts += [f"mask{_packed(self.cells)}"] if self.cells else []
        return ".".join(parts)

    @property
    def painted(self) -> int:
        """How many cells of the mask are painted."""
        return len(self.cells) - self.cells.count(COMPUTED)

    def gate(self, channel: int) -> float | None:
        """What a channel's gate is set to; None where it is not."""
        return dict(self.gates).get(channel)

    def with_gate(self, channel: int, gate: float | None) -> StageWhatIf:
        """The same with one gate set, or with None left as computed again."""
        gates = {**dict(self.gates), channel: gate}
        kept = tuple((c, round(value, 2)) for c, value in sorted(gates.items()) if value is not None)
        return replace(self, gates=kept)

    def with_cells(self, cells: str) -> StageWhatIf:
        """The same with another painting. Raises `ValueError` for digits that are none."""
        if set(cells) - _DIGITS:
            raise ValueError(f"{cells[:80]!r} is no painting: the digits are 0 … a, and f")
        return replace(self, cells="" if set(cells) <= {COMPUTED} else cells)

    def controls(self, trained: StageTrace) -> dict[str, Any]:
        """As `trace` of the network takes them; `trained`: the stage as trained, which says what is strongest."""
        controls = self._gate_override(channel_weights(trained))
        attention = trained.attention
        if not isinstance(attention, CBAMTrace):
            return controls
        if self.cells:
            tenths = [int(digit, 16) for digit in self.cells]
            values = [level / LEVELS if level <= LEVELS else torch.nan for level in tenths]
            controls["mask_override"] = torch.tensor(values).reshape(attention.spatial.mask.shape[2:])
        if self.order != "channel-first":
            controls["order"] = self.order
        if self.pooling != "both":
            pooling: tuple[Pooling, ...] = (self.pooling,)
            controls["pooling"] = pooling
        return controls

    def said(self, stage: Words) -> list[Words]:
        """Each change, of the stage of this name."""
        counts = {"strongest": self.strongest, "weakest": self.weakest, "cells": self.painted}
        said: list[tuple[str, dict[str, float]]] = [(name, {"count": count}) for name, count in counts.items() if count]
        if len(self.gates) > MOST_TOLD:
            said.append(("gates", {"count": len(self.gates)}))
        else:
            said += [("gate", {"channel": channel, "gate": gate}) for channel, gate in self.gates]
        kinds = [kind for kind in (self.order, self.pooling) if kind not in ("channel-first", "both")]
        said += [(kind, {}) for kind in kinds]
        return [Say(f"photo_what_if.changes.{name}", {"stage": stage, **facts}) for name, facts in said]

    def _gate_override(self, weights: Tensor) -> dict[str, Any]:
        gates = torch.full(weights.shape, torch.nan)  # (C,)
        gates[extreme_channels(weights, self.strongest, self.weakest)] = 0.0
        for channel, gate in self.gates:  # what is set by hand counts, switched off or not
            gates[channel] = gate
        return {} if bool(gates.isnan().all()) else {"gate_override": gates}


_DIGITS = {*"0123456789a", COMPUTED}
AS_COMPUTED = StageWhatIf()


@dataclass(frozen=True)
class PhotoWhatIf:
    """One what-if; `stages` holds those with a change, in the order of their names."""

    stages: tuple[tuple[str, StageWhatIf], ...] = ()

    def __str__(self) -> str:
        """As it stands in a link."""
        return "~".join(f"{name}.{changes}" for name, changes in self.stages) or UNCHANGED

    def stage(self, name: str) -> StageWhatIf:
        """The changes of one stage."""
        return dict(self.stages).get(name, AS_COMPUTED)

    @property
    def said(self) -> Words:
        """All changes, one after the other."""
        each = [one for name, changes in self.stages for one in changes.said(stage_named(name))]
        return Listed(each, "photo_what_if.and")

    def with_stage(self, name: str, changes: StageWhatIf) -> PhotoWhatIf:
        """The same with other changes in one stage."""
        stages = {**dict(self.stages), name: changes}
        return PhotoWhatIf(tuple((n, c) for n, c in sorted(stages.items()) if c != AS_COMPUTED))

    @property
    def ranked_off(self) -> tuple[str, int] | None:
        """(stage, count) where nothing is changed but that a stage's strongest, or weakest, channels are off."""
        if len(self.stages) != 1:
            return None
        [(name, changes)] = self.stages
        one_kind = 0 in (changes.strongest, changes.weakest)
        off = max(changes.strongest, changes.weakest)
        alone = replace(changes, strongest=0, weakest=0) == AS_COMPUTED
        return (name, off) if one_kind and alone else None

    def fitting(self, trained: StagedTrace) -> PhotoWhatIf:
        """What of it can be done to this network: squeeze-and-excitation has neither mask nor order nor pooling."""
        masked = {stage.name for stage in trained.stages if isinstance(stage.attention, CBAMTrace)}
        kept = PhotoWhatIf()
        for name, changes in self.stages:
            gates = replace(changes, cells="", order="channel-first", pooling="both")
            kept = kept.with_stage(name, changes if name in masked else gates)
        return kept

    def overrides(self, trained: StagedTrace) -> Mapping[str, Mapping[str, Any]]:
        """As `trace` of the network takes them. trained: of the same photo through the same network, as trained."""
        stages = {stage.name: stage for stage in trained.stages}
        return {name: changes.controls(stages[name]) for name, changes in self.stages}


AS_TRAINED = PhotoWhatIf()


def read(written: str, trained: StagedTrace) -> PhotoWhatIf:
    """The what-if of a link, for a network of these stages. Raises `ValueError` for anything that it cannot mean."""
    shapes = {stage.name: tuple(stage.features.shape[1:]) for stage in trained.stages}
    found = PhotoWhatIf()
    for block in [] if written == UNCHANGED else written.split("~"):
        name = next((name for name in shapes if block.startswith(f"{name}.")), None)
        if name is None or name in dict(found.stages):
            raise ValueError(f"{block[:80]!r} names no stage, or one again; expected one of {', '.join(shapes)}")
        found = found.with_stage(name, _stage(block.removeprefix(f"{name}."), *shapes[name]))
    return found


def _stage(written: str, channels: int, height: int, width: int) -> StageWhatIf:
    changes = AS_COMPUTED
    said = set()
    for part in written.split("."):
        match = _PATTERN.fullmatch(part)
        if match is None:
            raise ValueError(f"{part[:80]!r} is no change that can be made")
        values = {key: value for key, value in match.groupdict().items() if value is not None}
        what = f"gate{values['channel']}" if "channel" in values else next(iter(values))
        if what in said:
            raise ValueError(f"{part[:80]!r} says again what has been said")
        said.add(what)
        changes = _with(changes, values, channels, height * width)
    return changes


def _with(changes: StageWhatIf, values: dict[str, str], channels: int, cells: int) -> StageWhatIf:
    match values:
        case {"top": count}:
            return replace(changes, strongest=_within(int(count), channels + 1))
        case {"low": count}:
            return replace(changes, weakest=_within(int(count), channels + 1))
        case {"channel": channel, "gate": gate}:
            return changes.with_gate(_within(int(channel), channels), _within(int(gate), 101) / 100)
        case {"mask": packed}:
            return changes.with_cells(_unpacked(packed, cells))
        case {"pooling": "avg" | "max" as pooling}:
            return replace(changes, pooling=pooling)
        case _:
            return replace(changes, order="spatial-first")


def _packed(cells: str) -> str:
    digits = cells + COMPUTED * (len(cells) % 2)  # two digits a byte
    return base64.urlsafe_b64encode(bytes.fromhex(digits)).decode().rstrip("=")


def _unpacked(packed: str, cells: int) -> str:
    if cells > MOST_CELLS or len(packed) > 2 * MOST_CELLS:
        raise ValueError(f"a mask of {cells} cells is too large; expected at most {MOST_CELLS}")
    try:
        digits = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True).hex()[:cells]
    except binascii.Error as error:
        raise ValueError(f"{packed[:80]!r} is no base64url") from error
    if len(digits) != cells or _packed(digits) != packed:
        raise ValueError(f"{packed[:80]!r} is no painting of {cells} cells")
    return digits


def _within(value: int, end: int) -> int:
    if value >= end:
        raise ValueError(f"{value} is beyond {end - 1}")
    return value
