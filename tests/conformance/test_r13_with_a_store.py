"""R13, R14: exceptions and counts of attempts after a restart."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from actorflow import (
    AttemptsExhausted,
    Cancelled,
    Failed,
    RecordedFailure,
    Retry,
    RunFailed,
    Runtime,
    TryAgain,
    failed_with,
    failure,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import forever
from tests.conformance.surviving import begin, lapse, taken_over, told_more, until

SEEN: list[object] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@failure
class CardDeclined(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code


class Unregistered(CardDeclined):
    """Nobody knows it after a restart."""


@step
async def charge(registered: bool) -> str:
    try:
        raise ConnectionError("cut off")
    except ConnectionError as cause:
        error = (CardDeclined if registered else Unregistered)(7, "no money")
        error.add_note("try another card")
        raise error from cause


@charge.compensate
async def settle(error: Exception, registered: bool) -> None:
    SEEN.append(error)
    if len(SEEN) == 1:
        await forever()


@workflow
def charging(registered: bool) -> str:
    return charge(registered)


@pytest.mark.parametrize("registered", [True, False])
async def test_a_compensation_gets_the_exception_that_was_recorded(
    clock: MockClock, open_store: OpenStore, *, registered: bool
) -> None:
    """R13: after a restart it is rebuilt if its class is registered, else it's a `RecordedFailure`; `failed_with` answers the same either way."""
    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, charging, registered)
        await until(lambda: SEEN)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[charging]) as runtime:
        outcome = await (await taken_over(runtime, "r")).outcome()
    here, there = SEEN
    assert isinstance(here, CardDeclined) and isinstance(there, Exception)
    for error in (here, there):
        assert failed_with(error, CardDeclined) and failed_with(error, "CardDeclined")
        assert failed_with(error, Unregistered) is not registered
        assert error.__notes__ == ["try another card"]
        assert isinstance(error.__cause__, ConnectionError)
    if registered:
        assert type(there) is CardDeclined and there.code == 7 and there.args == (7, "no money")
    else:
        assert isinstance(there, RecordedFailure)
        assert there.type.endswith("Unregistered") and "no money" in there.message and "raise error" in there.traceback
    assert isinstance(outcome, Failed)
    assert failed_with(outcome.error.errors[0].error, CardDeclined)


@pytest.mark.parametrize("registered", [True, False])
async def test_an_outcome_has_the_errors_that_were_recorded(
    clock: MockClock, open_store: OpenStore, *, registered: bool
) -> None:
    """R13, R24: `RunFailed` from the store is caused by the step's own exception, and carries every error, with node, phase, attempt."""
    SEEN.append("no waiting")
    async with Runtime(store=open_store(), clock=clock) as runtime:
        first = await (await begin(runtime, charging, registered)).outcome()
    async with Runtime(store=open_store(), clock=clock) as runtime:
        second = await (await begin(runtime, charging, registered)).outcome()
    assert isinstance(first, Failed) and isinstance(second, Failed)
    assert second.error.__cause__ is not None
    assert failed_with(second.error.__cause__, CardDeclined)
    assert [(e.node, e.phase, e.attempt) for e in second.error.errors] == [("charge", "run", 1)]
    assert (second.rollback, second.run_id) == (first.rollback, first.run_id)


async def test_what_on_says_is_decided_before_recording(clock: MockClock, open_store: OpenStore) -> None:
    """R13, R14: an exception that nobody can rebuild is tried again where `on=` named it, though its runtime died meanwhile."""

    @step(retry=Retry(attempts=2, on=(Unregistered,)))
    async def shaky() -> str:
        SEEN.append(step_context().attempt)
        if len(SEEN) == 1:
            raise Unregistered(1, "no")
        return "there"

    @workflow
    def shaking() -> str:
        return shaky()

    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, shaking)
        await until(lambda: SEEN, seconds=0.25)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[shaking]) as runtime:
        assert await (await begin(runtime, shaking)).result() == "there"
    assert SEEN == [1, 2]


async def test_the_count_survives_a_restart(clock: MockClock, open_store: OpenStore) -> None:
    """R14: the count of attempts survives a restart: a step fails for good after as many tries as without one."""

    @step(retry=Retry(attempts=4))
    async def trying() -> str:
        SEEN.append(step_context().attempt)
        raise TryAgain("not yet", after=10)

    @workflow
    def tries() -> str:
        return trying()

    for number in (1, 2, 3):
        async with Life(open_store(), clock=clock, workflows=[tries]) as life:
            await begin(life.runtime, tries)
            await until(partial(told_more, SEEN, number - 1))
            await asyncio.sleep(0.5)
            life.die()
        await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[tries]) as runtime:
        with pytest.raises(RunFailed) as failed:
            await (await begin(runtime, tries)).result()
    assert SEEN == [1, 2, 3, 4]
    assert isinstance(failed.value.__cause__, AttemptsExhausted)
    assert "not yet" in str(failed.value.__cause__)


async def test_within_counts_from_the_first_attempt(clock: MockClock, open_store: OpenStore) -> None:
    """R14: `within=` bounds attempts and waits together, the time between two runtimes included."""

    @step(retry=Retry(attempts=None, within=60.0))
    async def trying() -> str:
        SEEN.append(round(clock.monotonic()))
        raise TryAgain("not yet", after=20)

    @workflow
    def tries() -> str:
        return trying()

    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, tries)
        await asyncio.sleep(1)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[tries]) as runtime:
        with pytest.raises(RunFailed):
            await (await begin(runtime, tries)).result()
    assert SEEN in ([0, 32, 52], [0, 33, 53])


async def test_the_reason_of_a_cancel_comes_back(clock: MockClock, open_store: OpenStore) -> None:
    """R13, R27: outcomes of other kinds come back as they were."""

    @step
    async def stand() -> None:
        await forever()

    @workflow
    def standing() -> None:
        stand()

    async with Runtime(store=open_store(), clock=clock) as runtime:
        run = await begin(runtime, standing)
        await run.cancel("the customer called")
        first = await run.outcome()
    async with Runtime(store=open_store(), clock=clock) as runtime:
        again = await (await begin(runtime, standing)).outcome()
    assert isinstance(first, Cancelled) and again == first
