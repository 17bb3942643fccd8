"""The words of the app beside its stories: one catalogue a language, looked up by dotted key."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache, reduce
from pathlib import Path

import streamlit as st

from attention_core import words
from attention_core.errors import AttentionCoreError
from attention_core.words import LANGUAGES, Language, Words, spoken

__all__ = [
    "LANGUAGES",
    "LANGUAGE_NAMES",
    "Language",
    "browser_language",
    "catalogue",
    "current_language",
    "explain",
    "joined",
    "say",
    "t",
]
LANGUAGE_NAMES: dict[Language, str] = {"zh": "中文", "en": "English"}
_FOLDER = Path(__file__).parent


@cache
def catalogue(language: Language) -> dict[str, str]:
    """All messages of a language by dotted key: the app's own, and of the stories' those that always hold."""
    told = words.catalogue(language).items()
    messages = {key: pieces[0].say for key, pieces in told if len(pieces) == 1 and not pieces[0].when}
    for path in sorted((_FOLDER / language).glob("*.toml")):
        with path.open("rb") as stream:
            _flatten(tomllib.load(stream), path.stem, messages)
    return messages


def _flatten(tree: dict[str, object], prefix: str, into: dict[str, str]) -> None:
    for key, value in tree.items():
        name = f"{prefix}.{key}"
        if isinstance(value, dict):
            _flatten(value, name, into)
        else:
            into[name] = str(value).strip()


def browser_language() -> Language:
    """Chinese for a browser that asks for any kind of it, else English."""
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"


def current_language() -> Language:
    """The language of this session."""
    chosen = st.session_state.get("lang")
    return chosen if chosen in LANGUAGES else browser_language()


def t(key: str, /, **values: object) -> str:
    """The message of `key` in the session's language, with `values` put in. A missing key is a `KeyError`."""
    message = catalogue(current_language())[key]
    return message.format(**values) if values else message


def say(words: Words) -> str:
    """Words of a story in the session's language, as plain text."""
    return spoken(words, current_language())


def joined(key: str, words: Sequence[str]) -> str:
    """The words one after the other, each two put together by the message `key`."""
    return reduce(lambda first, second: t(key, first=first, second=second), words or [""])


def explain(error: AttentionCoreError) -> str:
    """An error in the session's language; in English where the catalogue has no word for it."""
    message = catalogue(current_language()).get(f"errors.{error.key}")
    return message.format(**_translated(error.values)) if message else str(error)


def _translated(values: dict[str, object]) -> dict[str, object]:
    # Some values are words themselves ("text", "video"): translate those that the catalogue knows.
    words = catalogue(current_language())
    return {name: words.get(f"errors.words.{value}", value) for name, value in values.items()}
