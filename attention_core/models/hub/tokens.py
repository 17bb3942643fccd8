"""The tokens of any network of the transformers library, with their places in what was typed.

Networks that read bytes (GPT-2, Qwen, Llama) cut a Chinese character into pieces that are no text by themselves. Each
piece is shown as the character with the number of the piece: 柠 in three tokens is 柠¹⁄₃, 柠²⁄₃, 柠³⁄₃.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import tokenizers

from attention_core.errors import InputError, UnsupportedModelError
from attention_core.models.tokenization import Token, encodable, shared_room

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_BLANKS = {" ": "␣", "\n": "⏎", "\r": "⏎", "\t": "⇥", "\u3000": "␣", "\xa0": "␣"}
_META_SPACE = "▁"  # SentencePiece's sign for a space
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_ESCAPED = re.compile(r"(?:\\x[0-9a-f]{2})+")
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_HAN}]|(?:(?![{_HAN}])\w)+|\s+|[^\w\s]")


class HubTokenizer:
    """A tokenizer of the transformers library, read-only, so that all threads can share it.

    `mask` and `start` are the ids of its tokens for a hidden word and for the beginning of a text, None where it has
    none; `ends` those that end a text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Raises `UnsupportedModelError` for one without spans into the text (a "slow" tokenizer)."""
        source: Any = getattr(tokenizer, "backend_tokenizer", None)
        if not isinstance(source, tokenizers.Tokenizer):
            raise UnsupportedModelError(
                "hub.slow_tokenizer",
                f"{type(tokenizer).__name__} cannot say which characters a token stands for; "
                "a fast tokenizer is expected (tokenizer.json).",
                name=type(tokenizer).__name__,
            )
        saved = source.to_str()
        # A copy: encoding through the library sets truncation and padding on the tokenizer that others use.
        self._backend = tokenizers.Tokenizer.from_str(saved)
        self._backend.no_truncation()
        self._backend.no_padding()
        parts = json.loads(saved)
        kinds = set(_types([parts["pre_tokenizer"], parts["decoder"]]))
        self._reads_bytes = "ByteLevel" in kinds
        # The sign before a piece that goes on a word; without one, vocabularies mark where words begin.
        self._continues: str = parts["model"].get("continuing_subword_prefix") or ""
        self._pieces = {index: piece for piece, index in self._backend.get_vocab(with_added_tokens=True).items()}
        self.size: int = max(self._pieces, default=-1) + 1
        self.special: frozenset[int] = frozenset(tokenizer.all_special_ids)
        self.mask: int | None = tokenizer.mask_token_id
        self.unknown: int | None = tokenizer.unk_token_id
        self.start: int | None = tokenizer.bos_token_id
        self.ends: frozenset[int] = frozenset({tokenizer.eos_token_id} - {None})
        self.limit: int = tokenizer.model_max_length  # tokens; astronomical where the tokenizer knows none
        self.takes_segments: bool = "token_type_ids" in tokenizer.model_input_names

    def encode(self, text: str, pair: str | None, limit: int) -> tuple[list[Token], list[int], int]:
        """The tokens of `text` (and `pair`) with the network's special ones, at most `limit`; their segment ids as the
        network wants them; and how many tokens were cut off.

        When it is too long, the longer text loses its end first. Raises `KindError`, and `InputError` for a text
        without any token.
        """
        texts = [text] if pair is None else [text, pair]
        encodings = [self._backend.encode(encodable(part), add_special_tokens=False) for part in texts]
        typed = [self._typed(part, segment, encodings[segment]) for segment, part in enumerate(texts)]
        room = max(limit - self._backend.num_special_tokens_to_add(pair is not None), 0)
        kept = shared_room(len(typed[0]), len(typed[1]) if pair is not None else 0, room)
        for encoding, length in zip(encodings, kept, strict=False):
            encoding.truncate(length)
        whole = self._backend.post_process(encodings[0], encodings[1] if pair is not None else None)
        # It is taken from there which special tokens stand where, but not the spans: some are trimmed a second time.
        left = iter([token for part, length in zip(typed, kept, strict=False) for token in part[:length]])
        tokens: list[Token] = []
        for index, added in zip(whole.ids, whole.special_tokens_mask, strict=True):
            before = tokens[-1].segment if tokens else 0
            tokens.append(self.special_token(index, before) if added else next(left))
        segments = list(whole.type_ids)
        if not tokens and self.start is not None:
            tokens, segments = [self.special_token(self.start)], [0]
        if not tokens:
            raise InputError("text.no_tokens", "The text has no token that the network reads. Type some words.")
        return tokens, segments, sum(map(len, typed)) - sum(kept)

    def special_token(self, index: int, segment: int = 0) -> Token:
        """The token of row `index` that stands for no part of a text."""
        return Token(self._pieces[index], 0, 0, None, segment, special=True, id=index)

    def piece(self, index: int) -> str:
        """The token of row `index` as text; bytes that are no text by themselves as ⟨E6 9F⟩."""
        piece = self._pieces.get(index)
        if piece is None:
            return f"[{index}]"  # tables are often longer than the vocabulary
        if index in self.special:
            return piece
        if self._reads_bytes:
            try:
                raw = bytes(_byte_values()[character] for character in piece)
            except KeyError:  # an added token, which is written as it is
                return piece
            return _shown(_ESCAPED.sub(_hexadecimal, raw.decode("utf-8", "backslashreplace")))
        found = _BYTE.fullmatch(piece)
        return f"⟨{found[1]}⟩" if found else _shown(piece.replace(_META_SPACE, " "))

    def vocabulary(self, size: int) -> tuple[str, ...]:
        """The first `size` rows as text."""
        return tuple(self.piece(index) for index in range(size))

    def written(self, indices: Sequence[int], segment: int = 0) -> tuple[str, list[Token]]:
        """What tokens of a network's own choice say together, and the tokens with their places in it.

        A character at the end of which pieces are still missing is not in the text, and its pieces are bytes: ⟨E6⟩.
        """
        text, tokens, pending = "", [], list[int]()
        for number, index in enumerate(indices, start=1):
            if index in self.special:
                tokens.append(self.special_token(index, segment))
                continue
            pending.append(len(tokens))
            tokens.append(Token(self.piece(index), len(text), len(text), 0, segment, special=False, id=index))
            said = self._said(indices[:number])
            if len(said) <= len(text):
                continue
            start, end = _trimmed(said, len(text), len(said))
            shown = _shown(said[start:end])
            for part, place in enumerate(pending, start=1):
                label = shown if len(pending) == 1 else shown + fraction(part, len(pending))
                tokens[place] = replace(tokens[place], text=label, start=start, end=end)
            text, pending = said, []
        owners = _words(text)
        return text, [
            t
            if t.special or not text
            else replace(
                t, word=owners[min(t.start, len(text) - 1)], continues=self._goes_on(t.id, text, owners, t.start)
            )
            for t in tokens
        ]

    def _said(self, indices: Sequence[int]) -> str:
        said: str = self._backend.decode(list(indices), skip_special_tokens=True)
        return said.rstrip("\ufffd").replace("\ufffd", "▯")  # bytes that no text has, in the middle of it

    def _is_space(self, index: int) -> bool:
        """Whether it is SentencePiece's space by itself, which may stand where nothing was typed."""
        return not self._pieces[index].strip(_META_SPACE)

    def _typed(self, text: str, segment: int, encoding: tokenizers.Encoding) -> list[Token]:
        """The tokens of one text, without special ones."""
        spans = [
            (start, start) if self._is_space(index) else _trimmed(text, start, end)
            for index, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
        ]
        pieces = Counter(position for span in spans for position in range(*span))
        seen: Counter[int] = Counter()
        owners = _words(text)
        tokens = []
        for index, (start, end) in zip(encoding.ids, spans, strict=True):
            label = "".join(_part(text[i], i, pieces, seen) for i in range(start, end)) or "␣"
            word = owners[min(start, len(owners) - 1)] if owners else 0
            tokens.append(
                Token(
                    label,
                    start,
                    end,
                    word,
                    segment,
                    special=False,
                    id=index,
                    continues=self._goes_on(index, text, owners, start),
                    unknown=index == self.unknown,
                )
            )
        return tokens

    def _goes_on(self, index: int, text: str, owners: list[int], start: int) -> bool:
        """Whether a token that starts at character `start` goes on a word: by its sign, or because it starts in one."""
        if self._continues:
            return self._pieces[index].startswith(self._continues)
        if not 0 < start < len(text) or owners[start] != owners[start - 1]:
            return False
        return not (text[start].isspace() or text[start - 1].isspace())


