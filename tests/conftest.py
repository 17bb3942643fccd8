"""What all tests share."""

from __future__ import annotations

import os

# Tests run side by side, one process a core: a process that used all cores would only wait for the others. Set before
# torch is imported, and passed on to the servers that the browser tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
