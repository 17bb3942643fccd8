"""How many arenas the threads of a process come to use, counted by malloc itself."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

THREADS = """
import ctypes, sys, threading
from ui.shell.arenas import share_arenas

if sys.argv[1:]:
    share_arenas(int(sys.argv[1]))
everybody = threading.Barrier(12)

def work():
    everybody.wait()
    kept = [bytes(2000) for _ in range(1000)]
    everybody.wait()

threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


def arenas(*most: str) -> int:
    said = subprocess.run([sys.executable, "-c", THREADS, *most], capture_output=True, text=True, check=True)
    return said.stdout.count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
def test_threads_share_as_many_as_they_are_told() -> None:
    assert arenas() > 4
    assert arenas("2") <= 2
