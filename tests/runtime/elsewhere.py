"""Halts runs in one runtime, and resumes them in another."""

from __future__ import annotations

from typing import Any

import msgspec

from actorflow import Halted, Outcome, Workflow
from actorflow.facts import SnapshotFailed
from actorflow.runtime.snapshot_records import Snapshot
from actorflow.testing import MockClock, Recorder, open_runtime


async def halted(workflow: Workflow[..., Any], *inputs: Any, **options: Any) -> bytes:
    """The snapshot of a run that halts."""
    outcome = await first_outcome(workflow, *inputs, **options)
    assert isinstance(outcome, Halted), outcome
    assert outcome.snapshot is not None
    return outcome.snapshot


async def first_outcome(workflow: Workflow[..., Any], *inputs: Any, **options: Any) -> Outcome[Any]:
    async with open_runtime(clock=MockClock()) as runtime:
        return await (await runtime.options(**options).start(workflow, *inputs)).outcome()


async def why_not(workflow: Workflow[..., Any], *inputs: Any) -> str:
    """What the event says of a halted run that has no snapshot; it's resumed here all the same."""
    async with open_runtime(clock=MockClock(), values="shared") as runtime:
        recorder = Recorder(runtime)
        run = await runtime.start(workflow, *inputs)
        outcome = await run.outcome()
        assert isinstance(outcome, Halted), outcome
        assert outcome.snapshot is None
        await (await runtime.resume(workflow, run.id)).result()
        return next(fact.message for fact in recorder.facts if isinstance(fact, SnapshotFailed))


async def resumed(workflow: Workflow[..., Any], snapshot: bytes, **how: Any) -> Outcome[Any]:
    """How it ends in another runtime."""
    async with open_runtime(clock=MockClock()) as runtime:
        return await (await runtime.resume(workflow, snapshot, **how)).outcome()


def read(snapshot: bytes) -> Snapshot:
    return msgspec.msgpack.decode(snapshot, type=Snapshot)
