"""What keeps a runtime's part in its store going, whatever happens in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from actorflow import MemoryStore, Runtime, step, workflow
from actorflow.store import RunRecord
from actorflow.testing import MockClock


class Faulty(MemoryStore):
    """A store that fails in a way that no store should, the first time that it's asked for runs."""

    asked = 0

    async def claim_runs(self, owner: int, **options: Any) -> list[RunRecord]:
        type(self).asked += 1
        if type(self).asked == 1:
            raise ZeroDivisionError
        return await super().claim_runs(owner, **options)


async def test_a_fault_in_a_look_for_runs_is_told_and_the_next_look_comes(
    clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R50: a runtime that stopped looking would lose its lease, and find nothing that others have left."""
    monkeypatch.setattr(Faulty, "asked", 0)

    @step
    async def one() -> int:
        return 1

    @workflow
    def simple() -> int:
        return one()

    with capture_logs() as logs:
        async with Runtime(workflows=[simple], store=Faulty(clock=clock), clock=clock) as runtime:
            await asyncio.sleep(60.0)
            assert await runtime.run(simple) == 1
    assert Faulty.asked > 1
    assert faults(logs) == [ZeroDivisionError]


def faults(logs: Sequence[Any]) -> list[type]:
    return [type(line["exc_info"]) for line in logs if line["event"] == "a fault of the runtime"]
