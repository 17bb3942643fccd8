"""A row of buttons whose choice stands in the link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import streamlit as st

from ui.shell import url_state

Option = TypeVar("Option", bound=str | int)
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
