"""The document says what was measured, and each subject renews its own section alone."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks import __main__, attention, cbam, growth, report, squeeze_excitation, text
from benchmarks.plot import LogPanel, log_log_svg, ticks
from benchmarks.report import Result, Settings, comparison, verdict
from benchmarks.rounds import Row


def row(case: str, ours: list[float], *, device: str = "cpu", own: str = "ours", **others: list[float]) -> Row:
    return Row(case, device, {own: ours, **others})


def result(*rows: Row, command: str = "python -m benchmarks x") -> Result:
    return Result(command, "a machine", "torch 2", 3, 1, [0.5, 0.25], list(rows))


def test_the_table_has_the_medians_and_the_ratios_of_the_rows() -> None:
    rows = [
        row("small", [0.001, 0.002, 0.003], theirs=[0.002, 0.006, 0.003]),
        row("large", [0.1, 0.1, 0.1], theirs=[0.05, 0.05, 0.05]),
    ]
    assert comparison(rows, ["theirs"]).splitlines() == [
        "| case | ours, ms | theirs, ms | ratio |",
        "| --- | --- | --- | --- |",
        "| small | 2 | 3 | 2.00 (1.00 … 3.00) |",
        "| large | 100 | 50 | 0.50 (0.50 … 0.50) |",
    ]


@pytest.mark.parametrize(("goal", "said"), [(0.9, "reached. Below it: large: 0.50."), (1.1, "**missed**. Below it")])
def test_the_verdict_names_the_cases_that_are_behind(goal: float, said: str) -> None:
    rows = [row("small", [1.0] * 3, theirs=[2.0] * 3), row("large", [1.0] * 3, theirs=[0.5] * 3)]
    assert said in verdict(rows, "theirs", goal)
    assert "geometric mean 1.00 (1.00 … 1.00)" in verdict(rows, "theirs", goal)


def test_results_come_back_from_the_file_as_they_went(tmp_path: Path) -> None:
    stored = {"x": result(row("small", [0.001234], theirs=[0.00205])), "y": result()}
    report.write(stored, {}, tmp_path)
    assert report.read(tmp_path) == stored
    assert report.read(tmp_path / "images") == {}


class Subject:
    """One whose section is its number of rows, and which measures `rows`."""

    def __init__(self, title: str, rows: Iterable[Row]) -> None:
        self.TITLE = title
        self.rows = rows

    def measured(self, settings: Settings) -> Iterable[Row]:
        return self.rows

    def section(self, rows: list[Row]) -> report.Section:
        return report.Section(f"{len(rows)} rows", {f"{self.TITLE}.svg": "<svg/>"})


def test_a_subject_renews_its_own_section_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "images").mkdir()
    two = [row("a", [1.0], theirs=[1.0]), row("b", [1.0], theirs=[1.0])]
    monkeypatch.setattr(__main__, "SUBJECTS", {"one": Subject("One", two), "two": Subject("Two", two[:1])})

    __main__.main(["two", "--rounds", "5"], tmp_path)
    document = tmp_path / report.DOCUMENT
    assert "## One" not in document.read_text(encoding="utf-8")
    __main__.main(["one", "--rounds", "6"], tmp_path)
    written = document.read_text(encoding="utf-8")
    assert written.index("## One\n\n2 rows") < written.index("## Two\n\n1 rows")
    assert "`python -m benchmarks one --rounds 6 --threads 1`: 6 rounds" in written
    assert "`python -m benchmarks two --rounds 5 --threads 1`: 5 rounds" in written
    assert (tmp_path / "images" / "One.svg").exists()


@pytest.mark.parametrize("arguments", [["nothing"], ["cbam", "--rounds", "4"], ["cbam", "--threads", "0"]])
def test_what_cannot_be_measured_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        __main__.main(arguments)
    assert "error" in capsys.readouterr().err


def test_the_document_is_what_the_stored_results_say() -> None:
    stored = report.read(report.DOCS)
    assert set(stored) <= set(__main__.SUBJECTS)
    text, pictures = report.document(stored, __main__.SUBJECTS)
    assert (report.DOCS / report.DOCUMENT).read_text(encoding="utf-8") == text
    for name, svg in pictures.items():
        assert (report.DOCS / "images" / name).read_text(encoding="utf-8") == svg
    for name, measured in stored.items():
        assert measured.rounds >= 5 and measured.rows, name
        assert all(len(times) == measured.rounds for row in measured.rows for times in row.seconds.values())


def test_each_section_speaks_of_every_device_and_case() -> None:
    one = [1.0] * 3
    rows = {
        attention: [
            row("16 tokens, width 192", one, own=attention.TRACE, **{attention.TORCH: one}),
            row("16 tokens, width 192", one, own=attention.FORWARD, **{attention.SDPA: one}),
        ],
        squeeze_excitation: [row(f"batch {B}, 64 × 112²", one, torchvision=one) for B in (1, 32)],
        cbam: [
            row(f"batch {B}, 64 × 112², contiguous", one, **{cbam.TIMM: one, cbam.PAPER: one, cbam.COPY: [0.5] * 3})
            for B in (1, 32)
        ],
        text: [
            row("the same shape, 64 tokens", one, own=text.TRACE, **{text.EAGER: one}),
            row("512 tokens", one, own=text.TRACE, **{text.FORWARD: one}),
        ],
        growth: [row(f"tokens: {size}", [size / 1000] * 3, own=growth.TRACE) for size in (16, 32, 64)],
    }
    for subject, of_cpu in rows.items():
        of_gpu = [Row(one.case, "cuda", one.seconds) for one in of_cpu]
        text_of_both = subject.section([*of_cpu, *of_gpu]).text
        assert "### cpu" in text_of_both and "### cuda" in text_of_both
        assert "###" not in subject.section(of_cpu).text
        for one_row in of_cpu:
            assert f"| {one_row.case} |" in text_of_both
    assert cbam.floor_table(rows[cbam][:1]).splitlines()[-1] == (
        # 2 ways · 4 bytes · 64 · 112² numbers; in 0.5 s; and ours takes twice as long
        "| batch 1, 64 × 112², contiguous | 6.4 | 0.0 | 500 | 2.00 (2.00 … 2.00) |"
    )


def test_a_power_is_found_and_drawn_as_a_straight_line() -> None:
    points = [(size, 3.0 * size**1.5) for size in (16.0, 32.0, 64.0, 128.0)]
    assert growth.exponent(points) == pytest.approx(1.5)
    root = ElementTree.fromstring(log_log_svg([LogPanel("<ms>", "tokens", points)]))
    dots = [
        (float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in root.iter("{http://www.w3.org/2000/svg}circle")
    ]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(dots)]
    assert len(dots) == 4 and all(step == pytest.approx(steps[0], abs=0.2) for step in steps)
    assert steps[0][0] > 0 > steps[0][1]  # to the right and up
    assert ticks(0.9, 11) == [1, 2, 5, 10]
