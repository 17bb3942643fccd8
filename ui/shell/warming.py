"""The first seconds of the server: it answers at once, and gets ready while the first browser still fetches the page.

PyTorch alone takes as long to load as that does, so nothing here loads it before `start`.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable

_ready = threading.Event()
_ready.set()  # where nothing has been started, there is nothing to wait for


def start(get_ready: Callable[[], None]) -> None:
    """Runs `get_ready` in a thread of its own; a server whose networks cannot be loaded says why and ends."""
    _ready.clear()
    threading.Thread(target=_warm, args=[get_ready], name="warming", daemon=True).start()


def wait() -> None:
    """Until the server is ready. A run that loads modules beside `start` could come by half of one."""
    _ready.wait()


def _warm(get_ready: Callable[[], None]) -> None:
    try:
        get_ready()
    except BaseException:
        traceback.print_exc()
        os.kill(os.getpid(), signal.SIGTERM)  # without its networks it is of no use to anybody
    finally:
        _ready.set()
