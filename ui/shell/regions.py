"""Parts of a page that their own controls draw anew, while the rest of the page stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

from ui.shell import url_state
from ui.shell.turns import run_of_few

Taken = ParamSpec("Taken")
Given = TypeVar("Given")
EXPORT, SHARE = "export", "share"  # the boxes that take in what the whole page shows: keys of the session


def region(*keys: str) -> Callable[[Callable[Taken, Given]], Callable[Taken, Given]]:
    """Decorates the function that draws such a part. keys: the values of the link that only the part depends on.

    The function draws in its place, into no container from outside. A change of any other value there, such as a click
    that chooses another head, runs the page as a whole; and so does every change while a box is open that takes in
    what the whole page shows.
    """

    def decorate(draw: Callable[Taken, Given]) -> Callable[Taken, Given]:
        @st.fragment
        @wraps(draw)
        def drawn(*args: Taken.args, **kwargs: Taken.kwargs) -> Given:
            if url_state.running():  # the whole page, or a larger part around this one
                return draw(*args, **kwargs)
            if url_state.moved() - {*keys} or any(st.session_state.get(box) for box in (EXPORT, SHARE)):
                st.rerun()
            with run_of_few(), url_state.alone(keys):
                return draw(*args, **kwargs)

        return drawn

    return decorate


@st.fragment(run_every=timedelta(days=1))
def outlive_the_connection() -> None:
    """Draws nothing; call it once in the run of a page that may have regions.

    A browser that has lost its connection gets another session where the server has begun anew or another one answers.
    That session knows no part of the page yet: it would ignore each click in a region, for good. Only where something
    on the page runs at intervals, however long, does Streamlit's page ask for a run of its own once it is back.
    """
