"""The contract, on every store of this package."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actorflow.store import MemoryStore, SQLiteStore, Store
from actorflow.testing.store_contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        async with MemoryStore() as store:
            yield store


class TestSQLiteStore(StoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[Store]:
        async with SQLiteStore(tmp_path / "runs.db", synchronous="NORMAL") as store:
            yield store
        assert [path.name for path in tmp_path.iterdir()] == ["runs.db"]
