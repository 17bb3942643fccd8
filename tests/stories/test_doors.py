"""Whoever adds a step to a story adds it once: every door shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from attention_core import explore, load_text_model, words
from attention_core.programs.snippets import text_snippet
from attention_core.stories import self_attention
from attention_core.stories.self_attention import Told
from attention_core.stories.story import Step
from attention_core.words import LANGUAGES, Language, Piece
from tests.ui.driver import opened

SENTENCE = "I eat lemons."
TITLES: dict[Language, str] = {"en": "What was added", "zh": "加上的一步"}


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One more step, and its words in two catalogues."""

    def step(told: Told) -> Step:
        return Step("self_attention.added", [r"T = t"], {"count": len(told.followed.trace.tokens)})

    catalogues = {
        language: {
            **words.catalogue(language),
            "self_attention.added.title": (Piece(TITLES[language]),),
            "self_attention.added.see": (Piece("{count} · " + language),),
        }
        for language in LANGUAGES
    }
    monkeypatch.setattr(self_attention, "STEPS", (*self_attention.STEPS, step))
    monkeypatch.setattr(words, "catalogue", catalogues.__getitem__)
    return iter(())


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("presenting", [{}, {"present": "1"}])
def test_the_page_and_the_presenters_screen(language: Language, presenting: dict[str, str]) -> None:
    app = opened("self_attention", language, s=SENTENCE, **presenting)
    assert any(TITLES[language] in one.proto.body for one in app.get("html"))
    assert any(f"7 · {language}" in one.value for one in app.markdown)


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_notebook_and_the_page_to_take_along(language: Language, tmp_path: Path) -> None:
    explored = explore(load_text_model(), SENTENCE, language=language)
    for written in (explored._repr_html_(), explored.save(tmp_path / "page.html").read_text(encoding="utf-8")):
        assert TITLES[language] in written and f"7 · {language}" in written


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_program(language: Language, capsys: pytest.CaptureFixture[str]) -> None:
    trace = load_text_model().trace(SENTENCE)
    program = text_snippet(trace, layer=1, head=1, query=2, story="self_attention", language=language)
    exec(compile(program, "program", "exec"), {})
    written = capsys.readouterr().out
    assert TITLES[language] in written and f"7 · {language}" in written
