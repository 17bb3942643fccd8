"""Memory of a process with many threads that come and go."""

from __future__ import annotations

import ctypes
import sys

_M_ARENA_MAX = -8  # malloc.h of glibc


def share_arenas(most: int = 2) -> None:
    """From now on all threads take their memory from so many arenas; where malloc has none, nothing changes.

    glibc gives a thread an arena of its own while there are fewer than eight a core, and what is freed stays with its
    arena: where each visitor's page runs in a thread of its own, the process grows by what each arena once needed.
    Python runs one thread at a time, so that they seldom meet at one of two.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, most)
