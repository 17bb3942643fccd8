"""A row of buttons whose choice stands in the link."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

import streamlit as st

from ui import url_state

Option = TypeVar("Option", bound=str | int)


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
    st.segmented_control(
        label,
        [*options],
        format_func=name,
        key=key,
        required=True,
        persist_state="session",
        help=note,
    )
    return chosen
