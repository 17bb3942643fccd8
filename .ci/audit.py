"""The dependencies of the environment that runs this, audited and listed: `python .ci/audit.py`.

Exits with 1 for a known vulnerability, and for a package that could not be looked up; with 0, and loudly, where nothing
could be: without a network, an audit says nothing either way. Writes build/audit.json and build/sbom.cdx.json, a
CycloneDX list of every package with its version and licence.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "build"
UNREACHED = "THE AUDIT COULD NOT REACH ITS DATABASE: nothing has been checked for known vulnerabilities."


def verdict(report: Mapping[str, Any] | None) -> tuple[int, list[str]]:
    """The exit status and what to say; report: pip-audit's, None where it ended without one, as without a network."""
    dependencies: Sequence[Mapping[str, Any]] = report["dependencies"] if report else ()
    skipped = [each for each in dependencies if "skip_reason" in each]
    if len(skipped) == len(dependencies):  # an index that passes packages on, but not what is known of them, skips all
        return 0, [UNREACHED]
    known = [
        f"{each['name']} {each['version']}: {found['id']}, put right in {' and '.join(found['fix_versions']) or 'none'}"
        for each in dependencies
        for found in each.get("vulns", ())
    ]
    unknown = [f"{each['name']}: not looked up: {each['skip_reason']}" for each in skipped]
    checked = f"{len(dependencies) - len(skipped)} packages looked up, {len(known)} known vulnerabilities"
    return int(bool(known or unknown)), [*known, *unknown, checked]


def audited() -> Mapping[str, Any] | None:
    """pip-audit's report of this environment."""
    report = FOLDER / "audit.json"
    report.unlink(missing_ok=True)
    asked = ("--local", "--progress-spinner", "off", "--format", "json", "--output", str(report))
    # Its own exit status says less than the report: it is 0, too, where nothing could be looked up.
    ended = subprocess.run([sys.executable, "-m", "pip_audit", *asked], capture_output=True, text=True)
    if not report.exists():
        print(ended.stderr[-2000:], file=sys.stderr)
        if "ConnectionError" not in ended.stderr and "Timeout" not in ended.stderr:
            raise SystemExit(f"pip-audit ended with {ended.returncode} and without a report")
        return None
    found: Mapping[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def main() -> int:
    """Lists, audits and says what came of it."""
    FOLDER.mkdir(exist_ok=True)
    listed = FOLDER / "sbom.cdx.json"
    # It warns that the project's own dependencies, which stand in files of their own, are not in pyproject.toml.
    tool = (sys.executable, "-W", "ignore::UserWarning", "-m", "cyclonedx_py", "environment")
    subprocess.run([*tool, "--pyproject", "pyproject.toml", "-o", str(listed)], cwd=FOLDER.parent, check=True)
    count = len(json.loads(listed.read_text(encoding="utf-8"))["components"])
    print(f"{listed.relative_to(FOLDER.parent)}: {count} packages")
    status, lines = verdict(audited())
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    raise SystemExit(main())
