"""R22: every step that succeeded and has an undo is undone, in reverse order of completion, one at a time."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import Failed, Halt, Recover, Retry, RunFailed, Runtime, Skip, step, step_context, workflow
from actorflow.facts import StepUndone, UndoAttemptFailed, UndoStarted
from actorflow.testing import MockClock, Sequencer
from tests.conformance.seen import History


async def test_in_reverse_order_of_completion(clock: MockClock, sequencer: Sequencer) -> None:
    """R22: in reverse order of completion, whatever the order of definition and the data dependencies."""
    seen: list[str] = []

    @step
    async def part(name: str, place: int) -> str:
        async with sequencer(place):
            seen.append(name)
        return name

    @part.undo
    async def undo(value: str) -> None:
        seen.append(f"undo {value}")

    @step
    async def fail(parts: list[str]) -> None:
        raise ValueError

    @workflow
    def wide() -> None:
        fail([part("a", 3), part("b", 1), part("c", 4), part("d", 2)])

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(wide)
    assert seen == ["b", "d", "a", "c", "undo c", "undo a", "undo d", "undo b"]


async def test_a_recovered_step_completes_when_its_recover_is_taken(clock: MockClock) -> None:
    """R22: … which is when the executor takes the result, a `Recover` included."""
    seen: list[str] = []
    settled = asyncio.Event()

    @step
    async def charge() -> str:
        raise OSError

    @charge.compensate
    async def settle(error: Exception) -> Recover[str] | None:
        await clock.advance(5)
        settled.set()
        return Recover("recovered")

    @charge.undo
    async def refund(value: str) -> None:
        seen.append(value)

    @step
    async def reserve(waits: bool) -> str:
        if waits:
            await settled.wait()
            await clock.advance(1)
        return f"reserved {'after' if waits else 'before'}"

    @reserve.undo
    async def release(value: str) -> None:
        seen.append(value)

    @step
    async def fail(*after: str) -> None:
        raise ValueError

    @workflow
    def pay() -> None:
        fail(charge(), reserve(waits=True), reserve(waits=False))

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(pay)
    assert seen == ["reserved after", "recovered", "reserved before"]


@pytest.mark.parametrize("mode", ["async", "thread"])
async def test_one_at_a_time(clock: MockClock, mode: str) -> None:
    """R22: one at a time, though nothing connects the steps; each in the way its own kind says."""
    under_way: list[str] = []
    seen: list[tuple[str, int]] = []

    @step(mode="inline")
    def part(name: str) -> str:
        return name

    if mode == "async":

        @part.undo
        async def undo(value: str) -> None:
            under_way.append(value)
            await clock.advance(1)
            seen.append((value, len(under_way)))
            under_way.remove(value)

    else:

        @part.undo
        def undo_in_thread(value: str) -> None:
            under_way.append(value)
            seen.append((value, len(under_way)))
            under_way.remove(value)

    @step
    async def fail(*after: str) -> None:
        raise ValueError

    @workflow
    def wide() -> None:
        fail(part("a"), part("b"), part("c"))

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(wide)
    assert seen == [("c", 1), ("b", 1), ("a", 1)]


async def test_recorded_once_called_at_least_once_with_one_key(clock: MockClock) -> None:
    """R22: recorded exactly once, called at least once, always with the same idempotency key, which differs from the step's."""
    keys: dict[str, list[str]] = {"run": [], "undo": [], "compensate": []}

    @step
    async def charge() -> str:
        keys["run"].append(step_context().idempotency_key)
        raise OSError

    @charge.compensate
    async def settle(error: Exception) -> Recover[str] | None:
        keys["compensate"].append(step_context().idempotency_key)
        return Recover("recovered")

    @charge.undo(retry=Retry(attempts=4))
    async def refund(value: str) -> None:
        keys["undo"].append(step_context().idempotency_key)
        if len(keys["undo"]) < 4:
            raise ConnectionError

    @step
    async def fail(after: str) -> None:
        raise ValueError

    @workflow
    def pay() -> None:
        fail(charge())

    async with Runtime(clock=clock) as runtime:
        history = History(runtime, UndoStarted, UndoAttemptFailed, StepUndone)
        with pytest.raises(RunFailed):
            await runtime.run(pay)
    assert [line[0] for line in history.lines] == ["UndoStarted", "UndoAttemptFailed"] * 3 + [
        "UndoStarted",
        "StepUndone",
    ]
    assert len(keys["undo"]) == 4
    assert len({keys["run"][0], keys["compensate"][0], *keys["undo"]}) == 3