def _part(character: str, place: int, pieces: Counter[int], seen: Counter[int]) -> str:
    """The character, with the number of the piece where it is in more than one token."""
    shown = _shown(character)
    if pieces[place] <= 1:
        return shown
    seen[place] += 1
    return shown + fraction(seen[place], pieces[place])


def _shown(text: str) -> str:
    """`text` with something to see in the place of line ends, of spaces by themselves and of what has no shape."""
    if text.isspace():
        return "".join(_BLANKS.get(character, "␣") for character in text)
    return "".join(c if c.isprintable() else _BLANKS.get(c, f"U+{ord(c):04X}") for c in text)


def fraction(part: int, parts: int) -> str:
    """A small fraction: ¹⁄₃."""
    return f"{part}⁄".translate(_RAISED) + str(parts).translate(_LOWERED)


_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the space before a word; a token of spaces alone keeps them."""
    inner = text[start:end].lstrip()
    return (end - len(inner), end) if inner else (start, end)


def _words(text: str) -> list[int]:
    """For each character of `text` the number of its word: a Chinese character, a run of letters, a sign."""
    owners = [0] * len(text)
    number = -1
    for found in _WORD.finditer(text):
        number += not found[0].isspace()
        for position in range(*found.span()):
            owners[position] = max(number, 0)
    return owners


def _hexadecimal(escaped: re.Match[str]) -> str:
    return f"⟨{' '.join(escaped[0].upper().split(chr(92) + 'X')[1:])}⟩"


@cache
def _byte_values() -> dict[str, int]:
    """The characters that byte-level tokenizers write for the 256 bytes (Radford et al. 2019)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(b): b for b in printable} | {chr(256 + number): b for number, b in enumerate(others)}


def _types(part: Collection[Any] | Any) -> Iterator[str]:
    """The types of all parts of a saved tokenizer."""
    if isinstance(part, dict):
        if isinstance(part.get("type"), str):
            yield part["type"]
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from _types(inner)
