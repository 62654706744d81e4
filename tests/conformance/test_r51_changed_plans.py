"""R51: a run whose workflow is unknown, or whose plan no longer fits, is left alone, marked so, and reported; never half-run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from actorflow import InvalidState, Runtime, Workflow, each, step, workflow
from actorflow.testing import MockClock
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import forever
from tests.conformance.surviving import begin, is_here, lapse, taken_over, until

SEEN: list[str] = []
STANDS: set[str] = set()


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    SEEN.clear()
    STANDS.clear()
    STANDS.add("second")
    yield


async def act(name: str, value: int) -> int:
    SEEN.append(name)
    if name in STANDS:
        await forever()
    return value


@step
async def first(value: int) -> int:
    return await act("first", value)


@first.undo
async def undo_first(result: int, value: int) -> None:
    SEEN.append("undo first")


@step
async def second(value: int) -> int:
    return await act("second", value)


@step
async def third(value: int) -> int:
    return await act("third", value)


@workflow(name="plan")
def before(value: int) -> int:
    return second(first(value))


async def leave_one(
    clock: MockClock, open_store: OpenStore, workflow: Workflow[..., Any] = before, *inputs: Any
) -> None:
    """A run of `plan` whose first step is completed, and whose second one was in flight."""
    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, workflow, *(inputs or (1,)))
        await until(lambda: "second" in SEEN)
        await asyncio.sleep(1)
        life.die()
    STANDS.clear()
    SEEN.clear()
    await lapse(clock)


@contextmanager
def logged() -> Iterator[list[str]]:
    found: list[str] = []
    with capture_logs() as logs:
        yield found
    found += [line["event"] for line in logs]


async def is_left_alone(clock: MockClock, open_store: OpenStore, changed: Workflow[..., Any], *words: str) -> None:
    """Nothing of it runs, it is marked, whoever looks is told why, and who has the right code goes on with it."""
    with logged() as lines:
        async with Runtime(store=open_store(), clock=clock, workflows=[changed]) as runtime:
            await asyncio.sleep(1)
            record = await runtime.record("r")
            assert record.problem is not None and record.owner is None
            for word in words:
                assert word in record.problem, record.problem
            await asyncio.sleep(1000)
            assert not is_here(runtime, "r")
            assert SEEN == []
            assert [finding.run_id for finding in await runtime.doctor()] == ["r"]
            with pytest.raises(InvalidState, match="left alone"):
                await begin(runtime, changed, 1)
    assert lines.count("a run is left alone") == 1
    async with Runtime(store=open_store(), clock=clock, workflows=[before]) as runtime:
        await runtime.release("r")
        assert await (await taken_over(runtime, "r")).result() == 1
    assert SEEN == ["second"]


async def test_a_workflow_that_is_not_known(clock: MockClock, open_store: OpenStore) -> None:
    """R51: a runtime without it leaves the run to those that know it, and says why it doesn't move."""
    await leave_one(clock, open_store)

    @workflow(name="another")
    def another(value: int) -> int:
        return first(value)

    async with Runtime(store=open_store(), clock=clock, workflows=[another]) as runtime:
        await asyncio.sleep(1000)
        assert not is_here(runtime, "r") and SEEN == []
        assert "plan" in str(await runtime.explain("r"))
        assert [finding.run_id for finding in await runtime.doctor()] == ["r"]
    async with Runtime(store=open_store(), clock=clock, workflows=[before]) as runtime:
        assert await (await taken_over(runtime, "r")).result() == 1


async def test_a_step_that_is_gone(clock: MockClock, open_store: OpenStore) -> None:
    """R51: each recorded node still exists."""
    await leave_one(clock, open_store)

    @workflow(name="plan")
    def changed(value: int) -> int:
        return second(value)

    await is_left_alone(clock, open_store, changed, "first")


async def test_a_step_of_another_name(clock: MockClock, open_store: OpenStore) -> None:
    """R51: … under its name."""
    await leave_one(clock, open_store)

    @workflow(name="plan")
    def changed(value: int) -> int:
        return second(first.options(name="renamed")(value))

    await is_left_alone(clock, open_store, changed, "first")


async def test_another_step_under_its_name(clock: MockClock, open_store: OpenStore) -> None:
    """R51: … with the same step."""
    await leave_one(clock, open_store)

    @workflow(name="plan")
    def changed(value: int) -> int:
        return second(third.options(name="first")(value))

    await is_left_alone(clock, open_store, changed, "first")


async def test_a_step_before_a_recorded_one(clock: MockClock, open_store: OpenStore) -> None:
    """R51: no unrecorded node comes before a recorded one."""
    await leave_one(clock, open_store)

    @workflow(name="plan")
    def changed(value: int) -> int:
        return second(first(third(value)))

    await is_left_alone(clock, open_store, changed)


async def test_an_undo_that_is_gone(clock: MockClock, open_store: OpenStore) -> None:
    """R51: every completed step that had an undo has one."""
    await leave_one(clock, open_store)

    @step(name="first")
    async def bare(value: int) -> int:
        return await act("first", value)

    @workflow(name="plan")
    def changed(value: int) -> int:
        return second(bare(value))

    await is_left_alone(clock, open_store, changed, "first")


async def test_a_type_that_does_not_decode(clock: MockClock, open_store: OpenStore) -> None:
    """R51: its types decode the stored values."""
    await leave_one(clock, open_store)

    class Amount(msgspec.Struct):
        cents: int

    @step(name="first")
    async def other(value: int) -> Amount:
        return Amount(value)

    @other.undo
    async def undo(result: Amount, value: int) -> None: ...

    @step(name="second")
    async def takes(value: Amount) -> int:
        return value.cents

    @workflow(name="plan")
    def changed(value: int) -> int:
        return takes(other(value))

    await is_left_alone(clock, open_store, changed)


