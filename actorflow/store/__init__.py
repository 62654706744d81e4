"""What is recorded of runs, and how values become bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorflow.doors import loads_later

if TYPE_CHECKING:
    from actorflow.store.base import (
        Attempt,
        Claim,
        RunRecord,
        Scheduled,
        StepRun,
        StepRunStore,
        StepStatus,
        Store,
    )
    from actorflow.store.codec import Codec
    from actorflow.store.memory import MemoryStore
    from actorflow.store.postgres import PostgresStore
    from actorflow.store.sqlite import SQLiteStore
else:
    __getattr__ = loads_later(
        __name__,
        base="Attempt Claim RunRecord Scheduled StepRun StepRunStore StepStatus Store",
        codec="Codec",
        memory="MemoryStore",
        postgres="PostgresStore",
        sqlite="SQLiteStore",
    )

__all__ = [
    "Attempt",
    "Claim",
    "Codec",
    "MemoryStore",
    "PostgresStore",
    "RunRecord",
    "SQLiteStore",
    "Scheduled",
    "StepRun",
    "StepRunStore",
    "StepStatus",
    "Store",
]
