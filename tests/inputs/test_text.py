"""clean_text: what is typed becomes one line of visible, encodable text."""

from __future__ import annotations

import pickle
import time
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from attention_core.errors import AttentionCoreError, InputError, KindError
from attention_core.inputs import MAX_CHARACTERS, clean_text

FAMILY = "👨\u200d👩\u200d👧"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("我吃柠檬", "我吃柠檬"),
        ("  a \t b\r\nc\u2028d\u3000e ", "a b c d e"),
        ("a\x0bb\x85c", "a b c"),
        ("a\x00b\x1b[31mc\x7f", "ab[31mc"),
        ("cafe\u0301", "caf\u00e9"),
        ("e\u200b\u0301", "\u00e9"),  # a mark meets its letter once the space between is gone
        ("\ufeffabc\u200b\u2060", "abc"),
        ("a\u202eb\u2066c\u2069\u200f", "abc"),
        ("soft\u00adhyphen", "softhyphen"),
        ("a\u200db", "ab"),
        ("می\u200cخواهم", "میخواهم"),
        ("a\ud800b", "a\ufffdb"),
        ("\udc00", "\ufffd"),
        ("\ud83d\ude00", "😀"),  # two halves that found each other
        ("a \u200b b", "a b"),
        ("hi\U000e0041\U000e0042", "hi"),  # invisible tags can smuggle a text
    ],
)
def test_by_hand(raw: str, expected: str) -> None:
    assert clean_text(raw) == expected


@pytest.mark.parametrize(
    "emoji",
    [
        FAMILY,
        "❤\ufe0f\u200d🔥",
        "👩🏽\u200d🚀",
        "🏳\ufe0f\u200d🌈",
        "🙂\u200d↔\ufe0f",
        SCOTLAND,
        "1\ufe0f\u20e3",
    ],
)
def test_emoji_sequences_survive(emoji: str) -> None:
    assert clean_text(f"我 {emoji}!") == f"我 {emoji}!"


def test_a_joiner_that_joins_nothing_goes() -> None:
    assert clean_text("👨\u200d") == "👨"
    assert clean_text("👨\u200d\u200d👩") == "👨👩"
    assert clean_text("👨\u200d a") == "👨 a"


@pytest.mark.parametrize("raw", ["", " \n\t", "\u200b\ufeff", "\x00\x01", "\u200d", " \u202e "])
def test_nothing_visible_is_refused(raw: str) -> None:
    with pytest.raises(InputError) as caught:
        clean_text(raw)
    assert caught.value.key == "text.empty"
    assert caught.value.values == {"came": len(raw)}


def test_length_is_counted_after_cleaning() -> None:
    assert clean_text("a" * MAX_CHARACTERS) == "a" * MAX_CHARACTERS
    assert clean_text("e\u0301" * 10 + " " * 50, max_characters=10) == "é" * 10
    # NFC shrinks nothing more than this: four characters before, one after
    four = unicodedata.normalize("NFD", "\u1f82")
    assert len(four) == 4
    assert clean_text(four * 10, max_characters=10) == "\u1f82" * 10


@pytest.mark.parametrize("raw", ["a" * 11, "é" * 11, "a" * 41, "\ufb2c" * 5])
def test_too_long_is_refused_with_both_numbers(raw: str) -> None:
    with pytest.raises(InputError) as caught:
        clean_text(raw, max_characters=10)
    error = caught.value
    assert error.key == "text.too_long"
    assert error.values["limit"] == 10
    assert str(error.values["came"]) in str(error) and "10" in str(error)


@pytest.mark.parametrize("raw", [" " * 1_000_001, "a" + "\u0315\u0300" * 400_000])
def test_huge_texts_cost_little(raw: str) -> None:
    started = time.perf_counter()
    with pytest.raises(InputError, match="the limit is 2000"):
        clean_text(raw)
    assert time.perf_counter() - started < 5  # normalising the second one takes minutes


@pytest.mark.parametrize("raw", [b"abc", None, 3, ["a"]])
def test_other_types_are_refused(raw: object) -> None:
    with pytest.raises(KindError, match="a str is expected") as caught:
        clean_text(raw)  # type: ignore[arg-type]
    assert caught.value.values["came"] == type(raw).__name__
    assert isinstance(caught.value, TypeError)


ANY_TEXT = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cf", "Cc", "Mn", "Zs"]),
        st.sampled_from("👨👩🏽❤\ufe0f\u200d\u200c\u2329ا\u0653🏴\U000e0067\U000e007f \n\u09c7\u09be"),
    )
)


@given(ANY_TEXT)
def test_any_text(raw: str) -> None:
    try:
        text = clean_text(raw, max_characters=40)
    except InputError:
        return
    assert 1 <= len(text) <= 40
    text.encode("utf-8")
    assert clean_text(text, max_characters=40) == text
    assert unicodedata.is_normalized("NFC", text)
    categories = {unicodedata.category(c) for c in text if c not in "\u200d" and c < "\U000e0000"}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert "  " not in text and text == text.strip()


@given(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=40))
def test_visible_text_in_nfc_is_left_alone(raw: str) -> None:
    assume(unicodedata.is_normalized("NFC", raw))
    assert clean_text(raw) == raw


def test_errors_survive_pickling() -> None:
    with pytest.raises(AttentionCoreError) as caught:
        clean_text("a" * 30, max_characters=5)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is InputError
    assert (again.key, again.values, str(again)) == (
        caught.value.key,
        {"came": 30, "limit": 5},
        str(caught.value),
    )
