"""The words that Streamlit itself writes, in the language of the page, and that language in `<html lang>`.

Streamlit has no setting for either: a component that shows nothing finds its words in the page and puts ours there.
The English catalogue holds them exactly as Streamlit writes them.
"""

from __future__ import annotations

import streamlit as st

from ui.i18n import catalogue, current_language
from ui.shell.component import component

_component = component("built_in_words")
_PREFIX = "built_in."
_TAGS = {"zh": "zh-CN", "en": "en"}


def words() -> dict[str, str]:
    """Streamlit's words → those of the session's language; nothing where they are the same."""
    ours, theirs = catalogue(current_language()), catalogue("en")
    return {word: ours[key] for key, word in theirs.items() if key.startswith(_PREFIX) and ours[key] != word}


def translate() -> None:
    """Once a run, before the page, so that its first words are met; takes no room."""
    st.html("<style>.st-key-built-in-words { position: absolute; height: 0; overflow: hidden; }</style>")
    _component(key="built-in-words", data={"language": _TAGS[current_language()], "words": words()}, height="content")
