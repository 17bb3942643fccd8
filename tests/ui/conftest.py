"""What the tests of pages on networks of others share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ui.inputs import photo_networks, text_networks, translators
from ui.shell import settings


@pytest.fixture(scope="module")
def nothing_kept() -> None:
    """A network of the same name in the folder of another module is another one."""
    for store in (text_networks.store, photo_networks.store, translators.store):
        store.clear()


@pytest.fixture
def networks_here(folder: Path, nothing_kept: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The app finds the networks in `folder`, which the module of the test fills."""
    monkeypatch.setenv("ATTENTION_MODELS_FOLDER", str(folder))
    settings.settings.cache_clear()
    yield
    settings.settings.cache_clear()
