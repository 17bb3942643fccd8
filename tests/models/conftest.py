"""What the tests of both networks share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.steady import one_core

__all__ = ["one_core"]


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for what is fetched: nothing that somebody has fetched before may answer in a test."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
