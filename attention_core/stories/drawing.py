"""From the figures and formulas of a story to what a door shows, in one language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import attention_core.figures as figures
from attention_core.figures.drawing import Picture
from attention_core.figures.style import escaped
from attention_core.stories.story import Figure, Line
from attention_core.words import Language, Listed, Named, Say, spoken

# Plotly reads tags in them; the names of rows and columns are escaped where they are drawn.
_TITLES = ("title", "titles")
_RAISED = re.compile(r"</?su[bp]>")  # a title may raise and lower letters; a spoken description cannot


def drawn(figure: Figure, language: Language) -> Picture:
    """The figure, its words in `language`."""
    given = {name: _said(value, language, titled=name in _TITLES) for name, value in figure.given.items()}
    picture: Picture = getattr(figures, figure.kind)(**given)
    return picture


def described(figure: Figure, language: Language) -> str:
    """What the figure shows, in `language`, without the tags of a title."""
    return _RAISED.sub("", spoken(figure.alt, language))


def _said(value: Any, language: Language, *, titled: bool) -> Any:
    if isinstance(value, Say | Named | Listed):
        return spoken(value, language, escaped if titled else str)
    if isinstance(value, Line):
        return figures.Curve(spoken(value.name, language), value.values, **value.look)
    if isinstance(value, tuple | list):
        return type(value)(_said(inner, language, titled=titled) for inner in value)
    return value


def together(formulas: Sequence[str]) -> str:
    """Formulas below each other as one, so that a phone has room for them; "" for none."""
    if len(formulas) < 2:
        return "".join(formulas)
    return r"\begin{gathered}" + r" \\[.5em] ".join(formulas) + r"\end{gathered}"
