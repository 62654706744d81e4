"""R49: an irreversible step that was in flight at a crash is set aside for a person."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest

from actorflow import (
    Failed,
    Halted,
    InvalidState,
    OutcomeUnknown,
    Recover,
    Runtime,
    Skip,
    Succeeded,
    failed_with,
    step,
    step_context,
    workflow,
)
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
async def reserve() -> str:
    SEEN.append("reserve")
    return "seat"


@reserve.undo
async def release(seat: str) -> None:
    SEEN.append("release")


async def work(name: str) -> str:
    attempt = step_context().attempt
    SEEN.append(f"{name} {attempt}")
    return await forever() if attempt == 1 else "paid"


@step(irreversible=True)
async def pay(seat: str) -> str:
    return await work("pay")


@workflow
def paying() -> str:
    return pay(reserve())


@step(irreversible=True)
async def charge(seat: str) -> str:
    return await work("charge")


@charge.compensate
async def settle(error: Exception, seat: str) -> Recover[str] | None:
    SEEN.append(f"settle {type(error).__name__}")
    return None


@workflow
def charging() -> str:
    return charge(reserve())


async def die_while_paying(workflow: Any, open_store: OpenStore, clock: MockClock) -> None:
    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, workflow)
        await until(lambda: len(SEEN) == 2)
        await asyncio.sleep(1)
        life.die()
    await lapse(clock)


async def test_it_is_not_run_again_by_itself(clock: MockClock, open_store: OpenStore) -> None:
    """R49: the run is taken over and set aside: halted, and it says by which steps; whoever waits is told so."""
    await die_while_paying(paying, open_store, clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[paying]) as runtime:
        outcome = await (await taken_over(runtime, "r")).outcome()
        assert isinstance(outcome, Halted)
        assert (outcome.by, outcome.set_aside) == ("set_aside", ("pay",))
        await asyncio.sleep(1000)
    assert SEEN == ["reserve", "pay 1"]
    async with Runtime(store=open_store(), clock=clock, workflows=[paying]) as runtime:
        await asyncio.sleep(1000)
        with pytest.raises(InvalidState, match="pay"):
            await runtime.resume(paying, "r")
        await runtime.cancel("r")
        await until(lambda: "release" in SEEN)
    assert SEEN == ["reserve", "pay 1", "release"]


@pytest.mark.parametrize("answer", ["retry", "fail", Skip("cash")])
async def test_a_person_says_what_becomes_of_it(
    clock: MockClock, open_store: OpenStore, answer: Literal["retry", "fail"] | Skip[str]
) -> None:
    """R49: retry, skip with a value, or fail: in the runtime that set it aside, or in any later one."""
    await die_while_paying(paying, open_store, clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[paying]) as runtime:
        await (await taken_over(runtime, "r")).outcome()
    async with Runtime(store=open_store(), clock=clock) as runtime:
        run = await runtime.resume(paying, "r", resolve={"pay": answer})
        outcome = await run.outcome()
    if answer == "retry":
        assert outcome == Succeeded("paid", "r")
        assert SEEN == ["reserve", "pay 1", "pay 2"]
    elif answer == "fail":
        assert isinstance(outcome, Failed) and outcome.rollback == "incomplete"
        assert failed_with(outcome.error.errors[0].error, OutcomeUnknown)
        assert SEEN == ["reserve", "pay 1", "release"]
    else:
        assert outcome == Succeeded("cash", "r")
        assert SEEN == ["reserve", "pay 1"]
    async with open_store() as store:
        await check_store(store)


async def test_one_that_is_said_to_have_failed_is_offered_to_its_compensation(
    clock: MockClock, open_store: OpenStore
) -> None:
    """R49, R54: … with `OutcomeUnknown`; when it has dealt with it, the rollback is complete."""
    await die_while_paying(charging, open_store, clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[charging]) as runtime:
        await (await taken_over(runtime, "r")).outcome()
        outcome = await (await runtime.resume(charging, "r", resolve={"charge": "fail"})).outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "complete"
    assert SEEN == ["reserve", "charge 1", "settle OutcomeUnknown", "release"]


async def test_one_whose_end_was_stored_is_done(clock: MockClock, open_store: OpenStore) -> None:
    """R49: what was acknowledged isn't in flight: the run goes on behind it."""

    @step(irreversible=True)
    async def at_once(seat: str) -> str:
        SEEN.append("at once")
        return "paid"

    @step
    async def stand(value: str) -> str:
        SEEN.append("stand")
        return await forever() if SEEN.count("stand") == 1 else value

    @workflow
    def both() -> str:
        return stand(at_once(reserve()))

    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, both)
        await until(lambda: "stand" in SEEN)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[both]) as runtime:
        assert await (await begin(runtime, both)).result() == "paid"
    assert SEEN == ["reserve", "at once", "stand", "stand"]


async def test_in_a_rollback_its_outcome_is_unknown(clock: MockClock, open_store: OpenStore) -> None:
    """R49, R54: one that was in flight when the run was rolling back isn't to run again: it is offered to its compensation."""

    @step(irreversible=True)
    async def stubborn(seat: str) -> str:
        SEEN.append("stubborn")
        while True:
            try:
                await forever()
            except asyncio.CancelledError:
                if life.is_dead:
                    raise

    @stubborn.compensate
    async def ask(error: Exception, seat: str) -> None:
        SEEN.append(f"ask {type(error).__name__}")

    @workflow
    def both() -> str:
        return stubborn(reserve())

    async with Life(open_store(), clock=clock) as life:
        run = await begin(life.runtime, both)
        await until(lambda: "stubborn" in SEEN)
        await run.cancel()
        await asyncio.sleep(1)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[both]) as runtime:
        outcome = await (await begin(runtime, both)).outcome()
    assert outcome.__class__.__name__ == "Cancelled"
    assert SEEN == ["reserve", "stubborn", "ask OutcomeUnknown", "release"]


async def test_a_replay_past_a_completed_one_is_refused_unless_it_is_allowed_by_name(
    clock: MockClock, open_store: OpenStore
) -> None:
    """R49: in another runtime too; what comes before it may be replayed to, not past it."""
    paid: list[str] = []

    @step(irreversible=True)
    async def transfer() -> str:
        paid.append("transfer")
        return "transferred"

    @step
    async def thank(what: str) -> str:
        return f"{what}, thank you"

    @workflow
    def giving() -> str:
        return thank(transfer())

    async with Runtime(store=open_store(), clock=clock) as runtime:
        assert await (await begin(runtime, giving)).result() == "transferred, thank you"
    async with Runtime(store=open_store(), clock=clock, workflows=[giving]) as runtime:
        for from_step in (None, "transfer"):
            with pytest.raises(InvalidState, match="transfer has acted, and would act twice"):
                await runtime.replay("r", from_step)
        with pytest.raises(InvalidState, match="would act twice"):
            await runtime.replay("r", allow_irreversible=["thank"])
        assert await (await runtime.replay("r", "thank")).result() == "transferred, thank you"
        assert paid == ["transfer"]
        allowed = await runtime.replay("r", allow_irreversible=["transfer"])
        assert await allowed.result() == "transferred, thank you"
    assert paid == ["transfer", "transfer"]
