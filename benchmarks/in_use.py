"""The subjects that need the running app: `python -m benchmarks load`, and what else `SUBJECTS` names."""

from __future__ import annotations

from pathlib import Path

from benchmarks import bertviz, load, pages, reliability, worst
from benchmarks.report import DOCS

SUBJECTS: dict[str, reliability.Subject] = {"load": load, "worst": worst, "pages": pages, "bertviz": bertviz}
SECTIONS = {name: section for subject in SUBJECTS.values() for name, section in subject.SECTIONS.items()}


def main(name: str, arguments: list[str], docs: Path = DOCS) -> None:
    reliability.run(name, SUBJECTS[name], SECTIONS, arguments, docs)
