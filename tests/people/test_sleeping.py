"""Waiting for a time: nothing is held meanwhile, and it outlives halts, snapshots and restarts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from actorflow import (
    Halted,
    InvalidValue,
    InvalidWorkflow,
    Limit,
    RunCancelled,
    RunFailed,
    Runtime,
    Succeeded,
    each,
    repeat,
    sleep,
    sleep_until,
    step,
    workflow,
)
from actorflow.testing import MockClock

DAY = 86_400.0


@step
async def note(word: str) -> str:
    return word


@workflow
def naps(word: str) -> str:
    first = note(word)
    rest = sleep(timedelta(days=30), after=[first])
    return note.options(after=[rest])(first)


async def test_a_run_sleeps_for_as_long_as_it_says(runtime: Runtime, clock: MockClock) -> None:
    began = clock.time()
    assert await runtime.run(naps, "late") == "late"
    assert clock.time() - began == 30 * DAY


async def test_it_sleeps_until_a_moment_in_any_time_zone(runtime: Runtime, clock: MockClock) -> None:
    when = datetime.fromtimestamp(clock.time() + 3600, timezone(timedelta(hours=5)))

    @workflow
    def waits() -> None:
        sleep_until(when)

    began = clock.time()
    await runtime.run(waits)
    assert clock.time() - began == pytest.approx(3600)


async def test_a_moment_that_is_past_is_over_at_once(runtime: Runtime, clock: MockClock) -> None:
    @workflow
    def waits(when: datetime) -> None:
        sleep_until(when)

    began = clock.time()
    await runtime.run(waits, datetime(1999, 1, 1, tzinfo=UTC))
    assert clock.time() == began


async def test_how_long_may_be_a_result(runtime: Runtime, clock: MockClock) -> None:
    @step
    async def how_long(hours: int) -> timedelta:
        return timedelta(hours=hours)

    @workflow
    def waits(seconds: int) -> None:
        rest = sleep(how_long(2))
        sleep.options(after=[rest])(seconds)

    began = clock.time()
    await runtime.run(waits, 5)
    assert clock.time() - began == 7205


async def test_what_sleeps_holds_no_slot_and_others_go_on(runtime: Runtime) -> None:
    """R6, R15: a dozen sleep at once, though the run executes one step at a time."""
    order: list[str] = []

    @step
    async def work(word: str) -> str:
        order.append(word)
        return word

    @workflow
    def many() -> list[str]:
        for number in range(12):
            sleep(100 + number)
        late = sleep.options(name="late")(50)
        return [work("now"), work.options(after=[late])("later")]

    assert await runtime.options(max_concurrency=1).run(many) == ["now", "later"]
    assert order == ["now", "later"]


async def test_what_sleeps_holds_no_permit(runtime: Runtime) -> None:
    gate = Limit("gate", at_most=1)
    order: list[str] = []

    @step(limit=gate)
    async def work(word: str) -> str:
        order.append(word)
        return word

    @workflow
    def sleeper() -> str:
        first = work("first")
        rest = sleep(1000, after=[first])
        return work.options(after=[rest])("last")

    @workflow
    def other() -> str:
        return work("between")

    run = await runtime.start(sleeper)
    await runtime.run(other)
    assert await run.result() == "last"
    assert order == ["first", "between", "last"]


async def test_a_halt_doesnt_wait_for_it_and_time_goes_on(runtime: Runtime, clock: MockClock) -> None:
    """R16: the halted run keeps the moment, not what was left of the wait."""
    run = await runtime.start(naps, "late")
    await clock.advance(DAY)
    began = clock.time()
    await run.halt("enough")
    halted = await run.outcome()
    assert isinstance(halted, Halted)
    assert clock.time() - began < 1
    await clock.advance(10 * DAY)
    again = await runtime.resume(naps, run.id)
    assert await again.result() == "late"
    assert clock.time() - began == pytest.approx(29 * DAY)


async def test_what_came_due_while_it_was_halted_is_due_at_once(runtime: Runtime, clock: MockClock) -> None:
    run = await runtime.start(naps, "late")
    await clock.advance(1)
    await run.halt()
    await run.outcome()
    await clock.advance(100 * DAY)
    began = clock.time()
    assert await (await runtime.resume(naps, run.id)).result() == "late"
    assert clock.time() == began


async def test_a_snapshot_keeps_the_moment(clock: MockClock) -> None:
    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(naps, "late")
        await clock.advance(DAY)
        began = clock.time()
        await run.halt()
        outcome = await run.outcome()
    assert isinstance(outcome, Halted)
    assert outcome.snapshot is not None
    await clock.advance(9 * DAY)
    async with Runtime(clock=clock) as runtime:
        assert await (await runtime.resume(naps, outcome.snapshot)).result() == "late"
    assert clock.time() - began == pytest.approx(29 * DAY)


async def test_a_cancel_ends_it_at_once(runtime: Runtime, clock: MockClock) -> None:
    undone: list[str] = []

    @step
    async def book() -> str:
        return "seat"

    @book.undo
    async def release(seat: str) -> None:
        undone.append(seat)

    @workflow
    def books() -> None:
        sleep(DAY, after=[book()])

    run = await runtime.start(books)
    await clock.advance(60)
    began = clock.time()
    await run.cancel("no")
    with pytest.raises(RunCancelled):
        await run.result()
    assert undone == ["seat"]
    assert clock.time() == began


async def test_a_failure_beside_it_doesnt_wait_for_it(runtime: Runtime, clock: MockClock) -> None:
    @step
    async def fails() -> None:
        raise ValueError("no")

    @workflow
    def both() -> None:
        sleep(DAY)
        fails()

    began = clock.time()
    with pytest.raises(RunFailed):
        await runtime.run(both)
    assert clock.time() == began


async def test_inside_of_each_and_repeat(runtime: Runtime, clock: MockClock) -> None:
    @workflow
    def one_pass(count: int) -> int:
        rest = sleep(10)
        return plus_one.options(after=[rest])(count)

    @step
    async def plus_one(count: int) -> int:
        return count + 1

    @workflow
    def nested(waits: list[float]) -> int:
        each(waits, lambda seconds: sleep(seconds))
        return repeat(one_pass, 0, at_most=3)

    began = clock.time()
    assert await runtime.run(nested, [5.0, 25.0, 1.0]) == 3
    assert clock.time() - began == pytest.approx(30)


async def test_an_item_that_fails_doesnt_wait_for_what_sleeps_in_it(runtime: Runtime, clock: MockClock) -> None:
    @step
    async def odd(number: int) -> int:
        if number == 1:
            raise ValueError("one")
        return number

    @workflow
    def body(number: int) -> int:
        sleep(100)
        return odd(number)

    @workflow
    def collects() -> list[object]:
        return each([1, 2], body, on_error="collect")  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    one, two = await runtime.run(collects)
    assert type(one).__name__ == "Failed"
    assert two == Succeeded(2, two.run_id)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), timedelta(seconds=-5)])
def test_a_time_that_cant_be_is_refused_when_it_is_drawn(seconds: float) -> None:
    @workflow
    def waits() -> None:
        sleep(seconds)

    with pytest.raises(InvalidWorkflow, match="can't wait for"):
        waits.compile()


def test_a_moment_without_a_time_zone_is_refused() -> None:
    @workflow
    def waits() -> None:
        sleep_until(datetime(2030, 1, 1))  # noqa: DTZ001  # that is the point

    with pytest.raises(InvalidWorkflow, match="has no time zone"):
        waits.compile()


@pytest.mark.parametrize("given", ["soon", None, True])
def test_what_is_no_time_is_refused(given: object) -> None:
    @workflow
    def waits() -> None:
        sleep(given)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    with pytest.raises(InvalidWorkflow, match="sleep"):
        waits.compile()


async def test_a_negative_result_fails_the_node(runtime: Runtime) -> None:
    @workflow
    def waits(seconds: float) -> None:
        sleep(seconds)

    with pytest.raises(RunFailed) as caught:
        await runtime.run(waits, -3.0)
    assert isinstance(caught.value.__cause__, InvalidValue)
    assert [(error.node, error.phase) for error in caught.value.errors] == [("sleep", "run")]


def test_how_it_is_drawn() -> None:
    text = naps.compile().text()
    assert "sleep" in text
    assert "waits for a time" in text
    told = naps.compile().describe().nodes[1]
    assert (told.mode, told.wait and told.wait.kind) == ("wait", "sleep")
