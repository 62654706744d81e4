"""R17: guards see the arguments first, and may skip, halt, ask for another try, or fail the step."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import (
    AttemptsExhausted,
    Cancelled,
    Failed,
    Halt,
    Halted,
    InvalidValue,
    Limit,
    Retry,
    RunFailed,
    Runtime,
    Skip,
    TryAgain,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.seen import History, forever


async def test_guards_see_the_arguments_in_the_order_declared_before_the_first_attempt(clock: MockClock) -> None:
    """R17: guards see the step's arguments, in the order declared, before the first attempt."""
    seen: list[tuple[str, str, int]] = []

    async def first(city: str, nights: int) -> None:
        seen.append(("first", city, nights))

    def second(city: str, nights: int) -> None:
        seen.append(("second", city, nights))

    @step(guards=[first, second])
    async def book(city: str, nights: int = 2) -> str:
        seen.append(("book", city, nights))
        return city

    @workflow
    def trip(city: str) -> str:
        return book(city)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trip, "Oslo") == "Oslo"
    assert seen == [("first", "Oslo", 2), ("second", "Oslo", 2), ("book", "Oslo", 2)]


async def test_guards_take_no_permit(clock: MockClock) -> None:
    """R17: guards run without a permit: here the one permit is held by a step that waits for the guard."""
    pool = Limit("pool", at_most=1)
    guarded = asyncio.Event()

    async def guard() -> None:
        guarded.set()

    @step(limit=pool)
    async def holder() -> None:
        await guarded.wait()

    @step(limit=pool, guards=[guard])
    async def book() -> str:
        return "booked"

    @workflow
    def both() -> str:
        holder()
        return book()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(both) == "booked"


async def test_guards_that_have_passed_are_not_asked_again(clock: MockClock) -> None:
    """R17: until all have passed, once: not before another attempt, nor after a halt."""
    seen: list[str] = []
    booked_once = asyncio.Event()

    async def guard() -> None:
        seen.append("guard")

    @step(guards=[guard])
    async def book() -> str:
        seen.append(f"book {step_context().attempt}")
        booked_once.set()
        if step_context().attempt < 3:
            raise TryAgain(after=10)
        return "booked"

    @step
    async def pause() -> None:
        await clock.advance(1)
        raise Halt

    @workflow
    def both() -> str:
        pause()
        return book()

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(both)).outcome()
        assert isinstance(outcome, Halted) and outcome.snapshot is not None
        assert seen == ["guard", "book 1"]
        assert await (await runtime.resume(both, outcome.snapshot)).result() == "booked"
    assert seen == ["guard", "book 1", "book 2", "book 3"]


async def test_after_a_guards_try_again_they_run_again_from_the_first(clock: MockClock) -> None:
    """R17: after a guard's `TryAgain` they run again from the first."""
    seen: list[tuple[str, float]] = []

    async def first() -> None:
        seen.append(("first", clock.monotonic()))

    async def second() -> None:
        seen.append(("second", clock.monotonic()))
        if len(seen) < 4:
            raise TryAgain(after=3)

    @step(guards=[first, second])
    async def book() -> int:
        return step_context().attempt

    @workflow
    def trip() -> int:
        return book()

    async with Runtime(clock=clock) as runtime:
        await runtime.run(trip)
    assert seen == [("first", 0.0), ("second", 0.0), ("first", 3.0), ("second", 3.0)]


async def test_a_guards_try_again_counts_as_an_attempt(clock: MockClock) -> None:
    """R17: a guard's `TryAgain` counts as an attempt: of three, two are left for the step."""
    seen: list[str] = []

    async def guard() -> None:
        seen.append("guard")
        if len(seen) == 1:
            raise TryAgain

    @step(guards=[guard], retry=Retry(attempts=3))
    async def book() -> None:
        seen.append(f"book {step_context().attempt}")
        raise TryAgain

    @workflow
    def trip() -> None:
        book()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(trip)
    assert isinstance(failed.value.__cause__, AttemptsExhausted)
    assert seen == ["guard", "guard", "book 2", "book 3"]


