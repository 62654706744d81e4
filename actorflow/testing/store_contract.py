"""What every store must do (R45 to R47), as tests that any store can be held to: our own three, and yours.

    class TestMyStore(StoreContract):
        @pytest.fixture
        async def store(self, tmp_path):
            async with MyStore(tmp_path / "my.db") as store:
                yield store

`store` is entered, and empty.
"""

from __future__ import annotations

import pytest

from actorflow.store import Store
from actorflow.testing.plugin import _async_fixture
from actorflow.testing.store_claims import ClaimContract
from actorflow.testing.store_ends import EndContract
from actorflow.testing.store_states import RUN
from actorflow.testing.store_undo import UndoContract


@pytest.mark.asyncio
class StoreContract(ClaimContract, EndContract, UndoContract):
    """Subclass it, and give it the fixture `store`: a store that is entered, and empty."""

    @_async_fixture
    async def run(self, store: Store) -> str:
        """The id of a run that is recorded."""
        return (await store.create_run(run_id=RUN, workflow="book", inputs=b"")).run_id
