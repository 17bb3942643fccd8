"""What the text pages open on in each language: the sentence, head and token that were measured to show most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from attention_core.models import registry
from attention_core.models.text import TextTrace
from ui.i18n import LANGUAGES, current_language
from ui.inputs import text_networks

Kind = Literal["alone", "pair"]
# What somebody may want to try beside them: a long sentence, for networks that write; the other language's own.
LONG = "The old man who lives next door plays the piano."


@dataclass(frozen=True)
class Opening:
    """A sentence with its translation; layer, head and position of the followed token count from 0."""

    text: str
    translation: str
    layer: int
    head: int
    position: int


@st.cache_resource(show_spinner=False)
def _measured() -> dict[str, dict[str, Opening]]:
    return {
        language: {kind: Opening(**found) for kind, found in kinds.items()}
        for language, kinds in registry.openings().items()
    }


def opening(kind: Kind, language: str = "") -> Opening:
    """That of a sentence by itself, or beside its translation; by default in the session's language."""
    return _measured()[language or current_language()][kind]


def examples() -> list[tuple[str, str]]:
    """Sentences with their translations, "" for none, the page's own language first: what opens alone, the same with
    its translation, what opens as a pair, a long one, and what opens in the other language."""
    alone, pair = opening("alone"), opening("pair")
    others = [opening("alone", language) for language in LANGUAGES if language != current_language()]
    return [
        (alone.text, ""),
        (alone.text, alone.translation),
        (pair.text, pair.translation),
        (LONG, ""),
        *((other.text, other.translation) for other in others),
    ]


def shown(trace: TextTrace, *kinds: Kind) -> Opening | None:
    """The opening (of these kinds; none: of any) that `trace` is of, alone or with its translation; None for another
    sentence or network."""
    if not text_networks.current().shipped:
        return None
    for language in _measured().values():
        for kind, found in language.items():
            if (not kinds or kind in kinds) and found.text == trace.text and trace.pair in (None, found.translation):
                return found
    return None