async def test_a_guard_out_of_attempts_fails_the_step_without_compensation(clock: MockClock) -> None:
    """R17: out of attempts the step fails without compensation."""
    seen: list[str] = []

    async def guard() -> None:
        seen.append("guard")
        raise TryAgain("not yet")

    @step(guards=[guard], retry=Retry(attempts=2))
    async def book() -> None:
        seen.append("book")

    @book.compensate
    async def settle(error: Exception) -> None:
        seen.append("compensate")

    @workflow
    def trip() -> None:
        book()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(trip)
    assert seen == ["guard", "guard"]
    (error,) = failed.value.errors
    assert (error.node, error.phase, error.attempt) == ("book", "guard", 2)
    assert isinstance(error.error, AttemptsExhausted) and error.error.text == "not yet"
    assert failed.value.rollback == "none"


async def test_skip_gives_the_value_and_is_never_undone(clock: MockClock) -> None:
    """R17: `Skip(value)`: the step isn't run, the value flows on, and is never undone; guards after it aren't asked."""
    seen: list[str] = []

    async def known(city: str) -> Skip[str] | None:
        return Skip(f"{city} as before")

    async def unreached(city: str) -> None:
        seen.append("unreached")

    @step(guards=[known, unreached])
    async def book(city: str) -> str:
        seen.append("book")
        return city

    @book.undo
    async def unbook(value: str) -> None:
        seen.append(f"undo {value}")

    @step
    async def tell(value: str) -> str:
        seen.append(f"tell {value}")
        raise ValueError("no line")

    @workflow
    def trip(city: str) -> str:
        return tell(book(city))

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(trip, "Oslo")).outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "none"
    assert seen == ["tell Oslo as before"]


async def test_the_value_of_a_skip_is_checked(clock: MockClock) -> None:
    """R17, R13: a guard returns `None` or a `Skip` with a value of the step's type; anything else fails the step."""

    async def wrong_type(city: str) -> Skip[str] | None:
        wrong: Skip[object] = Skip(7)
        return wrong  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    async def wrong_answer(city: str) -> None:
        return False  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    for guard in (wrong_type, wrong_answer):

        @step(guards=[guard])
        async def book(city: str) -> str:
            raise AssertionError("it isn't run")

        @workflow(name=guard.__name__)
        def trip(city: str) -> str:
            return book(city)

        async with Runtime(clock=clock) as runtime:
            with pytest.raises(RunFailed) as failed:
                await runtime.run(trip, "Oslo")
        assert isinstance(failed.value.__cause__, InvalidValue)


async def test_halt_in_a_guard_gives_the_value_and_pauses_the_run(clock: MockClock) -> None:
    """R17: a guard may raise `Halt(value)`: the step is done with that value, and the run pauses."""
    seen: list[str] = []

    async def ask(city: str) -> None:
        raise Halt("later")

    @step(guards=[ask])
    async def book(city: str) -> str:
        seen.append("book")
        return city

    @book.undo
    async def unbook(value: str) -> None:
        seen.append(f"undo {value}")

    @step
    async def tell(value: str) -> str:
        seen.append(f"tell {value}")
        raise ValueError("no line")

    @workflow
    def trip(city: str) -> str:
        return tell(book(city))

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(trip, "Oslo")
        outcome = await run.outcome()
        assert isinstance(outcome, Halted) and outcome.by == "book"
        failed = await (await runtime.resume(trip, run.id)).outcome()
        assert isinstance(failed, Failed) and failed.rollback == "none"
    assert seen == ["tell later"]


async def test_an_error_of_a_guard_fails_the_step_without_compensation(clock: MockClock) -> None:
    """R17: an error of a guard fails the step without compensation, and isn't tried again for being named in `on=`."""
    seen: list[str] = []

    async def guard() -> None:
        seen.append("guard")
        raise ConnectionError("no line")

    @step(guards=[guard], retry=Retry(on=(ConnectionError,)))
    async def book() -> None:
        seen.append("book")

    @book.compensate
    async def settle(error: Exception) -> None:
        seen.append("compensate")

    @workflow
    def trip() -> None:
        book()

    async with Runtime(clock=clock) as runtime:
        history = History(runtime)
        with pytest.raises(RunFailed) as failed:
            await runtime.run(trip)
    assert seen == ["guard"]
    assert isinstance(failed.value.__cause__, ConnectionError)
    assert [(error.node, error.phase) for error in failed.value.errors] == [("book", "guard")]
    assert history.lines == [
        ("RunStarted", "", 0),
        ("StepScheduled", "book", 0),
        ("GuardsStarted", "book", 1),
        ("GuardFailed", "book", 1),
        ("StepGaveUp", "book", 1),
        ("RollbackStarted", "", 0),
        ("RunEnded", "", 0),
    ]


