"""R16: with a store a halted run is resumed by its id, in any runtime."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import (
    Cancelled,
    Halt,
    Halted,
    InvalidState,
    Middleware,
    Retry,
    RunFailed,
    RunInfo,
    Runtime,
    Skip,
    TryAgain,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from actorflow.testing.checking import check_store
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import forever
from tests.conformance.surviving import begin, is_here, until

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def prepare(name: str) -> str:
    SEEN.append("prepare")
    return name


@step
async def ask(name: str) -> str:
    SEEN.append("ask")
    raise Halt(f"{name}?")


@step
async def use(answer: str) -> str:
    SEEN.append("use")
    return f"{answer}!"


@workflow
def approval(name: str) -> str:
    return use(ask(prepare(name)))


@step(irreversible=True)
async def pay() -> str:
    SEEN.append(f"pay {step_context().attempt}")
    if step_context().attempt == 1:
        await forever()
    return "paid"


@step
async def pause() -> None:
    raise Halt


@workflow
def paying() -> str:
    pause()
    return pay()


async def test_it_is_resumed_by_its_id_in_another_runtime(clock: MockClock, open_store: OpenStore) -> None:
    """R16: halted here, resumed there; what was done isn't done again, and nobody resumes it unasked."""
    async with Runtime(store=open_store(), clock=clock) as runtime:
        halted = await (await begin(runtime, approval, "a")).outcome()
        assert isinstance(halted, Halted) and halted.by == "ask"
    async with Runtime(store=open_store(), clock=clock, workflows=[approval]) as runtime:
        await asyncio.sleep(100)
        assert not is_here(runtime, "r")
        run = await runtime.resume(approval, "r")
        assert await run.result() == "a?!"
    assert SEEN == ["prepare", "ask", "use"]


async def test_who_starts_it_again_is_told_that_it_is_halted(clock: MockClock, open_store: OpenStore) -> None:
    """R16, R47: a halted run is there; starting it again doesn't resume it."""
    async with Runtime(store=open_store(), clock=clock) as runtime:
        await (await begin(runtime, approval, "a")).outcome()
    async with Runtime(store=open_store(), clock=clock) as runtime:
        run = await begin(runtime, approval, "a")
        halted = await run.outcome()
        assert isinstance(halted, Halted) and (halted.by, run.status()) == ("ask", "halted")


async def test_a_run_that_is_not_halted_is_refused(clock: MockClock, open_store: OpenStore) -> None:
    """R16: only a halted run is resumed; by its own workflow."""
    async with Runtime(store=open_store(), clock=clock) as runtime:
        await (await begin(runtime, approval, "a")).outcome()
        with pytest.raises(InvalidState, match="'approval'"):
            await runtime.resume(paying, "r")
        await (await runtime.resume(approval, "r")).result()
    async with Runtime(store=open_store(), clock=clock) as runtime:
        with pytest.raises(InvalidState, match="isn't halted"):
            await runtime.resume(approval, "r")


async def test_what_was_set_aside_is_resolved_elsewhere(clock: MockClock, open_store: OpenStore) -> None:
    """R16, R49: the halt says what it has set aside; `resolve` names each, wherever the run goes on."""
    async with Runtime(store=open_store(), clock=clock) as runtime:
        halted = await (await begin(runtime, paying)).outcome()
        assert isinstance(halted, Halted) and halted.set_aside == ("pay",)
    async with Runtime(store=open_store(), clock=clock) as runtime:
        halted = await (await begin(runtime, paying)).outcome()
        assert isinstance(halted, Halted) and halted.set_aside == ("pay",)
        assert await (await runtime.resume(paying, "r", resolve={"pay": "retry"})).result() == "paid"
    assert SEEN == ["pay 1", "pay 2"]


async def test_a_resume_that_is_refused_leaves_the_run_to_others(clock: MockClock, open_store: OpenStore) -> None:
    """R16: a refused resume changes nothing: another runtime can resume the run, while this one goes on."""
    async with Runtime(store=open_store(), clock=clock) as first:
        await (await begin(first, paying)).outcome()
        with pytest.raises(InvalidState, match="pay"):
            await first.resume(paying, "r")
        async with Runtime(store=open_store(), clock=clock) as second:
            with pytest.raises(InvalidState, match="other"):
                await second.resume(paying, "r", resolve={"other": "retry"})
            assert await (await second.resume(paying, "r", resolve={"pay": Skip("known")})).result() == "known"
    async with open_store() as store:
        await check_store(store)


