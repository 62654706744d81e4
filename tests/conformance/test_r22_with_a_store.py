"""R22, R23: undos over restarts."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from actorflow import (
    Failed,
    Fixed,
    Retry,
    Run,
    Runtime,
    StepStatus,
    UndoFailed,
    choose,
    each,
    repeat,
    step,
    step_context,
    workflow,
)
from actorflow.store import decode_turns
from actorflow.testing import MockClock
from actorflow.testing.checking import check_store
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import forever
from tests.conformance.surviving import begin, lapse, taken_over, until

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def act(value: int) -> int:
    SEEN.append(step_context().node)
    return value


@act.undo
async def unact(result: int, value: int) -> None:
    SEEN.append(f"undo {step_context().node}")
    await asyncio.sleep(1)


@step
async def fail(value: object) -> None:
    raise ValueError("no")


@workflow
def inner(value: int) -> int:
    return act(act(value))


@workflow
def once(value: int) -> int:
    return act(value)


@workflow
def nested() -> None:
    first = inner(1)
    items = each([1, 2], act)
    chosen = choose(first, {1: lambda: act(first)}, default=lambda: act(0))
    passed = repeat(once, chosen, at_most=2)
    fail.options(after=[items, passed])(passed)


async def test_each_undo_is_recorded_once_over_restarts(clock: MockClock, open_store: OpenStore) -> None:
    """R22: undone in reverse order of completion, one at a time, recorded exactly once and called at least once, with a runtime dying in each of
    them; nested work is no exception.
    """
    lives = 0
    async with Life(open_store(), clock=clock, workflows=[nested]) as life:
        await begin(life.runtime, nested)
        await until(lambda: any(line.startswith("undo") for line in SEEN))
        life.die()
    done = [line for line in SEEN if not line.startswith("undo")]
    while lives < 30:
        await lapse(clock)
        count = len(SEEN)
        async with Life(open_store(), clock=clock, workflows=[nested]) as life:
            run = await begin(life.runtime, nested)
            await until(partial(moved_on, run, count + 1))
            if run.status() == "failed":
                break
            life.die()
        lives += 1
    undos = [line.removeprefix("undo ") for line in SEEN if line.startswith("undo")]
    once_each = list(dict.fromkeys(undos))
    assert once_each == done[::-1]
    assert lives >= 3
    async with open_store() as store:
        await check_store(store)
        statuses = await store.step_statuses("r")
        assert {statuses[name] for name in done} == {StepStatus.UNDONE}
        kinds = [entry.kind for turns in await told(store) for entry in turns]
        assert kinds.count("StepUndone") == len(done)


def moved_on(run: Run[Any], count: int) -> bool:
    return len(SEEN) > count or run.status() == "failed"


async def told(store: Any) -> list[Any]:
    found = [decode_turns(data) for data in await store.turns("r")]
    return [[*turn.messages, *turn.facts] for turns in found for turn in turns.turns]


async def test_an_undo_that_is_given_up_never_strands_the_rest(clock: MockClock, open_store: OpenStore) -> None:
    """R23, R19: it's recorded, and the rollback goes on, over a restart in its backoff too; the tries count on."""

    @step
    async def stuck(value: int) -> int:
        return value

    @stuck.undo(retry=Retry(attempts=3, backoff=Fixed(10.0)))
    async def unstick(result: int, value: int) -> None:
        SEEN.append("try")
        raise ConnectionError("not now")

    @workflow
    def sticking() -> None:
        fail(stuck(act(1)))

    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, sticking)
        await until(lambda: SEEN.count("try") == 2)
        await asyncio.sleep(1)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[sticking]) as runtime:
        outcome = await (await taken_over(runtime, "r")).outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "incomplete"
    assert SEEN.count("try") == 3
    assert SEEN[-1] == "undo act"
    (given_up,) = [error for error in outcome.error.errors if error.phase == "undo"]
    assert isinstance(given_up.error, UndoFailed)
    async with open_store() as store:
        await check_store(store)


async def test_compensations_are_called_again(clock: MockClock, open_store: OpenStore) -> None:
    """R21, R22: one that was under way is called again with the same exception, before the first undo begins."""

    @step
    async def charge(value: int) -> int:
        raise ValueError("declined")

    @charge.compensate
    async def settle(error: Exception, value: int) -> None:
        SEEN.append(f"settle {error} {step_context().idempotency_key}")
        if SEEN.count(SEEN[-1]) == 1:
            await forever()

    @workflow
    def charging() -> int:
        return charge(act(1))

    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, charging)
        await until(lambda: len(SEEN) == 2)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[charging]) as runtime:
        outcome = await (await taken_over(runtime, "r")).outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "complete"
    line = "settle declined r/charge/compensate"
    assert SEEN == ["act", line, line, "undo act"]
