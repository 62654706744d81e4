"""Step runs and runs in every status, for the contract of stores: how they get there, and what is told of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from actorflow.clock import Clock
from actorflow.errors import LeaseExpired, StaleClaim
from actorflow.store import Attempt, NewRun, RunChange, RunRecord, StepRun, StepStatus, Store

RUN = "trip/17 ✈"
STATUSES = list(StepStatus)
CLAIMANTS = [2, 3, 8, 64]


async def claimed(store: Store, step: str = "charge", input: bytes = b"in") -> StepRun:
    """A step that this test has claimed."""
    claim = await store.begin_step(RUN, step, input, worker="w")
    assert claim.decision == "execute"
    return claim.step_run


async def put_into(store: Store, status: StepStatus, step: str = "charge") -> StepRun:
    """A step run in this status, by the shortest way there."""
    if status is StepStatus.PENDING:
        return (await store.schedule_step(RUN, step, b"in")).step_run
    mine = await claimed(store, step)
    if status is StepStatus.RUNNING:
        return mine
    if status is StepStatus.FAILED:
        return await store.fail_step(mine.id, b"bad", token=mine.token)
    done = await store.complete_step(mine.id, b"out", token=mine.token)
    if status is StepStatus.COMPLETED:
        return done
    undo = (await store.begin_undo(RUN, step)).step_run
    if status is StepStatus.UNDONE:
        return await store.complete_undo(undo.id, token=undo.token)
    return undo if status is StepStatus.UNDOING else await store.fail_undo(undo.id, b"stuck", token=undo.token)


async def refused_as_stale(store: Store, write: Awaitable[StepRun], before: StepRun) -> None:
    """The write is refused, says the current status, and changes nothing."""
    with pytest.raises(StaleClaim) as caught:
        await write
    assert caught.value.status == before.status
    assert await store.get_step_run(RUN, before.step) == before


def all_ends(store: Store, id: str, token: int | None) -> list[tuple[StepStatus, Callable[[], Awaitable[StepRun]]]]:
    """Every write that ends a claim, with the status that it's for."""
    return [
        (StepStatus.RUNNING, lambda: store.complete_step(id, b"other", token=token)),
        (StepStatus.RUNNING, lambda: store.fail_step(id, b"other", token=token)),
        (StepStatus.UNDOING, lambda: store.fail_undo(id, b"other", token=token)),
        (StepStatus.UNDOING, lambda: store.complete_undo(id, token=token)),
    ]


def told(attempt: Attempt) -> tuple[int, str, str, str | None, bytes | None]:
    """What an attempt tells, but for its times."""
    return attempt.number, attempt.phase, attempt.worker, attempt.outcome, attempt.error


# ── runs that somebody has ────────────────────────────────────────────────────────────────────────────────────────────

LEASE = 30.0


class StoreClock(Clock):
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_900_000_000.0

    def time(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds


async def opened(store: Store, run_id: str, owner: int, **more: Any) -> RunRecord:
    """A new run of `owner`'s."""
    given: dict[str, Any] = {"workflow": "book", "inputs": b"in", **more}
    answer = await store.open_run(NewRun(run_id, **given), owner=owner)
    assert answer.is_new
    return answer.run


async def ended(store: Store, run_id: str, owner: int, status: str = "succeeded", **more: Any) -> RunRecord:
    """A run that has ended, with its first turns."""
    run = await opened(store, run_id, owner, **more)
    await store.append(run_id, owner=owner, sequence=1, turns=b"t1", change=RunChange(status, b"result"))
    return await store.get_run(run.run_id)


async def lost_its_lease(store: Store, owner: int, asked: Awaitable[object]) -> None:
    """The write is refused, and says whose it was."""
    before = await store.list_runs()
    with pytest.raises(LeaseExpired) as caught:
        await asked
    assert caught.value.owner == owner
    assert await store.list_runs() == before
