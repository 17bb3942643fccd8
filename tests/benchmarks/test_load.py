"""The visitors against a real server, and what is made of their answers; no test asserts how long anything takes."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from benchmarks.crowd import SENTENCES, Crowd, Latency, crowd, interact, newcomer, open_up, percentile, slope
from benchmarks.load import SECTIONS, knee, memory_over_time
from benchmarks.server import ROOT, Server, running
from benchmarks.visitor import Answer, Visitor

T = TypeVar("T")


def waited(visit: Coroutine[Any, Any, T]) -> T:
    """What the visit gives. In a thread of its own: a browser that another test has left open runs a loop in this."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, visit).result()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(ROOT / "app.py") as started:
        yield started


def test_five_visitors_get_an_answer_to_each_of_two_interactions(server: Server) -> None:
    async def visit() -> tuple[list[Answer], list[Visitor]]:
        visitors = [newcomer(server, number) for number in range(5)]
        answers = await open_up(server, visitors)
        for _ in range(2):
            answers += await asyncio.gather(*(interact(each, random.Random(n)) for n, each in enumerate(visitors)))
        await asyncio.gather(*(each.leave() for each in visitors))
        return answers, visitors

    answers, visitors = waited(visit())
    assert [answer.error for answer in answers] == [""] * 15
    assert [answer.kind for answer in answers[:5]] == ["open"] * 5
    assert all(answer.kind != "open" and answer.seconds > 0 for answer in answers[5:])
    assert len({each.session for each in visitors} - {""}) == 5
    assert len({each.page for each in visitors}) == 5


def test_the_page_follows_what_a_visitor_does(server: Server) -> None:
    async def visit() -> None:
        visitor = Visitor(server.address, "multi_head", {"s": "我吃柠檬", "q": "1"})
        assert (await visitor.open()).error == ""
        query = visitor.controls["q"]
        assert (visitor.in_link("q"), query.options[2]) == ("1", "吃")
        assert query.part  # of the page, which the query draws anew
        assert (await visitor.pick("q", 3)).error == ""
        assert (visitor.in_link("q"), visitor.picked("q")) == ("3", 3)
        assert (await visitor.type("s", SENTENCES[-1])).error == ""
        assert visitor.in_link("s") == SENTENCES[-1] and "piano" in visitor.controls["q"].options
        await visitor.leave()

    waited(visit())


def test_what_did_not_happen_is_an_error(server: Server) -> None:
    async def visit() -> list[str]:
        visitor = Visitor(server.address, "cbam", {})
        await visitor.open()
        same = await visitor.pick("stage", visitor.picked("stage"))
        await visitor.leave()
        gone = await visitor.pick("stage", 0)
        nobody = await Visitor("http://127.0.0.1:9", "cbam", {}).open()
        return [same.error, gone.error, nobody.error]

    assert waited(visit()) == [
        "the link does not say the new stage",
        "ConnectionClosedOK",
        "ConnectionRefusedError",
    ]


