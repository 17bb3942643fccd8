"""How what a network writes is put together."""

from __future__ import annotations

import pytest

from attention_core.models.spelling import Spelling

SPELLING = Spelling(["Tom", "English", "TV"])


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ("i eat lemons .", "I eat lemons."),
        ("tom and i don ' t speak english .", "Tom and I don't speak English."),
        ("pu ##pp ##ies , dogs", "Puppies, dogs"),
        ("he said : \" go ! \" and left .", 'He said: "go!" and left.'),
        ("what ? no .", "What? No."),
        ("我 吃 柠 檬 。", "我吃柠檬。"),
        ("我 看 tv 。", "我看TV。"),
        ("the dogs ' house", "The dogs' house"),
        ("a well - known man ( 12 % )", "A well-known man (12%)"),
        ("3 . 5", "3. 5"),
        ("", ""),
    ],
)  # fmt: skip
def test_spaces_and_capitals(pieces: str, text: str) -> None:
    assert SPELLING.text(pieces.split()) == text


def test_every_piece_knows_its_place() -> None:
    pieces = ["tom", "doesn", "'", "t", "eat", "lem", "##ons", "."]
    text, spans = SPELLING.spans(pieces)
    assert text == "Tom doesn't eat lemons."
    assert [text[start:end] for start, end in spans] == ["Tom", "doesn", "'", "t", "eat", "lem", "ons", "."]
