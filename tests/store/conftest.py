"""One Postgres server for all tests of stores, started when the first one asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.servers import some_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server."""
    with some_server() as dsn:
        yield dsn
