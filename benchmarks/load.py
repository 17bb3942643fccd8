"""A hall of visitors at one server: latency, errors, memory and processor time; where it gives way; what it leaks."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping

from benchmarks.crowd import PAGES, SENTENCES, STAY, Crowd, Latency, crowd, newcomer, open_up, slope
from benchmarks.reliability import Measured, Section, outcome
from benchmarks.server import ROOT, Server, running, several
from benchmarks.visitor import Answer, Visitor
from training.tables import table

SESSIONS, P95_MS, RESIDENT_MB, CPU_MS = 300, 1000.0, 4096, 40.0  # goals
KNEE_FROM, KNEE_FACTOR = len(PAGES), 1.5  # the search starts with one session a page; each step has so many times more
LEAK_MB_AN_HOUR = 10.0  # what a server may grow by: a day with that is 240 MB


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="open pages; for --knee the most of them")
    parser.add_argument("--minutes", type=float, default=3.0, help="that are measured; for --knee those of each step")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two interactions of a visitor")
    parser.add_argument("--servers", type=int, default=1, help="behind a proxy where there are several; needs nginx")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--knee", action="store_true", help=f"more and more sessions until p95 is above {P95_MS:g} ms")
    kinds.add_argument("--soak", action="store_true", help="visitors come and go; the slope of the server's memory")


def measured(chosen: argparse.Namespace) -> tuple[str, Measured]:
    if min(chosen.sessions, chosen.servers) < 1 or chosen.minutes <= 0 or chosen.every <= 0:
        raise RuntimeError("one session and one server at least, and times above 0")
    if chosen.servers > 1:
        if chosen.knee or chosen.soak:
            raise RuntimeError("--knee and --soak are of one server")
        with several(chosen.servers) as servers:
            seen = asyncio.run(hall(servers, chosen.sessions, 60 * chosen.minutes, chosen.every))
        return "servers", {"servers": chosen.servers, **seen}
    with running(ROOT / "app.py") as server:
        if chosen.knee:
            return "knee", asyncio.run(knee(server, chosen.sessions, 60 * chosen.minutes, chosen.every))
        if chosen.soak:
            return "soak", asyncio.run(hall(server, chosen.sessions, 60 * chosen.minutes, chosen.every, changing=True))
        return "load", asyncio.run(hall(server, chosen.sessions, 60 * chosen.minutes, chosen.every))


async def hall(server: Server, sessions: int, seconds: float, every: float, *, changing: bool = False) -> Measured:
    """All arrive, then the measurement begins. changing: visitors come and go, and the memory is kept over time."""
    visitors = [newcomer(server, number) for number in range(sessions)]
    before = await open_up(server, visitors)
    print(f"{sessions} visitors are there: {Latency.of(before)}", flush=True)
    await warm(server, visitors, every)
    seen = await crowd(server, visitors, seconds, every, changing=changing)
    await asyncio.gather(*(visitor.leave() for visitor in visitors))
    return seen.summary(before) | (memory_over_time(seen) if changing else {})


def memory_over_time(seen: Crowd) -> Measured:
    """In the second half, when what is kept for all has been filled: MB an hour, and the first and the last MB."""
    late = [(second, mb) for second, mb in seen.memory if second >= seen.seconds / 2]
    return {
        "slope_mb_hour": round(slope([(second / 3600, mb) for second, mb in late]), 1),
        "first_mb": round(seen.memory[0][1]),
        "last_mb": round(seen.memory[-1][1]),
    }


async def warm(server: Server, visitors: list[Visitor], every: float) -> None:
    """What is not measured: each visitor does something once, so that what the server does but once is done."""
    await crowd(server, visitors, every, every, seed=-1)


async def knee(server: Server, most: int, seconds: float, every: float) -> Measured:
    """More and more visitors, of whom nobody leaves, until their p95 is beyond the goal or somebody gets an error."""
    steps: list[Measured] = []
    visitors: list[Visitor] = []
    wanted = KNEE_FROM
    while True:
        new = [newcomer(server, number) for number in range(len(visitors), min(wanted, most))]
        visitors += new
        before: list[Answer] = await open_up(server, new)
        await warm(server, new, every)
        step = (await crowd(server, visitors, seconds, every, seed=len(steps))).summary(before)
        print(f"{step['sessions']} sessions: {step['all']}, errors {step['errors']}", flush=True)
        steps.append(step)
        if not _bears(step) or len(visitors) >= most:
            break
        wanted = max(round(wanted * KNEE_FACTOR), wanted + 1)
    await asyncio.gather(*(visitor.leave() for visitor in visitors))
    return {"steps": steps}


def _bears(step: Measured) -> bool:
    return bool(step["all"]["p95"] <= P95_MS and not step["errors"])


def _what_they_do(data: Measured) -> str:
    return (
        f"One server (`streamlit run app.py`, one thread for each computation) and the visitors share the machine: "
        f"sessions over its WebSocket, without browsers, in equal parts at {', '.join(f'`{page}`' for page in PAGES)}. "
        f"Each does something every {data['every']:g} s: another query token, layer, head, stage or photo, or another "
        f"of {len(SENTENCES)} sentences, which all share. The first time of each visitor "
        "is not counted. The time is that from the message sent to the end of its run "
        "with everything received; an answer is right when nothing on the page is an error and the link says what was "
        "chosen."
    )


def _latencies(data: Measured) -> str:
    rows = {"all": data["all"], **data["kinds"], "opening the page": data["opening"]}
    names = {"q": "query token", "s": "sentence", "open": "the page once more, where no answer came"}
    return table(
        ("what", "answers", "p50, ms", "p95, ms", "p99, ms"),
        [
            (names.get(kind, kind), row["count"], *(f"{row[share]:.0f}" for share in ("p50", "p95", "p99")))
            for kind, row in rows.items()
            if row["count"]
        ],
    )


def _errors(errors: Mapping[str, int]) -> str:
    return "; ".join(f"{error}: {count}" for error, count in errors.items()) or "none"


def _cost(data: Measured) -> str:
    return (
        f"{data['interactions']} interactions in {data['seconds']:.0f} s, of {data['expected']} that there would be if "
        f"nobody had to wait. The server kept {data['busy']:g} cores busy, the visitors {data['driver']:g}; it had "
        f"{data['threads']} threads at most. Errors: {_errors(data['errors'])}."
    )


def _verdicts(data: Measured) -> tuple[str, bool]:
    """The table of the goals, and whether all are reached."""
    goals = [
        ("sessions", SESSIONS, data["sessions"], data["sessions"] >= SESSIONS),
        ("p95, ms", f"≤ {P95_MS:g}", f"{data['all']['p95']:.0f}", data["all"]["p95"] <= P95_MS),
        ("errors", 0, sum(data["errors"].values()), not data["errors"]),
        ("resident memory, MB", f"≤ {RESIDENT_MB}", data["resident_mb"], data["resident_mb"] <= RESIDENT_MB),
        ("server's processor time an interaction, ms", f"≤ {CPU_MS:g}", data["cpu_ms"], data["cpu_ms"] <= CPU_MS),
    ]
    verdicts = table(("", "goal", "measured", ""), [(*cells, outcome(bool(reached))) for *cells, reached in goals])
    return verdicts, all(reached for *_, reached in goals)


def _load_text(data: Measured) -> str:
    verdicts, reached = _verdicts(data)
    reasons = [] if reached else [_why(data)]
    return "\n\n".join((_what_they_do(data), verdicts, *reasons, _latencies(data), _cost(data)))


def _servers_text(data: Measured) -> str:
    what = (
        f"The same visitors, with {data['servers']} servers behind a proxy on the same machine "
        "(`python -m deploy.hall`, [deploying.md](deploying.md)), each visitor always at the same. Memory, threads and "
        "processor time are those of all together, the proxy among them; memory that they share counts for each."
    )
    verdicts, _ = _verdicts(data)
    return "\n\n".join((what, verdicts, _latencies(data), _cost(data)))


def _why(data: Measured) -> str:
    """What keeps one server from more."""
    return (
        f"Python does one thing at a time, however many cores there are: at {data['cpu_ms']:g} ms an interaction, a "
        f"process answers at most {1000 / data['cpu_ms']:.0f} a second, and these visitors ask for "
        f"{data['sessions'] / data['every']:.0f}. More takes several processes behind a proxy: "
        "the next section."
    )


def _knee_text(data: Measured) -> str:
    steps = data["steps"]
    borne = [step["sessions"] for step in steps if _bears(step)]
    if not borne:
        found = f"Not even {steps[0]['sessions']} sessions are borne."
    elif len(borne) == len(steps):
        found = f"The server bears {max(borne)} sessions; more were not tried."
    else:
        found = f"The server bears {max(borne)} sessions; with {steps[-1]['sessions']} it does not."
    rows = [
        (
            step["sessions"],
            *(f"{step['all'][share]:.0f}" for share in ("p50", "p95", "p99")),
            f"{step['interactions']} of {step['expected']}",
            sum(step["errors"].values()),
            step["cpu_ms"],
            step["busy"],
            step["resident_mb"],
        )
        for step in steps
    ]
    return "\n\n".join(
        (
            f"The same visitors, {steps[0]['seconds']:.0f} s for each number of them; borne is what is answered "
            f"without an error and within {P95_MS:g} ms at p95. {found}",
            table(
                (
                    *("sessions", "p50, ms", "p95, ms", "p99, ms", "interactions", "errors"),
                    *("processor ms each", "cores busy", "MB"),
                ),
                rows,
            ),
        )
    )


def _soak_text(data: Measured) -> str:
    leak = data["slope_mb_hour"]
    return "\n\n".join(
        (
            f"{data['sessions']} of the same visitors for {data['seconds'] / 60:.0f} minutes; after {STAY} "
            "interactions a visitor leaves and another comes.",
            f"Memory went from {data['first_mb']} to {data['last_mb']} MB. Its slope over the second half, by least "
            f"squares: {leak:g} MB an hour; goal: ≤ {LEAK_MB_AN_HOUR:g}; {outcome(leak <= LEAK_MB_AN_HOUR)}.",
            _cost(data),
        )
    )


SECTIONS = {
    "load": Section("A hall", _load_text),
    "servers": Section("A hall, at several servers", _servers_text),
    "knee": Section("Where it gives way", _knee_text),
    "soak": Section("In the long run", _soak_text),
}
