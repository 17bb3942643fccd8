"""Presenter mode and sharing, run without a browser: what the link says, and what of a link is believed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import segno

from tests.ui.driver import opened
from ui.i18n import LANGUAGES, Language, catalogue
from ui.stage import share

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_link_to_a_step_stays_and_off_the_stage_there_is_none(language: Language) -> None:
    app = opened("squeeze_excitation", language, present="1", step="3")
    assert (app.query_params["present"], app.query_params["step"]) == ("1", "3")
    assert not any(catalogue(language)["frame.bad_link"][:8] in info.value for info in app.info)
    app = opened("squeeze_excitation", language, step="3")
    assert app.query_params["present"] == "0"
    assert "step" not in app.query_params


def test_junk_for_a_step_is_the_start_and_nothing_is_said_on_the_stage() -> None:
    app = opened("squeeze_excitation", present="1", step="x")
    for junk in ("-1", "3.5", "٣", "99999", ""):
        assert app.query_params["step"] == "0"
        assert not any("step" in info.value for info in app.info)
        app.query_params["step"] = junk
        app.run()
    assert app.query_params["step"] == "0"


def test_the_button_turns_it_on_and_another_page_begins_at_its_start() -> None:
    app = opened("squeeze_excitation")
    app.button(key="presenter-enter").click().run()
    assert app.query_params["present"] == "1"
    app.query_params["step"] = "4"
    app.run()
    assert app.query_params["step"] == "4"
    del app.query_params["step"]  # as a browser does on the way to another page
    app.switch_page(str(ROOT / "pages" / "multi_head.py")).run()
    assert not app.exception
    assert (app.query_params["present"], app.query_params["step"]) == ("1", "0")


def drawn(svg: str, modules: int) -> list[list[int]]:
    """The matrix of a code from the strokes of its dark path, each "m dx dy h length", the quiet zone left out."""
    found = re.search(r'<path[^>]*stroke="#000"[^>]*d="([^"]+)"|<path[^>]*d="([^"]+)"[^>]*stroke="#000"', svg)
    assert found is not None
    matrix = [[0] * modules for _ in range(modules)]
    x = y = 0.0
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?:[ ,](-?[\d.]+))?", found[1] or found[2]):
        if command == "h":
            for column in range(int(first)):
                matrix[int(y) - 4][int(x) - 4 + column] = 1
            x += float(first)
        elif command == "M":
            x, y = float(first), float(second)
        else:
            x, y = x + float(first), y + float(second)
    return matrix


@pytest.mark.parametrize(
    "address", ["http://192.168.1.2:8501/cbam?lang=zh", "https://h.example/?s=" + "%E6%88%91" * 90]
)
def test_the_code_is_that_of_the_address(address: str) -> None:
    expected = [list(row) for row in segno.make(address, micro=False, error="l").matrix]
    svg = share.code(address)
    assert svg is not None
    assert drawn(svg, len(expected)) == expected


def test_an_address_that_is_too_long_has_no_code() -> None:
    assert share.code("https://h.example/?s=" + "%E6%88%91" * 2000) is None
