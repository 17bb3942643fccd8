"""`pip install .` gives a typed `attention_core` with its weights."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_installed_outside_the_clone_it_loads_its_weights(tmp_path: Path) -> None:
    target = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", target, ROOT],
        check=True,
        cwd=tmp_path,
    )
    assert (target / "attention_core" / "py.typed").exists()
    code = (
        "import attention_core, pathlib\n"
        "trace = attention_core.load_text_model().trace('我吃柠檬')\n"
        "assert [t.text for t in trace.tokens if not t.special] == list('我吃柠檬')\n"
        "attention_core.load_vision_model('se')\n"
        "print(pathlib.Path(attention_core.__file__).parent)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == str(target / "attention_core")
