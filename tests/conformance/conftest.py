"""Stores for the rules about what survives: each test runs on one in memory and on one in a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from actorflow import MemoryStore, SQLiteStore
from actorflow.store import Store
from actorflow.testing import MockClock
from tests.conformance.surviving import Shared

OpenStore: TypeAlias = Callable[[], Store]


@pytest.fixture(params=["memory", "sqlite"])
async def open_store(request: pytest.FixtureRequest, clock: MockClock, tmp_path: Path) -> AsyncIterator[OpenStore]:
    """Gives a store on the same records each time it is called: one for each runtime, as processes have."""
    if request.param == "sqlite":
        yield lambda: SQLiteStore(tmp_path / "runs.db", synchronous="NORMAL", clock=clock)
        return
    async with MemoryStore(clock=clock) as store:
        yield lambda: Shared(store)
