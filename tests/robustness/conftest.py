"""One watched server for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.robustness.hosting import Hosted, hosted


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    with hosted(tmp_path_factory.mktemp("hosted")) as running:
        yield running
