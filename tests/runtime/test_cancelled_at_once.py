"""A run that is cancelled before its steps had a turn: they answer all the same, and nobody waits for their grace."""

import asyncio

import pytest

from actorflow import Cancelled, Runtime, Step, step, workflow
from actorflow.testing import MockClock


@step
async def waits(number: int) -> int:
    await asyncio.Event().wait()
    return number


@step
def in_a_thread(number: int) -> int:
    return number


async def passes(number: int) -> None:
    await asyncio.Event().wait()


@step(guards=[passes])
async def guarded(number: int) -> int:
    return number


@pytest.mark.parametrize("body", [waits, in_a_thread, guarded], ids=lambda body: body.name)
async def test_a_run_cancelled_as_it_starts_ends_at_once_and_knows_its_outcome(
    body: Step[[int], object, object], clock: MockClock
) -> None:
    """R12, R25: on Pythons without eager tasks a step's task may be cancelled before its first turn."""

    @workflow
    def one() -> object:
        return body(1)

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(one)
        await run.cancel("changed their mind")
        outcome = await run.outcome()
        assert outcome == Cancelled("changed their mind", "none", (), run.id)
        assert clock.monotonic() == 0
