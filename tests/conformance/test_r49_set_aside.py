"""R49, as far as a halt has it: a step marked irreversible isn't run again by itself."""

from __future__ import annotations

import pytest

from actorflow import (
    Failed,
    Halt,
    Halted,
    InvalidState,
    InvalidStep,
    Runtime,
    Skip,
    Succeeded,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.seen import forever


def test_an_irreversible_step_has_no_undo() -> None:
    """R49: a step marked `irreversible=True`: no undo allowed, however the two come together."""

    @step(irreversible=True)
    async def pay() -> str:
        return "paid"

    with pytest.raises(InvalidStep, match="irreversible"):

        @pay.undo
        async def unpay(value: str) -> None: ...

    @step
    async def reserve() -> str:
        return "seat"

    @reserve.undo
    async def release(value: str) -> None: ...

    with pytest.raises(InvalidStep, match="irreversible"):
        reserve.options(irreversible=True)


async def test_each_step_set_aside_is_resolved_by_itself(clock: MockClock) -> None:
    """R49: a person says retry, skip with a value, or fail, for each; a reversible sibling runs again by itself."""
    seen: list[str] = []

    @step
    async def pause() -> None:
        raise Halt

    async def work(name: str) -> str:
        attempt = step_context().attempt
        seen.append(f"{name} {attempt}")
        if attempt == 1:
            await forever()
        return f"{name} done"

    @step(irreversible=True)
    async def pay(name: str) -> str:
        return await work(name)

    @step
    async def plain(name: str) -> str:
        return await work(name)

    @workflow
    def paying() -> list[str]:
        pause()
        return [pay("first"), pay("second"), plain("plain")]

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(paying)
        halted = await run.outcome()
        assert isinstance(halted, Halted) and halted.set_aside == ("pay", "pay_2")
        with pytest.raises(InvalidState, match="pay_2"):
            await runtime.resume(paying, run.id, resolve={"pay": "retry"})
        with pytest.raises(InvalidState, match="plain"):
            await runtime.resume(paying, run.id, resolve={"pay": "retry", "pay_2": "retry", "plain": "retry"})
        resumed = await runtime.resume(paying, run.id, resolve={"pay": Skip("known"), "pay_2": "retry"})
        assert await resumed.outcome() == Succeeded(["known", "second done", "plain done"], run.id)
    assert seen == ["first 1", "second 1", "plain 1", "second 2", "plain 2"]


async def test_one_that_is_said_to_have_failed_has_no_known_outcome(clock: MockClock) -> None:
    """R49, R54: without a compensation to ask, a rollback after `fail` is incomplete: the step may have acted."""

    @step
    async def pause() -> None:
        raise Halt

    @step(irreversible=True)
    async def pay() -> str:
        return await forever()

    @workflow
    def paying() -> str:
        pause()
        return pay()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(paying)
        await run.outcome()
        failed = await (await runtime.resume(paying, run.id, resolve={"pay": "fail"})).outcome()
    assert isinstance(failed, Failed) and failed.rollback == "incomplete"
    assert [(error.node, error.phase, error.attempt) for error in failed.error.errors] == [("pay", "run", 1)]


async def test_one_that_ends_within_the_halt_timeout_is_not_set_aside(clock: MockClock) -> None:
    """R49, R16: what ended while the run halted has its result; there is nothing to resolve."""

    @step
    async def pause() -> None:
        raise Halt

    @step(irreversible=True)
    async def pay() -> str:
        await clock.advance(3)
        return "paid"

    @workflow
    def paying() -> str:
        pause()
        return pay()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(paying)
        halted = await run.outcome()
        assert isinstance(halted, Halted) and halted.set_aside == ()
        assert await (await runtime.resume(paying, run.id)).result() == "paid"


async def test_a_failure_while_halting_offers_what_was_set_aside_to_its_compensation(clock: MockClock) -> None:
    """R49, R20: a failure that wins over the halt takes back what was interrupted meanwhile."""
    seen: list[str] = []

    @step
    async def pause() -> None:
        raise Halt

    @step(irreversible=True)
    async def pay() -> str:
        return await forever()

    @pay.compensate
    async def settle(error: Exception) -> None:
        seen.append(type(error).__name__)

    @step
    async def stubborn() -> None:
        try:
            await forever()
        finally:
            await clock.advance(1)
            raise ValueError("no")

    @workflow
    def paying() -> str:
        pause()
        stubborn()
        return pay()

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(paying)).outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "complete"
    assert seen == ["StepCancelled"]
    assert [str(error.error) for error in outcome.error.errors] == ["no"]
