"""Long computations wait for those of others, say so, and let go of who leaves."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from attention_core.runtime.lanes import LOOK_EVERY, Lanes
from attention_core.runtime.runs import Runs
from benchmarks.server import ROOT, running
from benchmarks.visitor import Answer
from benchmarks.visitor import Visitor as Session
from tests.benchmarks.test_load import waited
from tests.runtime.test_lanes import Holder, until
from tests.runtime.test_runs import Visitor, waiting
from tests.ui.driver import keys, opened
from ui.i18n import LANGUAGES, catalogue
from ui.shell import turns
from ui.text import head_importance
from ui.text.head_importance import FEW

ORDER = ("first", "second", "third")
ONE_AT_A_TIME = f"""
import sys, time
from pathlib import Path
import streamlit as st

sys.path.insert(0, {str(ROOT)!r})
from attention_core.runtime.runs import Runs
from ui.shell import turns

turns.runs = st.cache_resource(lambda: Runs(1, 1000.0))
who = st.query_params["who"]
Path(f"{{who}} asked").touch()
with turns.run_of_few():
    Path(f"{{who}} had its turn").touch()
    while who == "the first" and not Path("over").exists():
        time.sleep(0.1)
"""


LONG = "我吃柠檬" * (FEW // 4)  # which takes its turn


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Lanes, Holder]]:
    """The only lane, and somebody in it."""
    lanes = Lanes(1, 1)
    monkeypatch.setattr(turns, "lanes", lambda: lanes)
    head_importance._long_importance.clear()
    holder = Holder(lanes)
    assert holder.inside.wait(30)
    yield lanes, holder
    holder.leave()


def leave_late(lanes: Lanes, holder: Holder) -> threading.Thread:
    """Lets go of the lane once somebody has waited for it so long that they have looked whether they are wanted."""

    def leave() -> None:
        until(lambda: lanes.ahead == 2)
        time.sleep(3 * LOOK_EVERY)
        holder.leave()

    thread = threading.Thread(target=leave)
    thread.start()
    return thread


def test_a_computation_waits_for_its_turn_and_goes_on_by_itself(held: tuple[Lanes, Holder]) -> None:
    def script() -> None:
        import streamlit as st

        from ui.shell.turns import in_turn, working

        st.session_state["lang"] = "en"
        with working():
            st.markdown(str(in_turn(lambda: 6 * 7)()))

    thread = leave_late(*held)
    app = AppTest.from_function(script, default_timeout=60).run()
    thread.join(30)
    assert not app.exception
    assert [text.value for text in app.markdown] == ["42"]


def test_a_page_waits_and_says_for_how_many(held: tuple[Lanes, Holder]) -> None:
    assert turns.said("frame.working") == catalogue("en")["frame.queued"].format(ahead=1)
    thread = leave_late(*held)
    app = opened("multi_head", "en", s=LONG, q="2")
    thread.join(30)
    assert not app.exception
    assert "importance-map" in keys(app)
    assert held[0].ahead == 0
    assert turns.said("frame.working") == catalogue("en")["frame.working"]


def test_what_has_been_computed_waits_for_nobody(held: tuple[Lanes, Holder]) -> None:
    lanes, holder = held
    holder.leave()
    opened("multi_head", "en", s=LONG, q="2")
    again = Holder(lanes)
    assert again.inside.wait(30)
    assert "importance-map" in keys(opened("multi_head", "zh", s=LONG, q="2"))
    again.leave()


def test_a_sentence_waits_for_no_long_computation(held: tuple[Lanes, Holder]) -> None:
    assert held[0].ahead == 1
    assert "importance-map" in keys(opened("multi_head", "en", s="我吃柠檬", q="2"))
    assert held[0].ahead == 1  # still there


def test_a_page_waits_for_the_run_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(1, 1000.0)
    monkeypatch.setattr(turns, "runs", lambda: runs)
    other = Visitor(runs)
    assert other.inside.wait(30)
    seen: list[AppTest] = []
    page = threading.Thread(target=lambda: seen.append(opened("cbam", "en")))
    page.start()
    until(lambda: waiting(runs) == 1)
    assert not seen
    other.leave()
    page.join(60)
    assert "channel-weights" in keys(seen[0])
    assert not runs._running and waiting(runs) == 0


def test_nobody_works_for_a_visitor_who_has_gone(tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text(ONE_AT_A_TIME, encoding="utf-8")

    async def happened(what: str) -> None:
        async with asyncio.timeout(60):
            while not (tmp_path / what).exists():
                await asyncio.sleep(0.05)

    async def visit() -> list[Answer]:
        with running(tmp_path / "page.py") as server:
            first, second, third = (Session(server.address, "", {"who": f"the {who}"}) for who in ORDER)
            held = asyncio.create_task(first.open())
            await happened("the first had its turn")
            waiting = asyncio.create_task(second.open())
            await happened("the second asked")
            await second.leave()
            later = asyncio.create_task(third.open())
            await happened("the third asked")
            await asyncio.sleep(2)  # they look up now and then
            (tmp_path / "over").touch()
            answers = await asyncio.gather(held, waiting, later)
            await asyncio.gather(first.leave(), third.leave())
            return answers

    answers = waited(visit())
    assert [answer.error for answer in answers] == ["", "ConnectionClosedOK", ""]
    assert [(tmp_path / f"the {who} had its turn").exists() for who in ORDER] == [True, False, True]


def test_a_long_computation_leaves_the_place_of_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    runs, lanes = Runs(1, 1000.0), Lanes(1, 1)
    monkeypatch.setattr(turns, "runs", lambda: runs)
    monkeypatch.setattr(turns, "lanes", lambda: lanes)
    with runs.run():
        assert len(runs._running) == 1
        assert turns.in_turn(lambda: len(runs._running))() == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_too_many_wait_the_page_says_so_and_can_be_tried_again(language: str) -> None:
    def script(language: str) -> None:
        import streamlit as st

        from attention_core.errors import BusyError
        from ui.shell.server import on_script_error

        st.session_state["lang"] = language
        assert on_script_error(BusyError("busy.full", "full", waiting=100, most=100))

    app = AppTest.from_function(script, kwargs={"language": language}).run()
    words = catalogue("zh" if language == "zh" else "en")
    assert [warning.value for warning in app.warning] == [words["errors.busy.full"].format(waiting=100)]
    assert [button.label for button in app.button] == [words["frame.again"]]
