"""Choices that stand in the link: rows of buttons, and lists where there are many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import streamlit as st

from attention_core.models.tokenization import numbered
from attention_core.words import plain
from ui.shell import url_state

Option = TypeVar("Option", bound=str | int)
MOST_PILLS = 48
_MARK = "\N{WORD JOINER}"


def choose(
    key: str,
    options: Collection[Option],
    *,
    label: str,
    name: Callable[[Option], str],
    default: Option | None = None,
    note: str | None = None,
) -> Option:
    """Draws the row and returns the choice.

    key: of the widget and in the link; name: what an option is called in the session's language; default: the first
    option where it is None; note: the help beside the label.
    """
    chosen = url_state.put_choice(key, options, default)
    listed = [*options]
    names = dict(zip(listed, told_apart([name(option) for option in listed]), strict=True))
    st.segmented_control(
        label,
        listed,
        format_func=names.__getitem__,
        key=key,
        required=True,
        wrap=True,  # in a column, Streamlit would cut a long row off
        persist_state="session",
        help=note,
    )
    return chosen


def choose_number(
    key: str, count: int, *, label: str, note: str, default: int = 0, most_buttons: int | None = None
) -> int:
    """A layer, a head: counted from 0, shown counted from 1. most_buttons: beyond, it is a list."""

    def name(index: int) -> str:
        return f"{index + 1}"

    if most_buttons is None or count <= most_buttons:
        return choose(key, range(count), label=label, name=name, default=default, note=note)
    chosen = url_state.put_choice(key, range(count), default)
    st.selectbox(label, range(count), format_func=name, key=key, persist_state="session", help=note)
    return chosen


def choose_word(key: str, texts: Sequence[str], *, label: str, note: str) -> None:
    """One of the words or tokens of a text, by its place: a row of buttons, or a list where they are many.

    `key` has been bound before. texts: as typed; where several are equal, buttons carry their places.
    """
    places = range(len(texts))
    if len(texts) <= MOST_PILLS:
        names = [plain(name) for name in numbered(texts)]
        st.pills(
            label, places, format_func=names.__getitem__, key=key, required=True, persist_state="session", help=note
        )
    else:
        st.selectbox(
            label,
            places,
            format_func=lambda place: f"{place + 1}: {texts[place]}",
            key=key,
            persist_state="session",
            help=note,
        )


def told_apart(names: Sequence[str]) -> list[str]:
    """The same names, those that come again with invisible marks at their end.

    Streamlit knows an option by its name: of two that are called alike, a click on one would choose the other.
    """
    times: Counter[str] = Counter()
    different = []
    for name in names:
        different.append(name + _MARK * times[name])
        times[name] += 1
    return different
