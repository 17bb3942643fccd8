"""Strings that somebody may type or paste, and what has to hold for each of them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from attention_core.errors import InputError
from attention_core.inputs import MAX_CHARACTERS, clean_text
from attention_core.models.text import TextModel
from attention_core.models.tokenization import Token, Tokenizer

# Words of markup, scripts, formulas and formats, of which whole strings are put together.
MARKUP = (
    '<img src=x onerror="window.ran=true">',
    "<script>window.ran=true</script>",
    "</script><script>window.ran=true</script>",
    "</pre></title><svg/onload=window.ran=true>",
    '<a href="javascript:window.ran=true">x</a>',
    "[x](javascript:window.ran=true)",
    "![x](x)",
    "$\\href{javascript:window.ran=true}{x}$",
    "<!-- -->",
    "&lt;b&gt;",
    "{0} {text} %s",
    ":material/home: :red[x]",
    "`x` **y** ~z~ | --- |",
    "'; DROP TABLE x; --",
    "../../etc/passwd",
    "\\N{DIGIT ONE}\\u0031\\x00",
)
FORMULAS = ('=HYPERLINK("x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0")
SPECIAL = ("[MASK]", "[CLS]", "[SEP]", "[PAD]", "[UNK]", "##s", "<s>", "<|endoftext|>", "▁", "Ġ")
INVISIBLE = "".join(
    chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010))
) + "".join(chr(code) for code in (*range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFC)))
STACKED = "".join(chr(code) for code in (*range(0x300, 0x370), 0x3099, 0x309A, *range(0x20D0, 0x20F1), 0xFE0F, 0x1D165))
EMOJI = (
    "👨‍👩‍👧",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "👍🏽",
    "🇨🇳",
    "❤️‍🔥",
    "1️⃣",
    "\u200d",
    "\U000e0001",
)
CHINESE = "我吃柠檬檸檬貓囍𠮷㐀龘豈﨎⺀〇①㊥㍿ｆｕｌｌ０９"

_PLANES = st.integers(0, 16).flatmap(
    lambda plane: st.text(
        st.integers(plane << 16, (plane << 16) + 0xFFFF).map(chr), max_size=24
    )  # unassigned code points, noncharacters and lone surrogates among them
)
_PIECES = st.one_of(
    _PLANES,
    st.text(st.sampled_from(INVISIBLE), max_size=12),
    st.tuples(st.sampled_from("aé한柠👍"), st.text(st.sampled_from(STACKED), max_size=60)).map("".join),
    st.sampled_from((*MARKUP, *FORMULAS, *SPECIAL, *EMOJI)),
    st.text(st.sampled_from(CHINESE), max_size=30),
    st.text(st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010, exclude_categories=()), max_size=8),
    st.text(st.sampled_from("the lemon's cat-like don't 3.14 1½ ﬁ ß İ"), max_size=30),
)
TEXTS = st.one_of(_PIECES, st.lists(_PIECES, max_size=6).map("".join))

_REFUSALS = {"text.empty", "text.too_long"}


def long_pastes() -> dict[str, str]:
    """Texts of a megabyte and more, by what they are made of."""
    million = 1_000_000
    return {
        "letters": "a" * million,
        "words": "lemon " * (million // 6),
        "Chinese": "柠檬" * (million // 2),
        "marks on one letter": "e" + "\u0301" * million,
        "marks in both orders": "e" + "\u0316\u0301" * (million // 2),
        "invisible": "\u200b" * million,
        "spaces": " " * million,
        "halves": "\ud83d" * million,
        "joined": "👩\u200d" * (million // 2),
        "markup": MARKUP[0] * (million // len(MARKUP[0])),
        "more than a megabyte": "柠" * (2 * million),
    }


def cleaned(raw: str) -> str | None:
    """What `clean_text` makes of it, checked; None where it is refused by an error of the catalogue."""
    try:
        text = clean_text(raw)
    except InputError as error:
        assert error.key in _REFUSALS
        return None
    assert 1 <= len(text) <= MAX_CHARACTERS
    assert text == text.strip() and "  " not in text
    assert unicodedata.is_normalized("NFC", text)
    text.encode("utf-8")  # no half of a character
    assert not [c for c in text if unicodedata.category(c) == "Cc"]
    assert clean_text(text) == text
    return text


def checked_pieces(tokenizer: Tokenizer, text: str) -> list[Token]:
    """The tokens of any string, cleaned or not: each has its place in it, in order.

    Only the tokens of one character, such as ½ and the ligature ﬁ, lie on each other.
    """
    tokens = tokenizer.pieces(text)
    for token in tokens:
        assert 0 <= token.start <= token.end <= len(text)
        assert token.text == text[token.start : token.end]
        assert 0 <= token.id < len(tokenizer.vocabulary)
    for one, after in pairwise(tokens):
        assert one.end <= after.start or one.start == after.start
        assert one.word is not None and after.word is not None and one.word <= after.word
    return tokens


def check_trace(model: TextModel, text: str, pair: str | None = None) -> None:
    """Every layer's weights are shares: each row adds up to 1; nothing overflows."""
    trace = model.trace(text, pair)
    assert len(trace.tokens) <= model.config.positions
    for token in trace.tokens:
        typed = text if token.segment == 0 else pair or ""
        assert token.special or token.text == typed[token.start : token.end]
    for layer in trace.layers:
        assert layer.weights.min() >= 0
        torch.testing.assert_close(layer.weights.sum(-1), torch.ones(layer.weights.shape[:-1]), atol=1e-5, rtol=0)
    assert trace.logits.isfinite().all()


@dataclass
class Tried:
    """How many strings were tried, how many of them refused, traced, and in which planes of Unicode they lie."""

    strings: int = 0
    refused: int = 0
    traced: int = 0
    planes: set[int] = field(default_factory=set)


def try_texts(model: TextModel, count: int, each: int) -> Tried:
    """Checks `count` strings, always the same, and every `each`-th of them through the whole network."""
    tried = Tried()

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )
    @given(TEXTS)
    def check(raw: str) -> None:
        tried.strings += 1
        tried.planes |= {ord(character) >> 16 for character in raw}
        checked_pieces(model.tokenizer, raw)
        text = cleaned(raw)
        if text is None:
            tried.refused += 1
            return
        checked_pieces(model.tokenizer, text)
        if tried.strings % each == 0:
            tried.traced += 1
            check_trace(model, text, raw if tried.traced % 2 else None)

    check()
    return tried
