"""From whatever was typed or pasted to one clean line of text.

What cannot be seen must not change a number, so invisible characters go: controls, bidi marks,
zero-width spaces, joiners, byte-order marks, tags. They stay only inside an emoji sequence, where
they can be seen (👨‍👩‍👧 is three people and two zero-width joiners).

The zero-width non-joiner goes as well. Persian and some Indic scripts spell with it, but Chinese
and English, which the shipped model reads, never do: there it only cuts a word into tokens that
nobody could explain.
"""

from __future__ import annotations

import re
import unicodedata

from attention_core.errors import InputError, KindError

MAX_CHARACTERS = 2000

# Longer than this and a text is refused before any work on it.
_MAX_RAW_CHARACTERS = 1_000_000

# NFC never makes a text shorter than a quarter: no character decomposes into more than four.
_NFC_SHRINKS_AT_MOST = 4

_EMOJI = "\u2190-\u21ff\u231a\u231b\u2328\u23cf\u23e9-\u23fa\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
_JOINER = "\u200d"
_TAG = "\U000e0020-\U000e007f"
_JOINERS_AND_TAGS = re.compile(
    # an emoji, perhaps with the mark "as a picture" (U+FE0F), joined to the next emoji
    f"(?P<kept>(?<=[{_EMOJI}]){_JOINER}(?=[{_EMOJI}])"
    f"|(?<=[{_EMOJI}]\ufe0f){_JOINER}(?=[{_EMOJI}])"
    # the flag of a region such as Scotland: a black flag, its code in tags, the cancel tag
    "|\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f)"
    f"|[{_JOINER}{_TAG}]"
)
_JOINER_OR_TAG = re.compile(f"[{_JOINER}{_TAG}]")


def clean_text(raw: str, *, max_characters: int = MAX_CHARACTERS) -> str:
    """One line of visible text in NFC: single spaces, no control or invisible characters.

    raw             what was typed; lone surrogates become U+FFFD
    max_characters  most characters (code points) that the cleaned text may have
    result          1 … max_characters characters, always encodable in UTF-8;
                    cleaning it again changes nothing

    Raises KindError if `raw` is not a string, and InputError if nothing is left of it
    (`text.empty`) or too much is (`text.too_long`).
    """
    if not isinstance(raw, str):
        raise KindError(
            "text.wrong_type",
            f"The text came as {type(raw).__name__}; a str is expected. Decode bytes first.",
            came=type(raw).__name__,
            expected="str",
        )
    _check_length(len(raw), max_characters, at_most=max(_MAX_RAW_CHARACTERS, max_characters))

    text = _without_invisible(" ".join(_without_surrogates(raw).split()))
    text = " ".join(text.split())
    # Python sorts combining marks by insertion, so normalising a long run of them takes time
    # that grows with its square: refuse here what would be too long in any case.
    _check_length(len(text), max_characters, at_most=_NFC_SHRINKS_AT_MOST * max_characters)
    text = unicodedata.normalize("NFC", text)
    _check_length(len(text), max_characters, at_most=max_characters)
    if not text:
        raise InputError(
            "text.empty",
            f"The text has no visible character ({len(raw)} came). Type at least one.",
            came=len(raw),
        )
    return text


def _check_length(came: int, limit: int, *, at_most: int) -> None:
    if came > at_most:
        raise InputError(
            "text.too_long",
            f"The text has {came} characters; the limit is {limit}. Shorten it.",
            came=came,
            limit=limit,
        )


def _without_surrogates(text: str) -> str:
    """Halves of a character that found each other are joined, the others become U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _without_invisible(text: str) -> str:
    visible = "".join(
        character
        for character in text
        if unicodedata.category(character) not in ("Cc", "Cf") or _JOINER_OR_TAG.match(character)
    )
    return _JOINERS_AND_TAGS.sub(lambda match: match["kept"] or "", visible)