@pytest.mark.parametrize("is_async", [True, False])
async def test_where_is_the_yes_or_no_form(clock: MockClock, is_async: bool) -> None:
    """R17: `where=predicate` is the yes-or-no form; a no skips with `None`."""
    seen: list[str] = []

    async def wanted_async(nights: int) -> bool:
        return nights > 1

    def wanted(nights: int) -> bool:
        return nights > 1

    @step(where=wanted_async if is_async else wanted)
    async def book(nights: int) -> str | None:
        seen.append(f"book {nights}")
        return "booked"

    @book.undo
    async def unbook(value: str | None) -> None:
        seen.append("undo")

    @workflow
    def trip(nights: int) -> str | None:
        return book(nights)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trip, 3) == "booked"
        assert await runtime.run(trip, 1) is None
        run = await runtime.options(reversible=True).start(trip, 1)
        await run.result()
        await run.undo()
    assert seen == ["book 3"]


async def test_guards_that_a_halt_interrupts_run_again_from_the_first(clock: MockClock) -> None:
    """R17, R16: a guard still asked at the end of `halt_timeout` is cancelled; on resume all are asked again, and it doesn't
    count against `Retry`."""
    seen: list[str] = []

    async def first() -> None:
        seen.append("first")

    async def second() -> None:
        seen.append("second")
        if seen.count("second") == 1:
            await forever()

    @step(guards=[first, second], retry=Retry(attempts=1))
    async def book() -> int:
        return step_context().attempt

    @book.compensate
    async def settle(error: Exception) -> None:
        seen.append("compensate")

    @step
    async def pause() -> None:
        raise Halt

    @workflow
    def both() -> int:
        pause()
        return book()

    async with Runtime(clock=clock) as runtime:
        halted = await (await runtime.start(both)).outcome()
        assert isinstance(halted, Halted) and halted.snapshot is not None and halted.set_aside == ()
        assert clock.monotonic() == 5.0
        resumed = await runtime.resume(both, halted.snapshot)
        assert await resumed.result() == 2
    assert seen == ["first", "second", "first", "second"]


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
async def test_guards_that_a_rollback_interrupts_leave_nothing_to_compensate(clock: MockClock, how: str) -> None:
    """R17, R21: a guard that is cancelled in a rollback: the step's own code was never entered."""
    seen: list[str] = []

    async def guard() -> None:
        seen.append("guard")
        await forever()

    @step(guards=[guard])
    async def book() -> None:
        seen.append("book")

    @book.compensate
    async def settle(error: Exception) -> None:
        seen.append("compensate")

    @step
    async def other() -> None:
        if how == "fails":
            raise ValueError
        await forever()

    @workflow
    def both() -> None:
        other()
        book()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(both)
        await clock.advance(1)
        if how == "is cancelled":
            await run.cancel()
        outcome = await run.outcome()
        assert clock.monotonic() == (5.0 if how == "fails" else 1.0)
    assert isinstance(outcome, Failed if how == "fails" else Cancelled)
    assert outcome.rollback == "none"
    assert seen == ["guard"]


async def test_a_guard_that_passes_while_its_run_halts_does_not_start_the_step(clock: MockClock) -> None:
    """R17, R16: guards that have passed meanwhile have passed; the step starts on resume."""
    seen: list[str] = []

    async def guard() -> None:
        await clock.advance(2)
        seen.append("guard")

    @step(guards=[guard])
    async def book() -> int:
        seen.append("book")
        return step_context().attempt

    @step
    async def pause() -> None:
        raise Halt

    @workflow
    def both() -> int:
        pause()
        return book()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(both)
        assert isinstance(await run.outcome(), Halted)
        assert (seen, clock.monotonic()) == (["guard"], 2.0)
        assert await (await runtime.resume(both, run.id)).result() == 1
    assert seen == ["guard", "book"]
