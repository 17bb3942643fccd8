"""A training that is killed on its way, and how two runs are held against each other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from training import run_folder
from training.run_folder import RunFolder


class StoppedError(Exception):
    """Stands for a kill."""


def train(
    main: Callable[[], None],
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    assets: Path,
    stop_after: int | None = None,
    run: str = ".",
) -> dict[str, Any]:
    """Runs a training's command in this process; saves at every step, and dies after `stop_after` steps.

    run: where the run is in the folder that `--run` names. Returns its last checkpoint.
    """
    save = RunFolder.save

    def save_and_die(self: RunFolder, state: Mapping[str, Any]) -> None:
        save(self, state)
        if state["step"] == stop_after:
            raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "ASSETS", assets)
        patch.setattr(RunFolder, "due", lambda self, every_s=0.0: True)
        patch.setattr(RunFolder, "save", save_and_die)
        patch.setattr(sys, "argv", ["training", *arguments, "--device", "cpu"])
        if stop_after is None:
            main()
        else:
            with pytest.raises(StoppedError):
                main()
    state = RunFolder(Path(arguments[arguments.index("--run") + 1]) / run).load()
    assert state is not None
    return state


def assert_same(first: Any, second: Any) -> None:
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second)
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first.keys() - {"minutes"}:
            assert_same(first[key], second[key])
    elif isinstance(first, list):
        for left, right in zip(first, second, strict=True):
            assert_same(left, right)
    else:
        assert first == second
