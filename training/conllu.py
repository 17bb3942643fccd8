"""Treebank sentences (CoNLL-U) with each word's place in the sentence's text, and from there to tokens."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from attention_core.models.tokenization import Token


@dataclass(frozen=True)
class Word:
    """One syntactic word. start, end: characters of the sentence's text; head: id of its head, 0 for the root."""

    id: int
    form: str
    start: int
    end: int
    head: int
    relation: str


@dataclass(frozen=True)
class Sentence:
    """A sentence as written, and its words in order."""

    text: str
    words: tuple[Word, ...]


def read(path: Path) -> list[Sentence]:
    """All sentences of a .conllu or .conllu.gz file. Raises `ValueError` where FORMs and text do not match."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
        return parse(stream)


def parse(lines: Iterable[str]) -> list[Sentence]:
    """All sentences in the lines of a CoNLL-U file."""
    sentences, text, rows = [], "", list[list[str]]()
    for line in (*lines, ""):
        line = line.rstrip("\r\n")
        if line.startswith("# text = "):
            text = line.removeprefix("# text = ")
        elif line and not line.startswith("#"):
            rows.append(line.split("\t"))
        elif not line and rows:
            sentences.append(Sentence(text, tuple(_placed(text, rows))))
            text, rows = "", []
    return sentences


def _placed(text: str, rows: list[list[str]]) -> list[Word]:
    """Words found one after another in the text; parts of a contraction that is not written out share its span."""
    words, cursor = [], 0
    covered, span = 0, (0, 0)  # the contraction in hand: its last word's id, and its span
    for row in rows:
        number, form = row[0], row[1]
        if "." in number:  # an empty node of the enhanced graph: nothing is written
            continue
        inside = "-" not in number and int(number) <= covered
        limit = span[1] if inside else len(text)
        start = text.find(form, cursor, limit)
        if "-" in number:
            start = _found(start, form, text, cursor)
            covered, span = int(number.split("-")[1]), (start, start + len(form))
            cursor = start
            continue
        if inside and (start < 0 or text[cursor:start].strip()):
            start, end = span
        else:
            start = _found(start, form, text, cursor)
            end = cursor = start + len(form)
        if inside and int(number) == covered:
            cursor = span[1]
        words.append(Word(int(number), form, start, end, int(row[6]), row[7].split(":")[0]))
    return words


def _found(start: int, form: str, text: str, cursor: int) -> int:
    if start < 0 or text[cursor:start].strip():
        raise ValueError(f"{form!r} does not follow character {cursor} of {text!r}: FORMs and text do not match.")
    return start


def word_of_token(tokens: Sequence[Token], words: Sequence[Word], segment: int) -> Tensor:
    """Which word each token belongs to, (T,): its index in `words`, or -1 for special ones and the other segment.

    A token that reaches over a word's end belongs to the word with its first character.
    """
    owner: dict[int, int] = {}
    for index, word in enumerate(words):
        for character in range(word.start, word.end):
            owner.setdefault(character, index)
    return torch.tensor(
        [-1 if token.special or token.segment != segment else owner.get(token.start, -1) for token in tokens]
    )
