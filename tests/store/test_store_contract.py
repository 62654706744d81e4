"""The contract, on every store of this package."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actorflow.store import MemoryStore, PostgresStore, SQLiteStore, Store
from actorflow.testing.store_contract import StoreContract
from actorflow.testing.store_states import StoreClock
from tests.store.servers import empty


class TestMemoryStore(StoreContract):
    @pytest.fixture
    async def store(self, store_clock: StoreClock) -> AsyncIterator[Store]:
        async with MemoryStore(clock=store_clock) as store:
            yield store


class TestSQLiteStore(StoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path, store_clock: StoreClock) -> AsyncIterator[Store]:
        async with SQLiteStore(tmp_path / "runs.db", synchronous="NORMAL", clock=store_clock) as store:
            yield store
        assert [path.name for path in tmp_path.iterdir()] == ["runs.db"]


class TestPostgresStore(StoreContract):
    @pytest.fixture
    async def store(self, postgres: str, store_clock: StoreClock) -> AsyncIterator[Store]:
        async with PostgresStore(postgres, clock=store_clock) as store:
            await empty(store)
            yield store