async def test_of_two_resumes_at_once_one_goes_on(clock: MockClock, open_store: OpenStore) -> None:
    """R16, R50: one that goes on here or elsewhere isn't resumed a second time."""
    goes_on = asyncio.Event()

    @step
    async def wait(answer: str) -> str:
        SEEN.append("wait")
        await goes_on.wait()
        return answer

    @workflow
    def waiting(name: str) -> str:
        return wait(ask(name))

    async with Runtime(store=open_store(), clock=clock) as first, Runtime(store=open_store(), clock=clock) as second:
        await (await begin(first, waiting, "a")).outcome()
        tries = await asyncio.gather(
            first.resume(waiting, "r"), second.resume(waiting, "r"), first.resume(waiting, "r"), return_exceptions=True
        )
        runs = [run for run in tries if not isinstance(run, BaseException)]
        assert len(runs) == 1, tries
        assert all(isinstance(one, InvalidState) for one in tries if isinstance(one, BaseException))
        goes_on.set()
        assert await runs[0].result() == "a?"
    assert SEEN == ["ask", "wait"]


async def test_retries_that_are_due_wait_for_the_resume(clock: MockClock, open_store: OpenStore) -> None:
    """R16, R14: a retry doesn't come while the run is halted; the count of attempts goes on after it, elsewhere too."""

    @step(retry=Retry(attempts=3))
    async def flaky() -> str:
        SEEN.append(f"flaky {step_context().attempt}")
        raise TryAgain("not yet", after=5)

    @step
    async def halt_later() -> None:
        await asyncio.sleep(7)
        raise Halt

    @workflow
    def both() -> str:
        halt_later()
        return flaky()

    async with Runtime(store=open_store(), clock=clock) as runtime:
        await (await begin(runtime, both)).outcome()
        await asyncio.sleep(100)
    assert SEEN == ["flaky 1", "flaky 2"]
    async with Runtime(store=open_store(), clock=clock) as runtime:
        with pytest.raises(RunFailed, match="not yet"):
            await (await runtime.resume(both, "r")).result()
    assert SEEN == ["flaky 1", "flaky 2", "flaky 3"]


async def test_a_resumed_run_can_be_cancelled_and_rolled_back_elsewhere(
    clock: MockClock, open_store: OpenStore
) -> None:
    """R16, R25: a halted run that is resumed elsewhere takes back what was done before it was halted."""

    @step
    async def reserve() -> str:
        return "seat"

    @reserve.undo
    async def release(seat: str) -> None:
        SEEN.append(f"release {seat}")

    @step
    async def stand(answer: str) -> str:
        return await forever()

    @workflow
    def booking() -> str:
        return stand(ask(reserve()))

    async with Runtime(store=open_store(), clock=clock) as runtime:
        await (await begin(runtime, booking)).outcome()
    async with Runtime(store=open_store(), clock=clock) as runtime:
        run = await runtime.resume(booking, "r")
        await asyncio.sleep(1)
        await run.cancel("no more")
        outcome = await run.outcome()
    assert isinstance(outcome, Cancelled) and outcome.rollback == "complete"
    assert SEEN == ["ask", "release seat"]


async def test_a_resume_that_middleware_is_asked_about_can_be_cancelled(
    clock: MockClock, open_store: OpenStore
) -> None:
    """R16, R44: while middleware is asked nothing is recorded of the resume; a cancel that comes meanwhile takes the run back."""

    class Slow(Middleware):
        async def init(self, run: RunInfo, *, resumed: bool) -> None:
            await asyncio.sleep(2.0 * resumed)

    async with Runtime(store=open_store(), clock=clock, middleware=[Slow()]) as runtime:
        await (await begin(runtime, approval, "a")).outcome()
        resuming = asyncio.ensure_future(runtime.resume(approval, "r"))
        await asyncio.sleep(1.0)
        await runtime.get("r").cancel("rain")
        outcome = await (await resuming).outcome()
    assert isinstance(outcome, Cancelled) and outcome.reason == "rain"
    async with open_store() as store:
        await check_store(store)


async def test_a_caller_that_is_cancelled_before_the_run_is_stored_cancels_it(
    clock: MockClock, open_store: OpenStore
) -> None:
    """R32, R48: `cancel_with_caller` counts from the moment the run is begun."""

    @step
    async def stand() -> None:
        await forever()

    @workflow
    def standing() -> None:
        stand()

    async with Runtime(store=open_store(), clock=clock) as runtime:
        calling = asyncio.create_task(runtime.options(run_id="w", cancel_with_caller=True).run(standing))
        await until(lambda: is_here(runtime, "w"))
        calling.cancel()
        await asyncio.wait({calling})
        outcome = await runtime.get("w").outcome()
    assert isinstance(outcome, Cancelled) and "caller" in outcome.reason
