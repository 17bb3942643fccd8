"""What the audit makes of a report: an audit that has seen nothing is never taken for one that found nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SOUND = {"name": "sound", "version": "1.0", "vulns": []}
BROKEN = {"name": "broken", "version": "2.0", "vulns": [{"id": "PYSEC-0-1", "fix_versions": ["2.1"], "aliases": []}]}
UNKNOWN = {"name": "unknown", "skip_reason": "Dependency not found on PyPI and could not be audited: unknown (3.0)"}


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / ".ci" / "audit.py"
    described = importlib.util.spec_from_file_location("audit", path)
    assert described is not None and described.loader is not None
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    return module


@pytest.mark.parametrize("report", [None, {"dependencies": []}, {"dependencies": [UNKNOWN, UNKNOWN]}])
def test_a_database_out_of_reach_fails_nothing_and_is_said_aloud(
    audit: ModuleType, report: dict[str, Any] | None
) -> None:
    assert audit.verdict(report) == (0, [audit.UNREACHED])


def test_what_is_sound_passes(audit: ModuleType) -> None:
    status, said = audit.verdict({"dependencies": [SOUND]})
    assert status == 0 and said == ["1 packages looked up, 0 known vulnerabilities"]


def test_a_known_vulnerability_fails_with_the_version_that_puts_it_right(audit: ModuleType) -> None:
    status, said = audit.verdict({"dependencies": [SOUND, BROKEN]})
    assert status == 1 and said[0] == "broken 2.0: PYSEC-0-1, put right in 2.1"
    assert audit.verdict({"dependencies": [BROKEN]})[0] == 1


def test_a_package_that_was_passed_over_fails_where_others_were_looked_up(audit: ModuleType) -> None:
    status, said = audit.verdict({"dependencies": [SOUND, UNKNOWN]})
    assert status == 1 and said[0].startswith("unknown: not looked up")
    assert audit.verdict({"dependencies": [BROKEN, UNKNOWN]})[0] == 1
