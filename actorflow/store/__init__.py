"""What is recorded of runs, and how values become bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorflow.doors import loads_later

if TYPE_CHECKING:
    from actorflow.store.base import Attempt, Claim, Scheduled, StepRun, StepRunStore, StepStatus, Store
    from actorflow.store.codec import Codec
    from actorflow.store.face import StoreFace
    from actorflow.store.journal import Entry, Turn, Turns, decode_turns, encode_turns
    from actorflow.store.memory import MemoryStore
    from actorflow.store.postgres import PostgresStore
    from actorflow.store.requests import (
        Append,
        ClaimRuns,
        DeleteRun,
        GetRun,
        ListMessages,
        ListRuns,
        ListSchedules,
        OpenRun,
        Post,
        ReadTurns,
        ReleaseRun,
        Renew,
        Request,
        TakeNote,
    )
    from actorflow.store.runs import (
        NewRun,
        Note,
        Opened,
        RunChange,
        RunMessage,
        RunPage,
        RunRecord,
        RunStore,
        RuntimeRecord,
        ScheduleRecord,
    )
    from actorflow.store.sealing import Seal, is_sealed
    from actorflow.store.sqlite import SQLiteStore
    from actorflow.store.vacuum import vacuum_postgres, vacuum_sqlite
else:
    __getattr__ = loads_later(
        __name__,
        base="Attempt Claim Scheduled StepRun StepRunStore StepStatus Store",
        codec="Codec",
        face="StoreFace",
        journal="Entry Turn Turns decode_turns encode_turns",
        memory="MemoryStore",
        postgres="PostgresStore",
        requests=(
            "Append ClaimRuns DeleteRun GetRun ListMessages ListRuns ListSchedules OpenRun Post ReadTurns ReleaseRun Renew "
            "Request TakeNote"
        ),
        runs="NewRun Note Opened RunChange RunMessage RunPage RunRecord RunStore RuntimeRecord ScheduleRecord",
        sealing="Seal is_sealed",
        sqlite="SQLiteStore",
        vacuum="vacuum_postgres vacuum_sqlite",
    )

__all__ = [
    "Append",
    "Attempt",
    "Claim",
    "ClaimRuns",
    "Codec",
    "DeleteRun",
    "Entry",
    "GetRun",
    "ListMessages",
    "ListRuns",
    "ListSchedules",
    "MemoryStore",
    "NewRun",
    "Note",
    "OpenRun",
    "Opened",
    "Post",
    "PostgresStore",
    "ReadTurns",
    "ReleaseRun",
    "Renew",
    "Request",
    "RunChange",
    "RunMessage",
    "RunPage",
    "RunRecord",
    "RunStore",
    "RuntimeRecord",
    "SQLiteStore",
    "ScheduleRecord",
    "Scheduled",
    "Seal",
    "StepRun",
    "StepRunStore",
    "StepStatus",
    "Store",
    "StoreFace",
    "TakeNote",
    "Turn",
    "Turns",
    "decode_turns",
    "encode_turns",
    "is_sealed",
    "vacuum_postgres",
    "vacuum_sqlite",
]
