"""From tokens that a network wrote to text as one writes it: spaces, apostrophes and capitals.

The tokenizer lower-cases and splits; what it took away is put back by rules for spaces, and by a list of the words that
have a capital wherever they stand (Lita et al. 2003, "tRuEcasIng", in its simplest form).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

from attention_core.models.tokenization import CONTINUES

_NO_SPACE_BEFORE = frozenset(".,!?;:%)]}…°")
_NO_SPACE_AFTER = frozenset("([{$£€#")
_JOINS = frozenset("-–/")  # two words
_APOSTROPHES = frozenset("'’")
_AFTER_APOSTROPHE = frozenset(["s", "t", "m", "d", "re", "ll", "ve"])  # I'm, don't, we'll


class Spelling:
    """How pieces are put together. capitalised: words that have a capital wherever they stand, as they are written."""

    def __init__(self, capitalised: Collection[str] = ()) -> None:
        self._written = {word.lower(): word for word in ("I", *capitalised)}

    def text(self, pieces: Sequence[str]) -> str:
        """The pieces as one text."""
        return self.spans(pieces)[0]

    def spans(self, pieces: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
        """The text, and from where to where each piece stands in it."""
        parts: list[tuple[str, str]] = []  # of each piece: what stands before it, and itself
        for index, piece in enumerate(pieces):
            before = pieces[index - 1] if index else ""
            after = pieces[index + 1] if index + 1 < len(pieces) else ""
            spaced = bool(index) and _spaced(before, piece, pieces[:index], after)
            parts.append((" " if spaced else "", piece.removeprefix(CONTINUES)))
        text, spans = "", []
        for gap, part in parts:
            spans.append((len(text) + len(gap), len(text) + len(gap) + len(part)))
            text += gap + part
        return self._capitalised(text), spans

    def _capitalised(self, text: str) -> str:
        """Capitals for the words that have them, and at the start of each sentence; lengths stay."""

        def written(match: re.Match[str]) -> str:
            return self._written.get(match[0], match[0])

        text = re.sub(r"[a-z]+", written, text)
        return re.sub(r"(^\W*|[.!?…]\s+[\"“]?)([a-z])", lambda match: match[1] + match[2].upper(), text)


def _spaced(before: str, piece: str, earlier: Sequence[str], after: str) -> bool:
    """Whether a space stands between two pieces; earlier: all pieces before."""
    if piece.startswith(CONTINUES) or _is_wide(before[-1:]) or _is_wide(piece[:1]):
        return False
    if piece in _NO_SPACE_BEFORE or piece in _APOSTROPHES or before in _NO_SPACE_AFTER:
        return False
    if before in _APOSTROPHES:
        return piece not in _AFTER_APOSTROPHE
    if piece in _JOINS:
        return not (before[-1:].isalnum() and after[:1].isalnum())
    if before in _JOINS:
        return not (len(earlier) > 1 and earlier[-2][-1:].isalnum() and piece[:1].isalnum())
    if '"' in (piece, before):  # an odd one opens, an even one closes
        return earlier.count('"') % 2 == 0
    return True


def _is_wide(character: str) -> bool:
    """Whether it is Chinese, or punctuation as wide: no space stands beside it."""
    return bool(character) and unicodedata.east_asian_width(character) in "WF"
