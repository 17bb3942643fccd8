"""From what somebody typed to tokens: spans, words, segments, and what the network reads."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attention_core.errors import KindError
from attention_core.models.tokenization import (
    SPECIAL_TOKENS,
    Token,
    Tokenizer,
    numbered,
    positions_of,
    simplified,
    visible,
)

SAVED = Path(__file__).parents[2] / "assets" / "text" / "tokenizer.json"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(SAVED)


def texts(tokens: list[Token]) -> list[str]:
    return [token.text for token in tokens]


def ids(tokens: list[Token]) -> list[int]:
    return [token.id for token in tokens]


def spans_fit(text: str, tokens: list[Token]) -> bool:
    return all(text[token.start : token.end] == token.text for token in tokens)


# Chinese


def test_the_running_example_is_one_token_a_character(tokenizer: Tokenizer) -> None:
    tokens, cut = tokenizer.encode("我吃柠檬")
    assert [(t.text, t.start, t.end, t.word, t.segment, t.special) for t in tokens] == [
        ("[CLS]", 0, 0, None, 0, True),
        ("我", 0, 1, 0, 0, False),
        ("吃", 1, 2, 1, 0, False),
        ("柠", 2, 3, 2, 0, False),
        ("檬", 3, 4, 3, 0, False),
        ("[SEP]", 0, 0, None, 0, True),
    ]
    assert cut == 0
    assert [tokenizer.vocabulary[t.id] for t in tokens] == ["[CLS]", *"我吃柠檬", "[SEP]"]


@pytest.mark.parametrize(
    ("traditional", "expected"), [("我喫檸檬", "我吃柠檬"), ("學習", "学习"), ("頭髮發現", "头发发现")]
)
def test_traditional_characters_read_as_simplified_and_show_as_typed(
    tokenizer: Tokenizer, traditional: str, expected: str
) -> None:
    tokens = tokenizer.pieces(traditional)
    assert ids(tokens) == ids(tokenizer.pieces(expected))
    assert texts(tokens) == list(traditional)
    assert simplified(traditional) == expected


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=30))
def test_simplifying_keeps_positions(text: str) -> None:
    converted = simplified(f"ab{text}, 學!")
    assert len(converted) == len(text) + 6
    assert converted.startswith("ab")
    assert converted.endswith(", 学!")


def test_simplifying_leaves_the_rest() -> None:
    assert simplified("Just ASCII, 123.") == "Just ASCII, 123."
    assert simplified("café 😀 学习") == "café 😀 学习"


def test_chinese_beside_english(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.pieces("我love你")
    assert spans_fit("我love你", tokens)
    assert tokens[0].text == "我"
    assert tokens[-1].text == "你"
    assert "".join(texts(tokens)) == "我love你"


# English


@pytest.mark.parametrize("word", ["antidisestablishmentarianism", "Incomprehensibilities", "UNBELIEVABLENESS"])
def test_pieces_of_a_word_share_it_and_join_to_it(tokenizer: Tokenizer, word: str) -> None:
    text = f"the {word} is"
    tokens = tokenizer.pieces(text)
    pieces = [token for token in tokens if token.word == 1]
    assert len(pieces) > 1
    assert "".join(texts(pieces)) == word
    assert (pieces[0].start, pieces[-1].end) == (4, 4 + len(word))
    for before, after in itertools.pairwise(pieces):
        assert before.end == after.start
    assert not tokenizer.vocabulary[pieces[0].id].startswith("##")
    assert all(tokenizer.vocabulary[piece.id].startswith("##") for piece in pieces[1:])
    assert [tokens[0].word, tokens[-1].word] == [0, 2]


def test_capitals_read_as_small_letters_and_show_as_typed(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.pieces("The CAT")
    assert ids(tokens) == ids(tokenizer.pieces("the cat"))
    assert "".join(texts(tokens)) == "TheCAT"
    assert spans_fit("The CAT", tokens)


def test_punctuation_is_a_token_and_a_word_of_its_own(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.pieces("no, no。")
    assert texts(tokens) == ["no", ",", "no", "。"]
    assert [token.word for token in tokens] == [0, 1, 2, 3]


# Forms of characters


def test_full_width_forms_read_as_half_width_and_show_as_typed(tokenizer: Tokenizer) -> None:
    typed = "Ｔｈｅ　ｃａｔ，"
    tokens = tokenizer.pieces(typed)
    assert ids(tokens) == ids(tokenizer.pieces("the cat,"))
    assert "".join(texts(tokens)) == "Ｔｈｅｃａｔ，"
    assert spans_fit(typed, tokens)


@pytest.mark.parametrize("typed", ["cafe\u0301", "caf\u00e9"])
def test_an_accent_stays_with_its_letter(tokenizer: Tokenizer, typed: str) -> None:
    text = f"a {typed}, {typed}"
    tokens = tokenizer.pieces(text)
    assert ids(tokens) == ids(tokenizer.pieces("a cafe, cafe"))
    assert spans_fit(text, tokens)
    assert "".join(texts(tokens)) == text.replace(" ", "")


def test_marks_in_a_row_and_at_the_start(tokenizer: Tokenizer) -> None:
    text = "\u0301a\u0301\u0302 b"
    tokens = tokenizer.pieces(text)
    assert texts(tokens) == ["a\u0301\u0302", "b"]
    assert spans_fit(text, tokens)


def test_one_character_may_become_several_tokens(tokenizer: Tokenizer) -> None:
    text = "x …½"
    tokens = tokenizer.pieces(text)
    assert spans_fit(text, tokens)
    assert texts(tokens).count("…") == 3  # three dots to the network, each with the one character that was typed
    assert texts(tokens).count("½") == 3


@pytest.mark.parametrize("typed", ["😀", "👍", "𠮷"])
def test_what_lies_beyond_the_basic_plane_is_one_place_in_the_string(tokenizer: Tokenizer, typed: str) -> None:
    text = f"我{typed} 你"
    tokens = tokenizer.pieces(text)
    assert spans_fit(text, tokens)
    assert [(t.text, t.start, t.end) for t in tokens] == [("我", 0, 1), (typed, 1, 2), ("你", 3, 4)]


def test_an_unknown_character_keeps_its_label(tokenizer: Tokenizer) -> None:
    text = "吃𪚥吧"
    tokens = tokenizer.pieces(text)
    assert texts(tokens) == ["吃", "𪚥", "吧"]
    assert tokens[1].id == tokenizer.unknown
    assert not tokens[1].special


@pytest.mark.parametrize("text", ["\ud800", "學\ud800習", "\udc00學習", "學習\udfff", "a \ud83d\ude00 學"])
def test_lone_surrogates_do_not_crash(tokenizer: Tokenizer, text: str) -> None:
    tokens, _ = tokenizer.encode(text, text)
    plain = [token for token in tokens if not token.special]
    assert spans_fit(text, plain)
    for character in "學習":
        if character in text:
            found = [token for token in plain if token.text == character and token.segment == 0]
            assert [token.start for token in found] == [text.index(character)]
            assert tokenizer.vocabulary[found[0].id] == simplified(character)


SHARED = Tokenizer.from_file(SAVED)  # a fixture would be asked for at each of Hypothesis's examples
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=25) | st.text(
    "學习aé\u0301Ａ ½…😀\ud800👨\u200d!", max_size=25
)


@settings(max_examples=300, deadline=None)
@given(ANYTHING)
def test_spans_hold_for_any_text(text: str) -> None:
    tokens = SHARED.pieces(text)
    assert spans_fit(text, tokens)
    assert all(0 <= token.start < token.end <= len(text) for token in tokens)
    for before, after in itertools.pairwise(tokens):
        assert before.start <= after.start
        assert before.word is not None
        assert after.word is not None
        assert before.word <= after.word
        same = (before.start, before.end) == (after.start, after.end)
        assert same or before.end <= after.start


def test_a_character_that_two_tokens_share_belongs_to_the_second() -> None:
    spans = [(token.start, token.end) for token in SHARED.pieces("1¼")]
    assert spans[0] == (0, 1)
    assert set(spans[1:]) == {(1, 2)}


# Sentences and pairs


def test_a_pair_has_two_segments_and_words_counted_anew(tokenizer: Tokenizer) -> None:
    tokens, cut = tokenizer.encode("我吃", "he eats")
    assert cut == 0
    assert [token.text for token in tokens if token.special] == ["[CLS]", "[SEP]", "[SEP]"]
    segments = [token.segment for token in tokens]
    assert segments == sorted(segments)
    assert segments[:4] == [0, 0, 0, 0]  # [CLS] 我 吃 [SEP]
    second = [token for token in tokens if token.segment == 1]
    assert second[-1].special
    assert spans_fit("he eats", second[:-1])
    assert (second[0].word, second[0].start) == (0, 0)


def test_positions_are_counted_anew_in_each_segment() -> None:
    assert positions_of([0, 0, 0, 0, 1, 1, 1]) == [0, 1, 2, 3, 0, 1, 2]
    assert positions_of([]) == []


def test_an_empty_text_is_only_special_tokens(tokenizer: Tokenizer) -> None:
    assert texts(tokenizer.encode("")[0]) == ["[CLS]", "[SEP]"]
    assert texts(tokenizer.encode(" \n", "")[0]) == ["[CLS]", "[SEP]", "[SEP]"]


@pytest.mark.parametrize(
    ("first", "second", "limit", "kept"),
    [
        (10, None, 12, (10, 0)),
        (10, None, 11, (9, 0)),
        (10, None, 5, (3, 0)),
        (10, 3, 11, (5, 3)),  # room for 8: the longer one loses its end
        (3, 10, 11, (3, 5)),
        (10, 10, 12, (5, 4)),  # room for 9
        (4, 4, 11, (4, 4)),
        (5, 4, 11, (4, 4)),
    ],
)
def test_truncation_at_the_limit(
    tokenizer: Tokenizer, first: int, second: int | None, limit: int, kept: tuple[int, int]
) -> None:
    text = "一二三四五六七八九十"
    pair = None if second is None else text[:second]
    tokens, cut = tokenizer.encode(text[:first], pair, limit)
    plain = [token for token in tokens if not token.special]
    assert tuple(sum(token.segment == s for token in plain) for s in (0, 1)) == kept
    assert cut == first + (second or 0) - sum(kept)
    assert len(tokens) <= limit
    # what stays are the beginnings, and the special tokens
    assert "".join(texts([t for t in plain if t.segment == 0])) == text[: kept[0]]
    assert "".join(texts([t for t in plain if t.segment == 1])) == text[: kept[1]]
    assert sum(token.special for token in tokens) == (2 if pair is None else 3)


def test_special_ids(tokenizer: Tokenizer) -> None:
    named = (tokenizer.padding, tokenizer.unknown, tokenizer.start, tokenizer.separator, tokenizer.mask)
    assert tuple(tokenizer.vocabulary[index] for index in named) == SPECIAL_TOKENS


def test_the_vocabulary_is_in_the_order_of_ids(tokenizer: Tokenizer) -> None:
    for token in tokenizer.pieces("我吃柠檬 the cat"):
        assert tokenizer.vocabulary[token.id].removeprefix("##") == token.text.lower()


def test_eight_threads_give_what_one_gives(tokenizer: Tokenizer) -> None:
    sentences = [f"學習{n} 我喫檸檬 understanding {n}" for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(tokenizer.pieces, sentences))
    assert together == [tokenizer.pieces(sentence) for sentence in sentences]


@pytest.mark.parametrize("other", [None, b"bytes", 7, ["a"]])
def test_what_is_no_string_is_refused(tokenizer: Tokenizer, other: object) -> None:
    with pytest.raises(KindError, match=f"came as {type(other).__name__}; a str is expected"):
        tokenizer.encode(other)  # type: ignore[arg-type]


def test_names_mark_pieces_and_what_is_unknown(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.pieces("Two lemons and 𠮷野")
    assert visible(tokens) == ["Two", "lemon", "##s", "and", "[𠮷]", "野"]
    assert [token.continues for token in tokens] == [False, False, True, False, False, False]
    assert [token.unknown for token in tokens] == [token.id == tokenizer.unknown for token in tokens]
    assert sum(token.unknown for token in tokens) == 1


def test_equal_names_carry_their_places_counted_from_1() -> None:
    assert numbered(["the", "cat", "the", "."]) == ["the (1)", "cat", "the (3)", "."]
    assert numbered([]) == []
