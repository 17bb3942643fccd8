"""From measured rows to docs/performance.md, by way of docs/performance.json: each subject renews its own part."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import torch

from benchmarks.rounds import Row, Spread, geometric_mean
from training.tables import table

DOCS = Path(__file__).resolve().parent.parent / "docs"
RESULTS, DOCUMENT = "performance.json", "performance.md"
PACKAGES = ("torch", "torchvision", "timm", "transformers", "numpy")

HEAD = """# Performance

Written by `python -m benchmarks`, which measures both sides of each comparison in one go; the numbers are in
[performance.json](performance.json). A ratio says how many times as long as the project's own side the other one takes:
above 1 the project is faster. It is the median over the rounds, in brackets the smallest and the largest. Both sides
have the same weights and give the same numbers where nothing else is said (`tests/benchmarks/`), and run in
`torch.inference_mode()`. In one thread the time is that which the thread itself had on the processor, so that other
programs disturb less; the machine's load stands by each section. Where torch sees a CUDA device, the same cases are
measured on it and have their own rows.
"""


@dataclass(frozen=True)
class Settings:
    """How to measure. devices: "cpu", and "cuda" where there is one."""

    rounds: int
    threads: int
    devices: tuple[str, ...] = ("cpu",)


@dataclass(frozen=True)
class Result:
    """A subject's rows, and what they were measured on. load: the machine's own, before and after, a core."""

    command: str
    machine: str
    packages: str
    rounds: int
    threads: int
    load: list[float]
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Section:
    """What the document says of a subject. pictures: file name in docs/images/ → SVG."""

    text: str
    pictures: Mapping[str, str] = field(default_factory=dict)


class Subject(Protocol):
    """What a file of a subject has."""

    @property
    def TITLE(self) -> str: ...

    def measured(self, settings: Settings) -> Iterable[Row]:
        """The cases, one after the other."""

    def section(self, rows: Sequence[Row]) -> Section:
        """What the document says of them."""


def machine() -> str:
    """The processor, how many cores, and the GPU if there is one."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{model or platform.machine()}, {os.cpu_count()} cores{gpu}"


def load() -> float:
    """Processes that run or wait, a core, over the last minute."""
    return round(os.getloadavg()[0] / (os.cpu_count() or 1), 1)


def packages() -> str:
    return ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def read(docs: Path) -> dict[str, Result]:
    """Subject → its last result."""
    if not (docs / RESULTS).exists():
        return {}
    stored = json.loads((docs / RESULTS).read_text(encoding="utf-8"))
    return {
        name: Result(**{**result, "rows": [Row(**row) for row in result["rows"]]}) for name, result in stored.items()
    }


def write(results: Mapping[str, Result], subjects: Mapping[str, Subject], docs: Path) -> None:
    """The results, with times to four digits, and the document and its pictures made of them."""
    stored = {name: asdict(result) for name, result in results.items()}
    for result in stored.values():
        for row in result["rows"]:
            row["seconds"] = {side: [float(f"{s:.4g}") for s in times] for side, times in row["seconds"].items()}
    (docs / RESULTS).write_text(json.dumps(stored, ensure_ascii=False) + "\n", encoding="utf-8")
    text, pictures = document(read(docs), subjects)
    (docs / DOCUMENT).write_text(text, encoding="utf-8")
    for name, svg in pictures.items():
        (docs / "images" / name).write_text(svg, encoding="utf-8")


def document(results: Mapping[str, Result], subjects: Mapping[str, Subject]) -> tuple[str, dict[str, str]]:
    """The whole text and its pictures, from what is stored; subjects in their order."""
    parts: list[str] = [HEAD]
    pictures: dict[str, str] = {}
    for name, subject in subjects.items():
        if name in results:
            section = subject.section(results[name].rows)
            parts.append(f"## {subject.TITLE}\n\n{section.text}\n{_origin(results[name])}")
            pictures |= section.pictures
    return "\n".join(parts), pictures


def _origin(result: Result) -> str:
    clock = "processor time of the one thread" if result.threads == 1 else "wall time"
    before, after = result.load
    return (
        f"\n`{result.command}`: {result.rounds} rounds, {result.threads} thread{'s' * (result.threads > 1)} ({clock}), "
        f"{result.machine}; load a core {before:g} before, {after:g} after; {result.packages}.\n"
    )


def comparison(rows: Sequence[Row], others: Sequence[str]) -> str:
    """A table: what each side takes in ms, and the ratio of each of the others to the first."""
    header = ["case", f"{rows[0].ours}, ms"]
    for other in others:
        header += [f"{other}, ms", "ratio"]
    lines = []
    for row in rows:
        cells = [row.case, _ms(row, row.ours)]
        for other in others:
            cells += [_ms(row, other), str(Spread.of(row.ratios(other)))]
        lines.append(cells)
    return table(header, lines)


def _ms(row: Row, side: str) -> str:
    ms = row.median_ms(side)
    return f"{ms:.3g}" if ms < 100 else f"{ms:.0f}"


def verdict(rows: Sequence[Row], other: str, goal: float) -> str:
    """Whether the geometric mean reaches the goal, and which cases do not."""
    mean = geometric_mean(rows, other)
    behind = [row for row in rows if Spread.of(row.ratios(other)).median < goal]
    cases = "; ".join(f"{row.case}: {Spread.of(row.ratios(other)).median:.2f}" for row in behind)
    reached = "reached" if mean.median >= goal else "**missed**"
    below = f" Below it: {cases}." if behind else " Every case reaches it."
    return f"Against {other}: geometric mean {mean}; to reach: {goal:g}; {reached}.{below}"


def by_device(rows: Sequence[Row], text: Mapping[str, str]) -> str:
    """The texts of the devices, under headings where there is more than one. text: device → Markdown."""
    names = list(dict.fromkeys(row.device for row in rows))
    return "\n\n".join((f"### {name}\n\n" if len(names) > 1 else "") + text[name] for name in names)
