"""From what somebody typed to tokens that remember where they came from.

Chinese is one token a character, English is WordPiece over lower-cased words. The network reads simplified characters,
half-width forms and lower case; every token still carries its span in the original string, so that it is shown as
typed.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import tokenizers

from attention_core.errors import KindError

UNKNOWN, PADDING, START, SEPARATOR, MASK = "[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL_TOKENS = (PADDING, UNKNOWN, START, SEPARATOR, MASK)
CONTINUES = "##"  # begins a piece that goes on a word


class _Converter(Protocol):
    def convert(self, text: str) -> str: ...


@cache
def _traditional_to_simplified() -> _Converter:
    # Loaded at first need: the dictionaries take a moment, and prepared training data does without them.
    import opencc

    converter: _Converter = opencc.OpenCC("t2s")
    return converter


def simplified(text: str) -> str:
    """`text` in simplified characters, character for character, so that positions keep their meaning."""
    if text.isascii():
        return text
    converter = _traditional_to_simplified()
    converted = converter.convert(text)
    if len(converted) == len(text):
        return converted
    # A phrase of the dictionary changed the length: convert each character by itself instead.
    single = (converter.convert(character) for character in text)
    return "".join(new if len(new) == 1 else old for old, new in zip(text, single, strict=True))


def encodable(text: str) -> str:
    """`text` as it can reach a tokenizer, character for character: U+FFFD in the place of each lone surrogate.

    Raises `KindError` where it is no string.
    """
    if not isinstance(text, str):
        raise KindError(
            "text.wrong_type",
            f"The text came as {type(text).__name__}; a str is expected. Decode bytes first.",
            came=type(text).__name__,
            expected="str",
        )
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


@dataclass(frozen=True)
class Token:
    """One token and its place in what was typed."""

    text: str  # as typed; "[CLS]", "[SEP]" for the special ones
    start: int  # characters start … end of its own segment's original string; 0 … 0 for special tokens
    end: int
    word: int | None  # index of the word within its segment; None for special tokens
    segment: int  # 0, or 1 for the second sentence of a pair
    special: bool
    id: int  # row of the embedding table
    continues: bool = False  # goes on the word that the token before it is a piece of
    unknown: bool = False  # the vocabulary does not have it: the network reads its token for that


class Tokenizer:
    """The trained tokenizer of one text network, with spans into the original strings."""

    def __init__(self, backend: tokenizers.Tokenizer) -> None:
        self._backend = backend
        index = backend.get_vocab()
        self.vocabulary: tuple[str, ...] = tuple(sorted(index, key=index.__getitem__))
        self.padding, self.unknown, self.start, self.separator, self.mask = (index[t] for t in SPECIAL_TOKENS)

    @classmethod
    def from_file(cls, path: Path) -> Tokenizer:
        """The tokenizer saved at `path` in the format of Hugging Face's tokenizers."""
        return cls.from_json(path.read_text(encoding="utf-8"))

    @classmethod
    def from_json(cls, saved: str) -> Tokenizer:
        """The tokenizer from the text of such a file."""
        return cls(tokenizers.Tokenizer.from_str(saved))

    def pieces(self, text: str, segment: int = 0) -> list[Token]:
        """The tokens of `text` without special ones. Raises `KindError` where it is no string."""
        encoding = self._backend.encode(simplified(encodable(text)), add_special_tokens=False)
        spans = _apart(_with_marks(text, encoding.offsets))
        return [
            Token(
                text[start:end],
                start,
                end,
                word,
                segment,
                special=False,
                id=index,
                continues=self.vocabulary[index].startswith(CONTINUES),
                unknown=index == self.unknown,
            )
            for index, (start, end), word in zip(encoding.ids, spans, encoding.word_ids, strict=True)
        ]

    def encode(self, text: str, pair: str | None = None, limit: int = 256) -> tuple[list[Token], int]:
        """[CLS] text [SEP], or [CLS] text [SEP] pair [SEP], of at most `limit` tokens; and how many were cut off.

        When it is too long, the longer sentence loses its end first.
        """
        first = self.pieces(text)
        second = [] if pair is None else self.pieces(pair, segment=1)
        room = limit - (2 if pair is None else 3)
        cut = max(len(first) + len(second) - room, 0)
        kept_first, kept_second = shared_room(len(first), len(second), room)
        tokens = [self._special(self.start, 0), *first[:kept_first], self._special(self.separator, 0)]
        if pair is not None:
            tokens += [*second[:kept_second], self._special(self.separator, 1)]
        return tokens, cut

    def _special(self, index: int, segment: int) -> Token:
        return Token(self.vocabulary[index], 0, 0, None, segment, special=True, id=index)


def _with_marks(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans with the combining marks that follow them, which the tokenizer drops: a typed e + ◌́ stays é."""
    starts = {start for start, _ in spans}
    extended = []
    for start, end in spans:
        while end < len(text) and end not in starts and unicodedata.category(text[end])[0] == "M":
            end += 1
        extended.append((start, end))
    return extended


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans without what the next one starts with: "1¼" is read as 11⁄4, whose 11 ends within the ¼."""
    return [
        (start, after[0]) if after is not None and start < after[0] < end else (start, end)
        for (start, end), after in itertools.zip_longest(spans, spans[1:])
    ]


def shared_room(first: int, second: int, room: int) -> tuple[int, int]:
    """How many tokens of each sentence stay when there is room for `room` in all."""
    if first + second <= room:
        return first, second
    half = room // 2
    if second <= half:
        return room - second, second
    if first <= half:
        return first, room - first
    return room - half, half


def visible(tokens: Iterable[Token]) -> list[str]:
    """What each is called wherever it is shown: ##s goes on a word, [𠮷] is read as [UNK], ␣ has nothing to see."""
    return [_named(token) for token in tokens]


def numbered(names: Sequence[str]) -> list[str]:
    """The same names, those that come more than once with their place, counted from 1: “.” (13)."""
    times = Counter(names)
    return [f"{name} ({place})" if times[name] > 1 else name for place, name in enumerate(names, start=1)]


def _named(token: Token) -> str:
    text = token.text if token.text.strip() else "␣"
    if token.unknown:
        text = f"[{text}]"
    return CONTINUES + text if token.continues else text


def positions_of(segments: Sequence[int]) -> list[int]:
    """Position of each token, counted anew in each segment."""
    seen = {0: 0, 1: 0}
    positions = []
    for segment in segments:
        positions.append(seen[segment])
        seen[segment] += 1
    return positions
