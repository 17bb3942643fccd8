"""From tokens to words: attention *to* a word summed over its tokens, attention *from* a word averaged over them.

Clark et al. 2019, §4.1. The network cuts rare English words into pieces and reads Chinese character by character; what
people ask about is words. … any leading axes, T tokens, W words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import torch
from torch import Tensor

from attention_core.errors import ShapeError
from attention_core.models.text import TextTrace
from attention_core.models.tokenization import Token, simplified, visible


@dataclass(frozen=True)
class Word:
    """One or more tokens that stand together; a special token is a word of its own."""

    text: str  # as typed; unknown parts of it in square brackets, a token by itself as `visible` names it
    segment: int  # 0, or 1 for the second sentence of a pair
    special: bool
    tokens: tuple[int, ...]  # their positions in the trace


def single_tokens(trace: TextTrace) -> list[Word]:
    """Every token by itself."""
    named = zip(trace.tokens, visible(trace.tokens), strict=True)
    return [Word(name, token.segment, token.special, (i,)) for i, (token, name) in enumerate(named)]


def alone(trace: TextTrace, word: Word) -> tuple[str, tuple[int, ...]]:
    """The sentence that a word of a pair stands in, and the word's positions where that is read by itself."""
    if word.segment == 0 or trace.pair is None:
        return trace.text, word.tokens
    first, second = (
        next(i for i, token in enumerate(trace.tokens) if token.segment == segment and not token.special)
        for segment in (0, 1)
    )
    return trace.pair, tuple(position - second + first for position in word.tokens)


def words(trace: TextTrace) -> list[Word]:
    """The words of a sentence or a pair, in order; every token is in exactly one.

    Chinese words are those of a segmenter, English ones are what the tokenizer cut into pieces.
    """
    texts = (trace.text, trace.pair or "")
    owners = [_chinese_words(text) for text in texts]

    def owner(position: int) -> tuple[object, ...]:
        token = trace.tokens[position]
        if token.special:
            return token.segment, "special", position
        if is_han(token.text):
            return token.segment, "Chinese", owners[token.segment][token.start]
        return token.segment, "other", token.word

    grouped = (tuple(group) for _, group in groupby(range(len(trace.tokens)), owner))
    return [_word(trace.tokens, positions, texts) for positions in grouped]


def _word(tokens: Sequence[Token], positions: tuple[int, ...], texts: tuple[str, str]) -> Word:
    first, last = tokens[positions[0]], tokens[positions[-1]]
    text = first.text if first.special else texts[first.segment][first.start : last.end]
    if not text.strip():  # a space that is a token: its sign can be seen
        text = "".join(tokens[position].text for position in positions)
    elif any(tokens[position].unknown for position in positions):
        text = "".join(visible(replace(tokens[position], continues=False) for position in positions))
    return Word(text, first.segment, first.special, positions)


def _chinese_words(text: str) -> list[int]:
    """For each character of `text`, the number of the word that the segmenter puts it in."""
    if not any(map(is_han, text)):
        return [0] * len(text)
    import rjieba  # at first need: its dictionary takes a moment

    encodable = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)  # a lone surrogate cannot pass
    return [number for number, word in enumerate(rjieba.cut(simplified(encodable))) for _ in word]


def is_han(text: str) -> bool:
    """Whether `text` begins with a Chinese character."""
    return unicodedata.name(text[:1] or " ", "").startswith("CJK ") and text[0].isalpha()


def is_chinese(text: str) -> bool:
    """Whether `text` has more Chinese characters than words of letters."""
    letters = "".join(c if c.isalpha() and not is_han(c) else " " for c in text)
    return sum(map(is_han, text)) > len(letters.split())


def word_weights(weights: Tensor, grouped: Sequence[Word]) -> Tensor:
    """Weights (…, T, T) → (…, W, W): summed to a word, averaged from it. Rows that sum to 1 still do.

    Raises `ShapeError` where the words do not make up the T tokens.
    """
    T = weights.shape[-1]
    positions = [position for word in grouped for position in word.tokens]
    if sorted(positions) != list(range(T)):
        raise ShapeError(
            "words.tokens",
            f"the words hold {len(positions)} tokens; expected each of the {T} tokens of the weights once.",
            came=len(positions),
            expected=T,
        )
    if len(grouped) == T:
        return weights
    owner = torch.empty(T, dtype=torch.long)
    for number, word in enumerate(grouped):
        owner[list(word.tokens)] = number
    return word_matrix(weights, owner, owner, len(grouped), len(grouped))


def word_matrix(weights: Tensor, rows: Tensor, columns: Tensor, n_rows: int, n_columns: int) -> Tensor:
    """Weights (…, T, T) → (…, n_rows, n_columns) between two lists of words that need not cover all tokens.

    rows, columns: (T,) the number of each token's word, -1 for none. A word without tokens gets zeros.
    """
    from_word = torch.nn.functional.one_hot(rows + 1, n_rows + 1)[:, 1:].to(weights)  # (T, n_rows)
    to_word = torch.nn.functional.one_hot(columns + 1, n_columns + 1)[:, 1:].to(weights)  # (T, n_columns)
    mean = from_word / from_word.sum(dim=0).clamp_min(1)
    return mean.mT @ weights @ to_word