async def test_undo_gets_the_value_and_the_arguments(clock: MockClock) -> None:
    """R22: `undo` gets the value and the arguments, defaults filled in, or the value alone."""
    seen: list[tuple[object, ...]] = []

    @step
    async def city() -> str:
        return "Oslo"

    @step
    async def reserve(city: str, *stops: str, nights: int = 2) -> str:
        return f"seat to {city}"

    @reserve.undo
    async def release(value: str, city: str, *stops: str, nights: int = 2) -> None:
        seen.append((value, city, stops, nights))

    @step
    async def charge(seat: str, nights: int) -> str:
        return f"charge for {seat}"

    @charge.undo
    async def refund(value: str) -> None:
        seen.append((value,))

    @step
    async def fail(after: str) -> None:
        raise ValueError

    @workflow
    def pay(nights: int) -> None:
        fail(charge(reserve(city(), "Rome", "Bari"), nights))

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(pay, 3)
    assert seen == [("charge for seat to Oslo",), ("seat to Oslo", "Oslo", ("Rome", "Bari"), 2)]


async def test_a_value_of_none_is_undone_too(clock: MockClock) -> None:
    """R22: every step that succeeded and has an undo is undone, whatever its value; others are passed over."""
    seen: list[object] = []

    @step
    async def lock() -> None:
        return None

    @lock.undo
    async def unlock(value: None) -> None:
        seen.append(value)

    @step
    async def look(after: None) -> str:
        return "nothing to undo"

    @step
    async def fail(after: str) -> None:
        raise ValueError

    @workflow
    def locked() -> None:
        fail(look(lock()))

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(locked)
    assert seen == [None]


async def test_a_step_that_is_done_by_its_halt_is_undone(clock: MockClock) -> None:
    """R22, R16: a step that halted its run is done with its value, and undone like any other, after a resume as well."""
    seen: list[str] = []

    @step
    async def approve() -> str:
        raise Halt("approved")

    @approve.undo
    async def withdraw(value: str) -> None:
        seen.append(value)

    @step
    async def fail(after: str) -> None:
        raise ValueError

    @workflow
    def approval() -> None:
        fail(approve())

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(approval)
        await run.outcome()
        assert isinstance(await (await runtime.resume(approval, run.id)).outcome(), Failed)
    assert seen == ["approved"]


async def test_skipped_steps_are_not_undone(clock: MockClock) -> None:
    """R22: skipped steps aren't undone."""
    seen: list[str] = []

    async def known() -> Skip[str] | None:
        return Skip("known")

    @step(guards=[known])
    async def reserve() -> str:
        raise AssertionError("it is skipped")

    @reserve.undo
    async def release(value: str) -> None:
        seen.append(value)

    @step
    async def fail(after: str) -> None:
        raise ValueError

    @workflow
    def pay() -> None:
        fail(reserve())

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(pay)).outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "none"
    assert seen == []


async def test_steps_inside_a_composed_workflow_are_undone_in_the_same_order(
    clock: MockClock, sequencer: Sequencer
) -> None:
    """R22: nested work is no exception: steps inside a composed workflow, however deep, in one order with all others."""
    seen: list[str] = []

    @step
    async def part(name: str, place: int) -> str:
        async with sequencer(place):
            return name

    @part.undo
    async def undo(value: str) -> None:
        seen.append(f"{step_context().node} {value}")

    @workflow
    def inner(place: int) -> str:
        return part("inner", place)

    @workflow
    def middle(first: int, second: int) -> list[str]:
        return [inner(first), part("middle", second)]

    @step
    async def fail(*after: object) -> None:
        raise ValueError

    @workflow
    def outer() -> None:
        fail(middle(1, 3), part("outer", 2), inner(4))

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(outer)
    assert seen == ["inner.part inner", "middle.part middle", "part outer", "middle.inner.part inner"]