def test_whoever_gets_no_answer_loads_the_page_anew(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def visit() -> list[Answer]:
        visitor = newcomer(server, 0)
        answers = [await visitor.open()]
        with monkeypatch.context() as hasty:
            hasty.setattr("benchmarks.visitor.PATIENCE", 0.001)
            answers.append(await visitor.pick("q", 4))
        answers += [await interact(visitor, random.Random(0)), await visitor.pick("q", 1)]
        await visitor.leave()
        return answers

    answers = waited(visit())
    assert [answer.kind for answer in answers] == ["open", "q", "open", "q"]
    assert [answer.error for answer in answers] == ["", "no answer within 0.001 s", "", ""]


def test_a_crowd_is_counted_and_its_server_watched(server: Server) -> None:
    async def visit() -> Crowd:
        visitors = [newcomer(server, number) for number in range(3)]
        assert all(not answer.error for answer in await open_up(server, visitors))
        seen = await crowd(server, visitors, 2.0, 1.0)
        await asyncio.gather(*(each.leave() for each in visitors))
        return seen

    seen = waited(visit())
    assert len(seen.answers) >= 3 and not any(answer.error for answer in seen.answers)
    assert seen.cpu > 0 and seen.threads > 1 and all(mb > 100 for _, mb in seen.memory)


def test_the_search_ends_at_the_most_that_are_asked_for(server: Server) -> None:
    steps = waited(knee(server, 2, 1.0, 1.0))["steps"]  # fewer than it would start with
    assert [step["sessions"] for step in steps] == [2]
    assert "| 2 |" in SECTIONS["knee"].text({"steps": steps})


def test_percentiles_by_hand() -> None:
    assert [percentile([3, 1, 2, 4], share) for share in (0.0, 0.25, 0.5, 0.51, 0.95, 1.0)] == [1, 1, 2, 3, 4, 4]
    assert [percentile(range(1, 101), share) for share in (0.5, 0.95, 0.99)] == [50, 95, 99]
    assert math.isnan(percentile([], 0.5))
    assert Latency.of([Answer("q", 0.002), Answer("q", 0.001)]) == Latency(2, 1.0, 2.0, 2.0)


def test_the_slope_by_hand() -> None:
    assert slope([(0, 1), (1, 3), (2, 5)]) == 2
    assert slope([(0, 0), (1, 1), (2, 0), (3, 1)]) == pytest.approx(0.2)  # Σ(x − 1.5)(y − 0.5) / Σ(x − 1.5)² = 1 / 5


def test_memory_counts_from_the_middle_on() -> None:
    seen = Crowd(1, 10, 3600, memory=[(0, 500), (900, 700), (1800, 700), (2700, 702), (3600, 704)])
    assert memory_over_time(seen) == {"slope_mb_hour": 8.0, "first_mb": 500, "last_mb": 704}


def crowd_of(answers: list[Answer]) -> Crowd:
    return Crowd(2, 10, 60.0, answers, memory=[(0, 900), (1, 1000.4)], threads=9, cpu=0.3, driver_cpu=0.6)


def test_a_summary_counts_errors_apart() -> None:
    answers = [Answer("q", 0.1), Answer("q", 0.3), Answer("s", 30, "no answer within 30 s")]
    summary = crowd_of(answers).summary([Answer("open", 0.5)])
    assert summary["all"] == {"count": 2, "p50": 100.0, "p95": 300.0, "p99": 300.0}
    assert summary["kinds"]["q"]["count"] == 2 and summary["kinds"]["s"]["count"] == 0
    assert summary["errors"] == {"no answer within 30 s": 1}
    assert (summary["interactions"], summary["expected"]) == (3, 12)
    assert (summary["cpu_ms"], summary["resident_mb"], summary["driver"]) == (100.0, 1000, 0.01)


def test_the_section_says_what_is_missed() -> None:
    text = SECTIONS["load"].text(crowd_of([Answer("q", 0.1), Answer("q", 0.3)]).summary([]))
    assert "| sessions | 300 | 2 | **missed** |" in text
    assert "| p95, ms | ≤ 1000 | 300 | reached |" in text
    assert "| errors | 0 | 0 | reached |" in text
    assert "| server's processor time an interaction, ms | ≤ 40 | 150.0 | **missed** |" in text
    assert "| query token | 2 | 100 | 300 | 300 |" in text
    assert "at 150 ms an interaction, a process answers at most 7 a second" in text


def test_the_section_on_the_search_names_the_last_that_is_borne() -> None:
    fast, slow = ([Answer("q", seconds)] for seconds in (0.9, 1.1))
    steps = [crowd_of(answers).summary([]) | {"sessions": n} for n, answers in ((2, fast), (3, fast), (5, slow))]
    assert "The server bears 3 sessions; with 5 it does not." in SECTIONS["knee"].text({"steps": steps})
    assert "Not even 5 sessions are borne" in SECTIONS["knee"].text({"steps": steps[2:]})
