"""The first seconds of the server: it answers at once, and gets ready while the first browser still fetches the page.

PyTorch alone takes as long to load as that does, so nothing here loads it before `start`.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback

_ready = threading.Event()
_ready.set()  # where nothing has been started, there is nothing to wait for


def start() -> None:
    """Loads the networks, in a thread of its own, and runs them once."""
    _ready.clear()
    threading.Thread(target=_warm, name="warming", daemon=True).start()


def wait() -> None:
    """Until the server is ready. A run that loads modules beside `start` could come by half of one."""
    _ready.wait()


def _warm() -> None:
    try:
        from ui.inputs import networks

        networks.warm()
    except BaseException:
        traceback.print_exc()
        os.kill(os.getpid(), signal.SIGTERM)  # without its networks it is of no use to anybody
    finally:
        _ready.set()
