"""What every store must do (R45 to R51), as tests that any store can be held to: our own three, and yours.

    class TestMyStore(StoreContract):
        @pytest.fixture
        async def store(self, tmp_path, store_clock):
            async with MyStore(tmp_path / "my.db", clock=store_clock) as store:
                yield store

`store` is entered, and empty, and takes its time from `store_clock`.
"""

from __future__ import annotations

import pytest

from actorflow.store import Store
from actorflow.testing.plugin import _async_fixture
from actorflow.testing.store_claims import ClaimContract
from actorflow.testing.store_ends import EndContract
from actorflow.testing.store_leases import LeaseContract
from actorflow.testing.store_lists import ListContract
from actorflow.testing.store_projection import ProjectionContract
from actorflow.testing.store_runs import RunContract
from actorflow.testing.store_schedules import ScheduleContract
from actorflow.testing.store_states import LEASE, RUN, StoreClock
from actorflow.testing.store_turns import TurnContract
from actorflow.testing.store_undo import UndoContract


@pytest.mark.asyncio
class StoreContract(
    ClaimContract,
    EndContract,
    UndoContract,
    RunContract,
    ListContract,
    LeaseContract,
    TurnContract,
    ProjectionContract,
    ScheduleContract,
):
    """Subclass it, and give it the fixture `store`: a store that is entered, and empty, with `store_clock` for its clock."""

    @_async_fixture
    async def run(self, store: Store) -> str:
        """The id of a run that is recorded."""
        return (await store.create_run(run_id=RUN, workflow="book", inputs=b"")).run_id

    @pytest.fixture
    def store_clock(self) -> StoreClock:
        """The store's time: it passes when a test says so."""
        return StoreClock()

    @_async_fixture
    async def one(self, store: Store) -> int:
        """The number of a runtime that has joined."""
        return await store.join("one", lease=LEASE)

    @_async_fixture
    async def two(self, store: Store) -> int:
        """The number of another one."""
        return await store.join("two", lease=LEASE * 100)
