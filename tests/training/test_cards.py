"""The written parts: table of runs, curves, Markdown."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from training import curves, documents
from training.tables import table

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "training.md"


def run(weights: str, summary: str, change: str = "") -> dict[str, str]:
    return dict(zip(documents.RUN_COLUMNS, (f"`{weights}`", "text", change, "10", "1.5", "CPU", summary), strict=True))


def test_runs_are_rewritten_and_others_kept() -> None:
    document = f"before\n{documents.RUNS[0]}\n{documents.RUNS[1]}\nafter\n"
    once = documents.with_runs(document, [run("aaaa", "40%")])
    by_hand = once.replace("| text |  |", "| text | wider heads |")
    twice = documents.with_runs(by_hand, [run("aaaa", "41%"), run("bbbb", "50%")])
    assert twice.startswith("before\n")
    assert twice.endswith("after\n")
    assert "40%" not in twice
    assert [line for line in twice.splitlines() if line.startswith("| `")] == [
        "| `aaaa` | text | wider heads | 10 | 1.5 | CPU | 41% |",
        "| `bbbb` | text |  | 10 | 1.5 | CPU | 50% |",
    ]
    assert documents.with_runs(twice, []) == twice


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="no section"):
        documents.with_runs("nothing", [])


def test_the_document_has_its_markers() -> None:
    documents.with_runs(DOCUMENT.read_text(encoding="utf-8"), [run("aaaa", "40%")])


def test_curves_are_a_small_well_formed_svg() -> None:
    rows = [{"step": float(step), "loss": 8 / (step + 1)} for step in range(0, 5000, 50)]
    line = curves.curve(rows, "loss", points=40)
    assert line[0] == (0.0, 8.0)
    assert line[-1][0] == 4950
    picture = curves.curves_svg(
        [curves.Panel("a < b", "step", {"x": line, "y": line[:2]}), curves.Panel("one", "step", {"z": [(1.0, 1.0)]})]
    )
    assert len(picture) < 5000
    assert len(list(ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}polyline"))) == 3


def test_a_resumed_log_counts_its_later_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n50,3\n100,2\n50,2.5\n", encoding="utf-8")
    assert curves.read_log(path) == [{"step": 50.0, "loss": 2.5}, {"step": 100.0, "loss": 2.0}]
    assert curves.read_log(tmp_path / "none.csv") == []


def test_table_escapes_bars() -> None:
    assert table(("a", "b"), [["x|y", 1]]) == "| a | b |\n| --- | --- |\n| x\\|y | 1 |"


def test_a_section_is_replaced_and_the_rest_kept() -> None:
    document = "before\n<!-- a -->\nold\n<!-- b -->\nafter\n"
    once = documents.with_section(document, "<!-- a -->", "<!-- b -->", "new")
    assert once == "before\n<!-- a -->\n\nnew\n\n<!-- b -->\nafter\n"
    assert documents.with_section(once, "<!-- a -->", "<!-- b -->", "new") == once


def test_the_readme_has_its_section() -> None:
    readme = (DOCUMENT.parent.parent / "README.md").read_text(encoding="utf-8")
    assert documents.section_of(readme, *documents.SCORES)
