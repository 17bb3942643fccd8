"""The words of stories, in one catalogue a language, looked up by dotted key.

A message is a text with facts in it, `{share:.0%}`, or a list of pieces. A piece with `when` is said only where the
facts that it names hold; `not` before a name turns it around:

    see = ["Each row sums to 1.", {when = "causal", say = "A token sees only what stands before it."}]

So no door says of a network what is not true of it, and whoever leaves a fact out hears of it.
"""

from __future__ import annotations

import math
import re
import string
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from pathlib import Path
from typing import Any, Literal, get_args

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
_FOLDER = Path(__file__).parent
FINE = "fine%"  # how a message writes a share that may be tiny: {share:fine%}
_BETWEEN: dict[Language, str] = {"zh": "", "en": " "}  # two pieces of a message
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&=^])")
Spelled = Callable[[str], str]  # what a door does to text that somebody typed or a network brought


@dataclass(frozen=True)
class Say:
    """Words that have not been said yet: a message and the facts in it."""

    key: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Named:
    """What is called differently in the two languages, such as a class of photos."""

    en: str
    zh: str


@dataclass(frozen=True)
class Listed:
    """Several one after the other, each two put together by the message `by`."""

    items: Sequence[Words]
    by: str = "words.comma"


Words = str | Say | Named | Listed  # a str is shown as it is: a token, the name of a module


@dataclass(frozen=True)
class Piece:
    """A part of a message, and the facts that have to hold, "not " before those that must not."""

    say: str
    when: tuple[str, ...] = ()


@cache
def catalogue(language: Language) -> dict[str, tuple[Piece, ...]]:
    """All messages of a language by dotted key."""
    messages: dict[str, tuple[Piece, ...]] = {}
    for path in sorted((_FOLDER / language).glob("*.toml")):
        with path.open("rb") as stream:
            _flatten(tomllib.load(stream), path.stem, messages)
    return messages


def _flatten(tree: dict[str, Any], prefix: str, into: dict[str, tuple[Piece, ...]]) -> None:
    for key, value in tree.items():
        name = f"{prefix}.{key}"
        if isinstance(value, dict):
            _flatten(value, name, into)
        else:
            into[name] = tuple(map(_piece, value)) if isinstance(value, list) else (_piece(value),)


def _piece(written: str | dict[str, Any]) -> Piece:
    if isinstance(written, str):
        return Piece(written.strip())
    when = written["when"]
    return Piece(written["say"].strip(), (when,) if isinstance(when, str) else tuple(when))


def needed(key: str, language: Language) -> set[str]:
    """The facts that a message needs: those in its text, and those that decide what of it is said."""
    parse = string.Formatter().parse
    inside = {name for piece in catalogue(language)[key] for _, name, _, _ in parse(piece.say) if name}
    return inside | {fact.removeprefix("not ") for piece in catalogue(language)[key] for fact in piece.when}


def spoken(words: Words, language: Language, spelled: Spelled = str, *, live: bool = False) -> str:
    """Words as text. spelled: what happens to each name in them, so that it is shown as typed where they go.

    live: a fact of the door, whether what it shows can be clicked. Raises `KeyError` for a message that is not there,
    and for one whose facts are not all given.
    """
    return _Speech(language, spelled, live).said(words)


class _Speech(string.Formatter):
    """Puts facts into messages: numbers as a message says, with a true minus sign; names as the door spells them."""

    def __init__(self, language: Language, spelled: Spelled, live: bool) -> None:
        self._language: Language = language
        self._spelled = spelled
        self._live = live

    def said(self, words: Words) -> str:
        """Words of any kind."""
        if isinstance(words, str):
            return self._spelled(words)
        if isinstance(words, Named):
            return self._spelled(getattr(words, self._language))
        if isinstance(words, Listed):
            together = "".join(piece.say for piece in catalogue(self._language)[words.by])
            items = [self.said(item) for item in words.items]
            return reduce(lambda first, second: together.format(first=first, second=second), items or [""])
        pieces = [piece.say for piece in catalogue(self._language)[words.key] if self._holds(piece, words)]
        if words.facts:  # where there are none, braces are those of its formulas
            pieces = [self.vformat(piece, (), words.facts) for piece in pieces]
        return _BETWEEN[self._language].join(pieces)

    def _holds(self, piece: Piece, words: Say) -> bool:
        for fact in piece.when:
            name = fact.removeprefix("not ")
            if name != "live" and name not in words.facts:
                raise KeyError(f"{words.key} cannot be said without the fact {name!r}")
            holds = self._live if name == "live" else bool(words.facts[name])
            if holds == fact.startswith("not "):
                return False
        return True

    def format_field(self, value: Any, format_spec: str) -> str:
        """A fact in its place."""
        if isinstance(value, Words):
            return self.said(value)
        if format_spec == FINE:
            return fine_percentage(value)
        return format(value, format_spec).replace("-", "\N{MINUS SIGN}")


def fine_percentage(share: float) -> str:
    """A share with a digit that is not 0, however small: 45.3%, 0.02%, 0.0004%."""
    percent = 100 * share
    digits = 1 if percent >= 0.1 or percent == 0 else min(8, math.ceil(-math.log10(percent)))
    return f"{percent:.{digits}f}%"


def plain(text: str) -> str:
    """`text` with every character that Markdown would act on escaped, so that it is shown as typed."""
    return _SPECIAL.sub(r"\\\1", text)
