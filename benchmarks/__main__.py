"""`python -m benchmarks [subject …]`: measures, prints, and renews the subjects' sections of docs/performance.md.

`python -m benchmarks load` and the other subjects of `in_use.py` have options of their own (`--help`) and write
docs/reliability.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import torch

from benchmarks import attention, cbam, growth, in_use, report, squeeze_excitation, text
from benchmarks.report import DOCS, Result, Settings, Subject

SUBJECTS: dict[str, Subject] = {
    "attention": attention,
    "squeeze_excitation": squeeze_excitation,
    "cbam": cbam,
    "text": text,
    "growth": growth,
}


def main(arguments: list[str] | None = None, docs: Path = DOCS) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in in_use.SUBJECTS:
        in_use.main(arguments[0], arguments[1:], docs)
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("subjects", nargs="*", metavar="subject", help=f"of {', '.join(SUBJECTS)}; all unless given")
    parser.add_argument("--rounds", type=int, default=9, help="at least five")
    parser.add_argument("--threads", type=int, default=1, help="that torch computes in")
    chosen = parser.parse_args(arguments)
    names = chosen.subjects or list(SUBJECTS)
    if unknown := sorted(set(names) - set(SUBJECTS)):
        parser.error(f"no subject {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    if chosen.rounds < 5 or chosen.threads < 1:
        parser.error("five rounds at least, and one thread")
    torch.set_num_threads(chosen.threads)
    devices = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    for name in names:
        result = measured(name, Settings(chosen.rounds, chosen.threads, devices))
        print(f"\n{SUBJECTS[name].TITLE}\n\n{SUBJECTS[name].section(result.rows).text}\n", flush=True)
        report.write(report.read(docs) | {name: result}, SUBJECTS, docs)


def measured(name: str, settings: Settings) -> Result:
    """One subject, its rows printed as they come."""
    command = f"python -m benchmarks {name} --rounds {settings.rounds} --threads {settings.threads}"
    before = report.load()
    result = Result(
        command, report.machine(), report.packages(), settings.rounds, settings.threads, [before, before], []
    )
    with torch.inference_mode():
        for row in SUBJECTS[name].measured(settings):
            print(row.device, row.case, *(f"{side} {row.median_ms(side):.4g} ms" for side in row.seconds), flush=True)
            result.rows.append(row)
    return dataclasses.replace(result, load=[before, report.load()])


if __name__ == "__main__":
    main()
