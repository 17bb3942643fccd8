"""One server for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.driver import running_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_server(tmp_path_factory.mktemp("server")) as address:
        yield address
