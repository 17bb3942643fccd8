"""From what was measured of the running app to docs/reliability.md, by way of docs/reliability.json."""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from benchmarks import report

RESULTS, DOCUMENT = "reliability.json", "reliability.md"
PACKAGES = ("streamlit", "torch", "plotly", "numpy")
Measured = dict[str, Any]

HEAD = """# In use

How the running app bears many visitors, and how fast its pages are in a browser. Written by
`python -m benchmarks load`, `worst`, `pages` and `bertviz`, each of which measures and renews its own sections; the
numbers are in [reliability.json](reliability.json). The goal of each stands beside what was measured, and where it is
missed the table says so. What was measured on which machine, and how busy that was with other things, stands under each
section. Of the library alone, without server and browser, [performance.md](performance.md) tells.
"""


@dataclass(frozen=True)
class Record:
    """What a section rests on. load: processes that ran or waited, a core, before and after; data: see the section."""

    command: str
    machine: str
    packages: str
    load: list[float]
    data: Measured


@dataclass(frozen=True)
class Section:
    """text: of what was measured, as Markdown."""

    title: str
    text: Callable[[Measured], str]


class Subject(Protocol):
    """What a file of a subject has. SECTIONS: name in the results → section."""

    @property
    def SECTIONS(self) -> Mapping[str, Section]: ...

    def options(self, parser: argparse.ArgumentParser) -> None:
        """Adds what can be chosen."""

    def measured(self, chosen: argparse.Namespace) -> tuple[str, Measured]:
        """The name of the section that is renewed, and its numbers. RuntimeError says what is missing."""


def run(name: str, subject: Subject, sections: Mapping[str, Section], arguments: list[str], docs: Path) -> None:
    """Measures one subject, prints its section, and renews it in the document, which has `sections` in their order."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks {name}", description=subject.__doc__)
    subject.options(parser)
    chosen = parser.parse_args(arguments)
    before = report.load()
    try:
        section, data = subject.measured(chosen)
    except RuntimeError as error:
        parser.error(str(error))
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    packages = f"Python {platform.python_version()}, {versions}"
    command = " ".join(("python -m benchmarks", name, *arguments))
    record = Record(command, report.machine(), packages, [before, report.load()], data)
    print(f"\n{sections[section].title}\n\n{sections[section].text(data)}\n", flush=True)
    write(read(docs) | {section: record}, sections, docs)


def read(docs: Path) -> dict[str, Record]:
    """Section → its last result."""
    if not (docs / RESULTS).exists():
        return {}
    stored = json.loads((docs / RESULTS).read_text(encoding="utf-8"))
    return {name: Record(**record) for name, record in stored.items()}


def write(records: Mapping[str, Record], sections: Mapping[str, Section], docs: Path) -> None:
    stored = {name: asdict(record) for name, record in records.items()}
    (docs / RESULTS).write_text(json.dumps(stored, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (docs / DOCUMENT).write_text(document(read(docs), sections), encoding="utf-8")


def document(records: Mapping[str, Record], sections: Mapping[str, Section]) -> str:
    """The whole text, from what is stored."""
    parts = [HEAD]
    for name, section in sections.items():
        if name in records:
            record = records[name]
            before, after = record.load
            parts.append(
                f"## {section.title}\n\n{section.text(record.data)}\n\n"
                f"`{record.command}`: {record.machine}; load a core {before:g} before, {after:g} after; "
                f"{record.packages}.\n"
            )
    return "\n".join(parts)


def outcome(reached: bool) -> str:
    return "reached" if reached else "**missed**"
