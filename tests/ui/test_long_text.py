"""The text pages with as much as the network reads: little travels, and what is cut is said."""

from __future__ import annotations

import json

import pytest

from attention_core import load_text_model
from tests.ui.driver import charts, figures, opened
from tests.ui.test_text_pages import LANGUAGES
from ui.i18n import catalogue

SENTENCES = {
    "zh": "小时候我住在一个靠近大海的小镇上，每天早晨都能听见渔船出港的汽笛声。" * 8,
    "en": "The old man who lives next door plays the piano while his cat sleeps on a red chair. " * 14,
}


@pytest.mark.parametrize(("page", "language"), [("self_attention", "zh"), ("multi_head", "en")])
def test_beyond_the_limit_the_text_is_cut_and_the_page_says_how_much(page: str, language: str) -> None:
    text = SENTENCES[language]
    trace = load_text_model().trace(text)
    assert len(trace.tokens) == 256 and trace.truncated > 0
    app = opened(page, language, s=text)
    messages = catalogue(language)  # type: ignore[arg-type]
    expected = messages["sentence.cut"].format(limit=256, cut=trace.truncated)
    assert [warning.value for warning in app.warning].count(expected) == 1
    assert any(caption.value == messages["sentence.long"].format(count=256) for caption in app.caption)
    # Numbers travel as base64; text cell by cell made this 13 to 19 megabytes.
    assert sum(len(json.dumps(chart)) for chart in charts(app).values()) < 5_000_000
    assert all(figure["layout"]["height"] <= 900 for figure in figures(app))
    for figure in figures(app):
        for trace_shown in figure["data"]:
            assert len(trace_shown.get("text") or []) <= 100
    assert len(app.selectbox(key="q").options) == 256


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_short_text_gets_no_word_about_zooming(language: str) -> None:
    app = opened("self_attention", language)
    beginning = catalogue(language)["sentence.long"].split("{")[0]  # type: ignore[index]
    assert not any(caption.value.startswith(beginning) for caption in app.caption)
