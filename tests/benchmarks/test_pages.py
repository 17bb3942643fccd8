"""What is waited for in a browser is what came up; no test asserts how long anything takes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from benchmarks import bertviz, chromium, pages
from benchmarks.pages import EMPTY, FIRST, HEATMAP, OURS, TEXT, WEIGHTS
from benchmarks.server import running


def test_the_sides_are_measured_in_turn() -> None:
    asked: list[str] = []

    def side(name: str, number: int) -> dict[str, float]:
        asked.append(f"{name}{number}")
        return {name: number + 0.5}

    seconds = pages.in_turn(3, {name: partial(side, name) for name in "ab"})
    assert asked == ["a0", "b0", "b1", "a1", "a2", "b2"]
    assert seconds == {"a": [0.5, 1.5, 2.5], "b": [0.5, 1.5, 2.5]}


def measured(own: float) -> dict[str, object]:
    return {
        "rounds": 5,
        "picture": {FIRST: [own] * 5, WEIGHTS: [2 * own] * 5, HEATMAP: [0.2] * 5, TEXT: [0.1] * 5},
        "drawn": {
            OURS: {"messages": 90, "charts": 11, "draws": 22},
            HEATMAP: {"messages": 7, "charts": 1, "draws": 2},
        },
        "photo": [0.4] * 5,
        "pointer": {"overview": [0.02] * 5, "head_view": [0.06] * 5},
        "start": {OURS: [6.0] * 5, EMPTY: [3.0] * 5},
    }


def test_the_section_says_what_is_missed() -> None:
    text = pages.SECTIONS["pages"].text(measured(0.2))
    assert "| Enter to first picture, times the heatmap page | ≤ 1.3 | 1.00 (1.00 … 1.00) | reached |" in text
    assert "| Enter to weights, times the heatmap page | ≤ 1.3 | 2.00 (2.00 … 2.00) | **missed** |" in text
    assert "| Enter to first picture, times the text page | – | 2.00 (2.00 … 2.00) |" in text
    assert "brings 90 messages to the page on self-attention" in text
    assert "with 11 charts, for which Plotly draws 22 times" in text
    assert "7 messages and 1 chart, which Streamlit's own component draws 2 times" in text
    assert "| photo dropped to spatial mask, ms | ≤ 500 | 400.00 (400.00 … 400.00) | reached |" in text
    assert "| pointer to frame, `head_view`, p95, ms | ≤ 50 | 60.00 (60.00 … 60.00) | **missed** |" in text
    assert "| server's start to first picture, times an empty app | ≤ 3 | 2.00 (2.00 … 2.00) | reached |" in text


def test_each_round_has_a_photo_of_its_own() -> None:
    assert len({pages.photo(seed) for seed in range(5)}) == 5 and pages.photo(3) == pages.photo(3)


def times(**seconds: float | None) -> bertviz.Times:
    return {side: None if each is None else [each] * 3 for side, each in seconds.items()}


def test_the_section_on_bertviz_compares_what_came() -> None:
    seconds = {
        "64": times(heads_grid=1.0, model_view=24.0, head_view=4.0, **{bertviz.PLOTLY: 0.6}),
        "128": times(heads_grid=2.0, model_view=None, head_view=10.0),
        "256": times(heads_grid=3.0),
    }
    text = bertviz.SECTIONS["bertviz"].text({"rounds": 3, "seconds": seconds})
    assert "Against `model_view` at 64 tokens: 24.00 (24.00 … 24.00); to reach: 20; reached." in text
    assert "Against `head_view` at 64 tokens: 4.00 (4.00 … 4.00); to reach: 5; **missed**." in text
    assert "| not within 90 s | – | 10.00 (10.00 … 10.00) | 5.00 (5.00 … 5.00) |" in text
    assert "256 tokens: painted." in text
    assert "Plotly alone takes 0.60 (0.60 … 0.60) of the time of `heads_grid` at 64 tokens" in text
    seconds["64"] = times(heads_grid=None, model_view=None, head_view=None)
    assert "reached" not in bertviz.SECTIONS["bertviz"].text({"rounds": 3, "seconds": seconds})


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bertviz, "ROOT", tmp_path)
    monkeypatch.setattr(bertviz, "SCRIPTS", tmp_path / "scripts")
    with pytest.raises(RuntimeError, match=r"npm install --prefix scripts requirejs@.* d3@.* jquery@"):
        bertviz.theirs()


@pytest.mark.browser
def test_what_was_typed_is_waited_for(browser: Browser, tmp_path: Path) -> None:
    with running(pages.minimal(tmp_path)[HEATMAP]) as server:
        seconds = pages.typed(browser, {HEATMAP: server.address}, 2)
        draws = pages.drawn(browser, server.address)
    assert list(seconds) == [HEATMAP] and all(each > 0 for each in seconds[HEATMAP])
    assert 1 < draws.pop("messages") < 20  # few elements, and what opens and ends a run
    assert draws == {"charts": 1, "draws": 2}  # Streamlit's own doing: here is nothing else


@pytest.mark.browser
def test_what_does_not_come_is_an_error(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "PATIENCE", 200.0)
    page = browser.new_context().new_page()
    page.set_content("<p>here</p>")
    page.evaluate("window.began = performance.now()")
    assert chromium.painted(page, ("p", "here"))[0] >= 0
    with pytest.raises(RuntimeError, match="elsewhere"):
        chromium.painted(page, ("p", "here"), ("p", "elsewhere"))
    page.context.close()


@pytest.mark.browser
def test_each_move_of_the_pointer_is_followed(browser: Browser) -> None:
    page = browser.new_context().new_page()
    page.set_content("<div id='board' style='width: 400px; height: 300px'></div>")
    page.evaluate(pages.FOLLOWED)
    followed = pages.moves(page, "#board")
    assert len(followed) == pages.MOVES and all(ms >= 0 for ms in followed)
    page.context.close()


@pytest.mark.browser
def test_a_picture_of_all_heads_comes_up_and_nothing_else_does(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = browser.new_context()
    make = partial(bertviz.ours, bertviz.traced(4))
    taken = bertviz.painted(context, make, bertviz.THERE[bertviz.OURS], tmp_path / "page.html")
    assert taken is not None and taken > 0
    monkeypatch.setattr(bertviz, "PATIENCE", 0.5)
    assert bertviz.painted(context, lambda: "<p>nothing</p>", "svg line", tmp_path / "page.html") is None
    context.close()
