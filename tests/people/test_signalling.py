"""Signals: typed, delivered once, early ones kept."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from actorflow import (
    Halted,
    InvalidInput,
    InvalidState,
    InvalidWorkflow,
    RecordNotFound,
    Run,
    RunFailed,
    Runtime,
    StepTimeout,
    Succeeded,
    each,
    sleep,
    step,
    transform,
    wait_for_signal,
    workflow,
)
from actorflow.facts import SignalReceived, StepSucceeded, WaitStarted
from actorflow.testing import MockClock


class Payment(msgspec.Struct, frozen=True):
    amount: int
    currency: str = "NOK"


@step
async def receipt(payment: Payment) -> str:
    return f"{payment.amount} {payment.currency}"


@workflow
def order() -> str:
    return receipt(wait_for_signal("paid", Payment))


@workflow
def two_payments() -> list[Payment]:
    first = wait_for_signal("paid", Payment)
    second = wait_for_signal.options(after=[first])("paid", Payment)
    return [first, second]


async def begun(runtime: Runtime, run: Run[object], clock: MockClock) -> None:
    await clock.advance(1)
    assert run.status() == "running"


async def test_a_signal_ends_the_wait_with_its_value(runtime: Runtime, clock: MockClock) -> None:
    run = await runtime.start(order)
    await begun(runtime, run, clock)
    await runtime.signal(run.id, "paid", Payment(300))
    assert await run.result() == "300 NOK"


async def test_what_happens_is_told_in_order(runtime: Runtime, clock: MockClock) -> None:
    """R40: the wait, the signal, the step that has its value."""
    told: list[str] = []
    runtime.subscribe(lambda event: told.append(type(event.fact).__name__), WaitStarted, SignalReceived, StepSucceeded)
    run = await runtime.start(order)
    await begun(runtime, run, clock)
    await runtime.signal(run.id, "paid", Payment(1))
    await run.result()
    await clock.advance(1)
    assert told == ["WaitStarted", "SignalReceived", "StepSucceeded", "StepSucceeded"]


async def test_an_early_signal_is_kept(runtime: Runtime, clock: MockClock) -> None:
    @workflow
    def late() -> Payment:
        return wait_for_signal.options(after=[sleep(1000)])("paid", Payment)

    run = await runtime.start(late)
    await runtime.signal(run.id, "paid", Payment(7))
    assert await run.result() == Payment(7)


async def test_two_waits_of_one_name_get_them_in_order(runtime: Runtime, clock: MockClock) -> None:
    run = await runtime.start(two_payments)
    await runtime.signal(run.id, "paid", Payment(1))
    await runtime.signal(run.id, "paid", Payment(2))
    assert await run.result() == [Payment(1), Payment(2)]


async def test_each_signal_counts_once(runtime: Runtime, clock: MockClock) -> None:
    run = await runtime.start(two_payments)
    await begun(runtime, run, clock)
    await runtime.signal(run.id, "paid", Payment(1))
    await begun(runtime, run, clock)
    await runtime.signal(run.id, "paid", Payment(2))
    assert await run.result() == [Payment(1), Payment(2)]


async def test_a_wait_can_be_named_by_its_node(runtime: Runtime, clock: MockClock) -> None:
    @workflow
    def legs(cities: list[str]) -> list[int]:
        return each(cities, lambda city: wait_for_signal.options(name="seats", after=[city])("seats", int))

    @workflow
    def all_legs(cities: list[str]) -> list[int]:
        return each(cities, lambda _: wait_for_signal.options(name="seats")("seats", int))

    run = await runtime.start(all_legs, ["Oslo", "Rome"])
    await runtime.signal(run.id, "each[1].seats", 20)
    await runtime.signal(run.id, "seats", 10)
    assert await run.result() == [10, 20]


async def test_a_timeout_fails_the_node(runtime: Runtime, clock: MockClock) -> None:
    @workflow
    def waits() -> int:
        return wait_for_signal("paid", int, timeout=timedelta(hours=2))

    began = clock.time()
    with pytest.raises(RunFailed) as caught:
        await runtime.run(waits)
    cause = caught.value.__cause__
    assert isinstance(cause, StepTimeout)
    assert (cause.node, cause.timeout) == ("wait_for_signal", 7200)
    assert clock.time() - began == 7200


async def test_a_timeout_gives_the_default(runtime: Runtime) -> None:
    @workflow
    def waits(otherwise: int) -> list[int | None]:
        none = wait_for_signal("a", int, timeout=5, default=None)
        some = wait_for_signal("b", int, timeout=5, default=3)
        given = wait_for_signal("c", int, timeout=5, default=transform(otherwise, abs))
        return [none, some, given]

    assert await runtime.run(waits, -9) == [None, 3, 9]


async def test_a_signal_that_comes_in_time_beats_the_timeout(runtime: Runtime, clock: MockClock) -> None:
    @workflow
    def waits() -> int | None:
        return wait_for_signal("a", int, timeout=5, default=None)

    run = await runtime.start(waits)
    await clock.advance(4)
    await runtime.signal(run.id, "a", 1)
    assert await run.result() == 1
    await clock.advance(10)


@pytest.mark.parametrize("value", ["300", 300, None, {"amount": 300}])
async def test_a_value_of_another_type_is_refused(runtime: Runtime, clock: MockClock, value: object) -> None:
    run = await runtime.start(order)
    with pytest.raises(InvalidInput, match="signal 'paid'"):
        await runtime.signal(run.id, "paid", value)
    await runtime.signal(run.id, "paid", Payment(1))
    assert await run.result() == "1 NOK"


async def test_a_part_of_a_value_that_is_wrong_is_named(runtime: Runtime) -> None:
    run = await runtime.start(order)
    with pytest.raises(InvalidInput, match=r"amount"):
        await runtime.signal(run.id, "paid", Payment("much"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await run.cancel()
    await run.outcome()


async def test_a_signal_that_nothing_waits_for_is_refused(runtime: Runtime) -> None:
    run = await runtime.start(order)
    with pytest.raises(InvalidInput, match="did you mean 'paid'"):
        await runtime.signal(run.id, "payd", Payment(1))
    await run.cancel()
    await run.outcome()


async def test_an_unknown_run_is_not_found(runtime: Runtime) -> None:
    with pytest.raises(RecordNotFound):
        await runtime.signal("nobody", "paid", Payment(1))


async def test_a_run_that_has_ended_takes_none(runtime: Runtime, clock: MockClock) -> None:
    run = await runtime.start(order)
    await runtime.signal(run.id, "paid", Payment(1))
    await run.result()
    with pytest.raises(InvalidState, match="waits for nothing"):
        await runtime.signal(run.id, "paid", Payment(2))


async def test_a_halted_run_has_to_be_resumed_first(runtime: Runtime, clock: MockClock) -> None:
    run = await runtime.start(order)
    await clock.advance(1)
    await run.halt()
    assert isinstance(await run.outcome(), Halted)
    with pytest.raises(InvalidState, match="Resume it first"):
        await runtime.signal(run.id, "paid", Payment(1))
    again = await runtime.resume(order, run.id)
    await runtime.signal(run.id, "paid", Payment(1))
    assert await again.result() == "1 NOK"


async def test_kept_signals_and_waits_are_in_the_snapshot(clock: MockClock) -> None:
    @workflow
    def late() -> list[Payment]:
        now = wait_for_signal("now", Payment)
        return [now, wait_for_signal.options(after=[now])("later", Payment)]

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(late)
        await runtime.signal(run.id, "later", Payment(2))
        await clock.advance(1)
        await run.halt()
        outcome = await run.outcome()
    assert isinstance(outcome, Halted)
    assert outcome.snapshot is not None
    async with Runtime(clock=clock) as runtime:
        again = await runtime.resume(late, outcome.snapshot)
        await runtime.signal(again.id, "now", Payment(1))
        assert await again.result() == [Payment(1), Payment(2)]


async def test_a_signal_in_an_item_that_is_collected(runtime: Runtime, clock: MockClock) -> None:
    @workflow
    def body(number: int) -> int:
        return wait_for_signal("go", int, timeout=10 if number else 20)

    @workflow
    def one(number: int) -> int:
        return wait_for_signal("go", int, timeout=10)

    @workflow
    def collects(numbers: list[int]) -> list[object]:
        return each(numbers, one, on_error="collect")  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    run = await runtime.start(collects, [1, 2])
    await clock.advance(5)
    await runtime.signal(run.id, "go", 4)
    first, second = await run.result()
    assert first == Succeeded(4, run.id)
    assert type(second).__name__ == "Failed"


def test_two_types_for_one_name_are_refused() -> None:
    @workflow
    def waits() -> None:
        wait_for_signal("a", int)
        wait_for_signal("a", str)

    with pytest.raises(InvalidWorkflow, match="give one of them another name"):
        waits.compile()


def test_a_default_without_a_timeout_is_refused() -> None:
    @workflow
    def waits() -> None:
        wait_for_signal("a", int, default=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]

    with pytest.raises(InvalidWorkflow, match="it has none"):
        waits.compile()


def test_a_default_of_another_type_is_refused() -> None:
    @workflow
    def waits() -> None:
        wait_for_signal("a", int, timeout=1, default="three")

    with pytest.raises(InvalidWorkflow, match="default"):
        waits.compile()


@pytest.mark.parametrize("name", ["", 3, None])
def test_a_name_that_cant_be_is_refused(name: str) -> None:
    @workflow
    def waits() -> None:
        wait_for_signal(name, int)

    with pytest.raises(InvalidWorkflow, match="name is a text"):
        waits.compile()
