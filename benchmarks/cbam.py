"""CBAM against timm's, against the paper written down line by line, and against copying the map once."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

import torch
from timm.layers.cbam import CbamModule

from attention_core.mechanisms.cbam import CBAM
from benchmarks.peers import cbam_by_the_paper
from benchmarks.report import Section, Settings, by_device, comparison, verdict
from benchmarks.rounds import Row, Side, Spread, clock, measure
from training.tables import table

TITLE = "CBAM"
MAPS = ((64, 112), (256, 56), (512, 28), (1024, 14))  # C, H = W: the stages of a ResNet at 224 pixels
FORMATS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}
GOALS = {1: 1.3, 32: 2.0}  # batch → ratio to reach
OURS, TIMM, PAPER, COPY = "forward", "timm", "the paper", "copy"


def sides(B: int, C: int, S: int, layout: str, device: str) -> dict[str, Side]:
    theirs = CbamModule(C).eval().to(device)
    ours = CBAM.from_timm(theirs)
    x = torch.randn(B, C, S, S, device=device).contiguous(memory_format=FORMATS[layout])
    there = torch.empty_like(x)
    return {
        OURS: lambda: ours(x),
        TIMM: lambda: theirs(x),
        PAPER: lambda: cbam_by_the_paper(ours, x),
        COPY: lambda: there.copy_(x),
    }


def measured(settings: Settings) -> Iterator[Row]:
    for device in settings.devices:
        now = clock(device, settings.threads)
        for B in GOALS:
            for C, S in MAPS:
                for layout in FORMATS:
                    times = measure(sides(B, C, S, layout, device), settings.rounds, now)
                    yield Row(f"batch {B}, {C} × {S}², {layout}", device, times)


def section(rows: Sequence[Row]) -> Section:
    def of_device(device: str) -> str:
        parts = ["`CBAM.forward` against timm's `CbamModule` and a plain reading of the paper; channels × side²."]
        for B, goal in GOALS.items():
            own = [row for row in rows if row.device == device and row.case.startswith(f"batch {B},")]
            parts += [f"Batch {B}. {verdict(own, other, goal)}" for other in (TIMM, PAPER)]
            parts += [comparison(own, [TIMM, PAPER]), floor_table(own)]
        return "\n\n".join(
            (
                *parts,
                "The floor is the map read once and written once, at the bandwidth of a copy into memory that is there "
                "already. torch's operations cannot reach it: they read the map five times, as the gates need all its "
                "positions before the first product, and the mask all its channels before the second.",
                "What makes the difference at batch 32 is one new map instead of two, in pages of 2 MB instead of "
                "4 KB, which the system clears and maps at their first touch. At batch 1 it is the convolution of two "
                "maps, where oneDNN takes longer to set up than the sum takes, and linear layers where timm has "
                "convolutions of 1 × 1; in maps above 64² oneDNN is used here, too.",
            )
        )

    return Section(by_device(rows, {row.device: of_device(row.device) for row in rows}))


def floor_table(rows: Sequence[Row]) -> str:
    """Distance from the floor: bytes moved once each way over the measured bandwidth of a copy."""
    lines = []
    for row in rows:
        C, S = (int(number) for number in row.case.split(", ")[1].removesuffix("²").split(" × "))
        moved = (
            2 * 4 * int(row.case.split(",")[0].removeprefix("batch ")) * C * S * S
        )  # bytes of float32, read and written
        bandwidth = moved / statistics.median(row.seconds[COPY]) / 1e9
        away = Spread.of([1 / ratio for ratio in row.ratios(COPY)])
        lines.append((row.case, f"{moved / 1e6:.1f}", f"{bandwidth:.1f}", f"{row.median_ms(COPY):.3g}", away))
    return table(("case", "MB moved", "copy, GB/s", "floor, ms", "times the floor"), lines)
