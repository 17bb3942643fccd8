"""Guesses at hidden words."""

from __future__ import annotations

import pytest

from attention_core import load_text_model
from attention_core.analysis.guesses import as_word, guesses
from attention_core.errors import ControlError


def test_guesses_are_those_of_the_trace() -> None:
    trace = load_text_model().trace("我吃柠檬🍋", "I eat lemons.", hide=[3, 4, 5])
    found = guesses(trace, (3, 4, 5))
    assert [guess.answer for guess in found] == ["柠", "檬", "[UNK]"]
    assert [guess.known for guess in found] == [True, True, False]
    for position, guess in zip((3, 4, 5), found, strict=True):
        assert [(guess.best, guess.best_probability)] == trace.predictions(position, 1)
        everything = dict(trace.predictions(position, len(trace.vocabulary)))
        assert guess.answer_probability == pytest.approx(everything[guess.answer])
        assert guess.answer_probability <= guess.best_probability
    with pytest.raises(ControlError, match="position 2 was not hidden"):
        guesses(trace, (2, 3))


def test_pieces_make_a_word() -> None:
    assert as_word(["ch", "##asing"]) == "chasing"
    assert as_word(["柠", "檬"]) == "柠檬"
