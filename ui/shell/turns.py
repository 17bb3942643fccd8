"""What all sessions do at once: runs of pages, a few at a time, and long computations, one after the other.

Whoever waits may go away; who waits for a long computation is told so.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

from attention_core.errors import BusyError
from attention_core.runtime.lanes import Lanes
from attention_core.runtime.runs import Runs
from ui.i18n import explain, t

Taken = ParamSpec("Taken")
Given = TypeVar("Given")
RUN_SECONDS = 0.25  # that a run may take before its place is given to the next: several times what most take
MOST_WAITING = 100  # a hall that asks at once; beyond, the line itself would be a load


@st.cache_resource(show_spinner=False)
def lanes() -> Lanes:
    """One core is left to what is short."""
    return Lanes(max(1, _cores() - 1), MOST_WAITING)


@st.cache_resource(show_spinner=False)
def runs() -> Runs:
    """One a core: Python itself does one thing at a time, and a second run goes on where the first one is in torch."""
    return Runs(_cores(), RUN_SECONDS)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_of_few() -> AbstractContextManager[None]:
    """Around the run of a page, or of a part of it alone."""
    return runs().run(_still_wanted)


def in_turn(compute: Callable[Taken, Given]) -> Callable[Taken, Given]:
    """Decorates a long computation whose result is cached, below `st.cache_resource`: who asks the same waits once.

    It is given all that is cached itself, and asks for none of it: in a lane, nobody waits for anybody.
    """

    @wraps(compute)
    def computed(*args: Taken.args, **kwargs: Taken.kwargs) -> Given:
        runs().step_aside()
        with lanes().lane(_still_wanted):
            return compute(*args, **kwargs)

    return computed


def _still_wanted() -> None:
    """Streamlit ends a script that nobody wants any more, or that is to run anew, when that looks at its session."""
    _ = "lang" in st.session_state


def said(key: str, **values: object) -> str:
    """The message `key`, of a long computation that begins; where others' come first, how many."""
    ahead = lanes().ahead
    return t("frame.queued", ahead=ahead) if ahead else t(key, **values)


def working(key: str = "frame.working") -> AbstractContextManager[None]:
    """Says that something is being computed, where that takes long enough to be noticed. key: of the message."""
    return st.spinner(said(key))


def too_many(error: BusyError) -> None:
    """Instead of the rest of a page: why it is not there, and how to come by it."""
    st.warning(explain(error), icon=":material/hourglass_top:")
    st.button(t("frame.again"), icon=":material/refresh:")
