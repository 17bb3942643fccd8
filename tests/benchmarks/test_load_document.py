"""docs/reliability.md is what the stored results say, and each command renews its own section alone."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from benchmarks import __main__, in_use, reliability
from benchmarks.reliability import Measured, Record, Section
from benchmarks.report import DOCS

SECTIONS = {name: Section(name.title(), lambda data: f"{data['number']} measured") for name in ("plain", "odd")}


class Subject:
    """Doubles the number that it is given, in one of two sections."""

    def __init__(self) -> None:
        self.SECTIONS = SECTIONS

    def options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--number", type=int, default=1)
        parser.add_argument("--odd", action="store_true")

    def measured(self, chosen: argparse.Namespace) -> tuple[str, Measured]:
        if chosen.number < 1:
            raise RuntimeError("one at least")
        return "odd" if chosen.odd else "plain", {"number": 2 * chosen.number}


def test_a_command_renews_its_own_section_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_use, "SUBJECTS", {"double": Subject()})
    monkeypatch.setattr(in_use, "SECTIONS", SECTIONS)
    for arguments in (["--odd", "--number", "3"], ["--number", "5"], ["--odd", "--number", "4"]):
        __main__.main(["double", *arguments], tmp_path)
    written = (tmp_path / reliability.DOCUMENT).read_text(encoding="utf-8")
    assert written.index("## Plain\n\n10 measured") < written.index("## Odd\n\n8 measured")
    assert "6 measured" not in written and "`python -m benchmarks double --odd --number 4`: " in written
    assert reliability.read(tmp_path)["plain"].data == {"number": 10}


def test_what_cannot_be_measured_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        reliability.run("double", Subject(), SECTIONS, ["--number", "0"], tmp_path)
    assert "one at least" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("load", ["--sessions", "0"]),
        ("load", ["--knee", "--soak"]),
        ("pages", ["--rounds", "4"]),
        ("bertviz", ["--rounds", "2"]),
    ],
)
def test_what_makes_no_measurement_is_refused(name: str, arguments: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        __main__.main([name, *arguments], tmp_path)


def test_the_document_is_what_the_stored_results_say() -> None:
    stored = reliability.read(DOCS)
    assert stored and set(stored) <= set(in_use.SECTIONS)
    assert all(
        isinstance(record, Record) and record.command.startswith("python -m benchmarks ") for record in stored.values()
    )
    text = reliability.document(stored, in_use.SECTIONS)
    assert (DOCS / reliability.DOCUMENT).read_text(encoding="utf-8") == text