async def test_another_input(clock: MockClock, open_store: OpenStore) -> None:
    """R51: … and the inputs."""
    await leave_one(clock, open_store)

    @workflow(name="plan")
    def changed(value: int, more: int = 2) -> int:
        return second(first(value))

    with logged():
        async with Runtime(store=open_store(), clock=clock, workflows=[changed]) as runtime:
            await asyncio.sleep(100)
            assert "inputs" in ((await runtime.record("r")).problem or "")
    assert SEEN == []


async def test_a_step_that_was_added_behind_fits(clock: MockClock, open_store: OpenStore) -> None:
    """R51: what comes after all that was recorded may change: the run goes on with it."""
    await leave_one(clock, open_store)

    @workflow(name="plan")
    def changed(value: int) -> int:
        return third(second(first(value)))

    async with Runtime(store=open_store(), clock=clock, workflows=[changed]) as runtime:
        assert await (await taken_over(runtime, "r")).result() == 1
    assert SEEN == ["second", "third"]


async def test_a_type_that_still_decodes_fits(clock: MockClock, open_store: OpenStore) -> None:
    """R51: a type that has grown in a way that reads what is stored."""

    class Trip(msgspec.Struct):
        city: str

    @step(name="first")
    async def plan_trip(value: int) -> Trip:
        return Trip(str(await act("first", value)))

    @step(name="second")
    async def use(trip: Trip) -> str:
        return str(await act("second", int(trip.city)))

    @workflow(name="trips")
    def trips(value: int) -> str:
        return use(plan_trip(value))

    await leave_one(clock, open_store, trips)
    made = msgspec.defstruct("Trip", [("city", str), ("nights", int, 1)])

    async def plan_more(value: int) -> Any:
        return made(str(value))

    async def use_more(trip: Any) -> str:
        SEEN.append(f"{trip.city} {trip.nights}")
        return "fits"

    plan_more.__annotations__["return"] = made
    use_more.__annotations__["trip"] = made
    planned, used = step(name="first")(plan_more), step(name="second")(use_more)

    @workflow(name="trips")
    def changed(value: int) -> str:
        return used(planned(value))

    async with Runtime(store=open_store(), clock=clock, workflows=[changed]) as runtime:
        await taken_over(runtime, "r")
        record = await runtime.record("r")
        assert record.problem is None
        assert await runtime.get("r").result() == "fits"
    assert SEEN == ["1 1"]


async def test_a_body_that_has_changed(clock: MockClock, open_store: OpenStore) -> None:
    """R51: what is in bodies counts as well."""

    @workflow(name="plan")
    def walking(values: list[int]) -> list[int]:
        return each(values, lambda value: second(first(value)))

    @workflow(name="plan")
    def changed(values: list[int]) -> list[int]:
        return each(values, lambda value: second(third(value)))

    await leave_one(clock, open_store, walking, [1])
    with logged():
        async with Runtime(store=open_store(), clock=clock, workflows=[changed]) as runtime:
            await asyncio.sleep(100)
            assert "each[0].first" in ((await runtime.record("r")).problem or "")
    assert SEEN == []
    async with Runtime(store=open_store(), clock=clock, workflows=[walking]) as runtime:
        await runtime.release("r")
        assert await (await taken_over(runtime, "r")).result() == [1]


async def test_others_go_on(clock: MockClock, open_store: OpenStore) -> None:
    """R51: one that is left alone is in nobody's way."""
    await leave_one(clock, open_store)

    @workflow(name="plan")
    def changed(value: int) -> int:
        return second(value)

    with logged():
        async with Runtime(store=open_store(), clock=clock, workflows=[changed]) as runtime:
            assert await (await begin(runtime, changed, 5, run_id="new")).result() == 5
            await asyncio.sleep(100)
            assert (await runtime.record("r")).problem is not None


async def test_who_waits_is_told(clock: MockClock, open_store: OpenStore) -> None:
    """R51: … and reported: who waits for a run that is left alone elsewhere doesn't wait for ever."""

    @workflow(name="plan")
    def changed(value: int) -> int:
        return second(value)

    with logged():
        async with Runtime(store=open_store(), clock=clock, takes_over=False) as waiter:
            async with Life(open_store(), clock=clock) as life:
                await begin(life.runtime, before, 1)
                await until(lambda: "second" in SEEN)
                life.die()
            run = await begin(waiter, before, 1)
            async with Runtime(store=open_store(), clock=clock, workflows=[changed]):
                with pytest.raises(InvalidState, match="left alone"):
                    await run.result()


async def test_another_order_of_the_same_steps(clock: MockClock, open_store: OpenStore) -> None:
    """R51: it doesn't go the way it went: a step would have begun that hadn't."""

    @workflow(name="plan")
    def at_once(value: int) -> int:
        first(value)
        return second(value)

    await leave_one(clock, open_store)
    await is_left_alone(clock, open_store, at_once, "doesn't go the way it went", "now StepScheduled of 'second'")


async def test_a_step_that_was_added_between_two_others_fits(clock: MockClock, open_store: OpenStore) -> None:
    """R51: steps are known by their names, not by their place in the plan."""

    @workflow(name="plan")
    def side_by_side(value: int) -> list[int]:
        return [first(value), second(value)]

    @workflow(name="plan")
    def with_one_between(value: int) -> list[int]:
        begun = first(value)
        return [third(begun), second(value)]

    STANDS.add("first")
    STANDS.remove("second")
    await leave_one(clock, open_store, side_by_side)
    async with Runtime(store=open_store(), clock=clock, workflows=[with_one_between]) as runtime:
        assert await (await taken_over(runtime, "r")).result() == [1, 1]
    assert SEEN == ["first", "third"]
