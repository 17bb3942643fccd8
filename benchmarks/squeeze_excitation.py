"""Squeeze-and-excitation against torchvision's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torchvision

from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation
from benchmarks.report import Section, Settings, by_device, comparison, verdict
from benchmarks.rounds import Row, Side, clock, measure

TITLE = "Squeeze-and-excitation"
MAPS = ((64, 112), (256, 56), (512, 28), (1024, 14))  # C, H = W: the stages of a ResNet at 224 pixels
BATCHES = (1, 32)
OURS, TORCHVISION = "forward", "torchvision"


def sides(B: int, C: int, S: int, device: str) -> dict[str, Side]:
    theirs = torchvision.ops.SqueezeExcitation(C, C // 16).eval().to(device)
    ours = SqueezeExcitation.from_torchvision(theirs)
    x = torch.randn(B, C, S, S, device=device)
    return {OURS: lambda: ours(x), TORCHVISION: lambda: theirs(x)}


def measured(settings: Settings) -> Iterator[Row]:
    for device in settings.devices:
        now = clock(device, settings.threads)
        for B in BATCHES:
            for C, S in MAPS:
                times = measure(sides(B, C, S, device), settings.rounds, now)
                yield Row(f"batch {B}, {C} × {S}²", device, times)


def section(rows: Sequence[Row]) -> Section:
    def of_device(device: str) -> str:
        own = [row for row in rows if row.device == device]
        batches = "\n\n".join(
            f"Batch {B}. {verdict([row for row in own if row.case.startswith(f'batch {B},')], TORCHVISION, 1.1)}"
            for B in BATCHES
        )
        return (
            "`SqueezeExcitation.forward` against `torchvision.ops.SqueezeExcitation`, channels × side² of the map.\n\n"
            f"All. {verdict(own, TORCHVISION, 1.1)}\n\n{batches}\n\n{comparison(own, [TORCHVISION])}\n\n"
            "Both sides read the map twice and write it once; what differs is the memory that they write to. From 4 MB "
            "on ours comes in pages of 2 MB, where the system gives them; torch's in pages of 4 KB, and to clear and "
            "map these takes longer than the arithmetic. Where the map is smaller (batch 1), or is written to memory "
            "that was just given back (24 MB, 1024 × 14² at batch 32), both do the same work in the same time."
        )

    return Section(by_device(rows, {row.device: of_device(row.device) for row in rows}))
