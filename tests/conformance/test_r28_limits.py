"""R28: a limit is a concurrency key: a pool shared by all runs in the runtime, with a bound, a rate, or both."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from actorflow import (
    Failed,
    Halt,
    Halted,
    InvalidInput,
    InvalidState,
    InvalidStep,
    InvalidWorkflow,
    Limit,
    Rate,
    Recover,
    Retry,
    RunFailed,
    Runtime,
    TryAgain,
    step,
    step_context,
    workflow,
)
from actorflow.facts import PermitsAcquired, PermitsWaited
from actorflow.testing import MockClock
from tests.conformance.seen import History


class InFlight:
    """Counts who is inside at once."""

    def __init__(self, clock: MockClock, seconds: float = 1.0) -> None:
        self.clock = clock
        self.seconds = seconds
        self.inside = 0
        self.most = 0
        self.starts: list[float] = []

    async def __call__(self) -> None:
        self.starts.append(self.clock.monotonic())
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.clock.advance(self.seconds)
        self.inside -= 1


# ── the bound ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_bound_on_steps_in_flight_is_shared_by_all_runs(clock: MockClock) -> None:
    """R28: a pool shared by all runs in the runtime, with a bound on steps in flight; each gets a permit as one comes back."""
    work = InFlight(clock)

    @step(limit=Limit("airline", at_most=2))
    async def reserve() -> None:
        await work()

    @workflow
    def pair() -> None:
        reserve()
        reserve()

    async with Runtime(clock=clock) as runtime:
        await asyncio.gather(*(runtime.run(pair) for _ in range(3)))
    assert work.most == 2
    assert work.starts == [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]


async def test_nested_runs_share_the_pool(clock: MockClock) -> None:
    """R28: … nested ones included: composed workflows and child runs."""
    work = InFlight(clock)

    @step(limit=Limit("airline", at_most=2))
    async def reserve() -> None:
        await work()

    @workflow
    def inner() -> None:
        reserve()
        reserve()

    @step
    async def start_child() -> None:
        await step_context().run(inner)

    @workflow
    def outer() -> None:
        inner()
        inner()
        start_child()
        reserve()

    async with Runtime(clock=clock) as runtime:
        await runtime.run(outer)
    assert work.most == 2
    assert sorted(work.starts) == [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0]


async def test_a_limit_of_one_runtime_is_not_shared_with_another(clock: MockClock) -> None:
    """R28: the pool is shared by all runs in the runtime, and by no other."""
    work = InFlight(clock)

    @step(limit=Limit("airline", at_most=1))
    async def reserve() -> None:
        await work()

    @workflow
    def one() -> None:
        reserve()

    async with Runtime(clock=clock) as first, Runtime(clock=clock) as second:
        await asyncio.gather(first.run(one), second.run(one))
    assert work.starts == [0.0, 0.0]


# ── the rate ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_rate_of_starts(clock: MockClock) -> None:
    """R28: `Rate(5, per=1.0)`: at most five starts in any window of 1.0 s, however long the steps take."""
    starts: list[float] = []

    @step(limit=Limit("api", rate=Rate(5, per=1.0)))
    async def call() -> None:
        starts.append(clock.monotonic())

    @workflow
    def calls(count: int) -> None:
        for _ in range(4):
            call()

    async with Runtime(clock=clock) as runtime:
        first = await runtime.start(calls, 4)
        await clock.advance(0.75)
        await asyncio.gather(first.result(), runtime.run(calls, 4), runtime.run(calls, 4))
    assert starts == [0.0] * 4 + [0.75] + [1.0] * 4 + [1.75] + [2.0] * 2


async def test_attempts_count_as_starts(clock: MockClock) -> None:
    """R28: … attempts included."""
    starts: list[float] = []

    @step(limit=Limit("api", rate=Rate(2, per=10.0)), retry=Retry(attempts=None))
    async def call() -> None:
        starts.append(clock.monotonic())
        if len(starts) < 5:
            raise TryAgain(after=1)

    @workflow
    def one() -> None:
        call()

    async with Runtime(clock=clock) as runtime:
        await runtime.run(one)
    assert starts == [0.0, 1.0, 10.0, 11.0, 20.0]


async def test_a_permit_that_could_not_be_used_is_no_start(clock: MockClock) -> None:
    """R28: a rate of starts: a permit that comes when the run has no room for the step leaves the window as it was."""
    starts: list[float] = []

    @step(limit=Limit("api", rate=Rate(1, per=10.0)))
    async def call() -> None:
        starts.append(clock.monotonic())

    @step
    async def work() -> None:
        await clock.advance(15)

    @workflow
    def three() -> None:
        call()
        call()
        work()

    async with Runtime(clock=clock) as runtime:
        await runtime.options(max_concurrency=1).run(three)
    assert starts == [0.0, 15.0]


async def test_bound_and_rate_together(clock: MockClock) -> None:
    """R28: a bound on steps in flight, a rate of starts, or both."""
    work = InFlight(clock, seconds=4.0)

    @step(limit=Limit("api", at_most=2, rate=Rate(3, per=10.0)))
    async def call() -> None:
        await work()

    @workflow
    def calls() -> None:
        for _ in range(5):
            call()

    async with Runtime(clock=clock) as runtime:
        await runtime.run(calls)
    assert work.starts == [0.0, 0.0, 4.0, 10.0, 10.0]


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_key_computes_the_pool_from_the_arguments_that_it_names(clock: MockClock) -> None:
    """R28: `key` is called with those of the step's arguments that it names, defaults filled in."""
    asked: list[tuple[str, int]] = []
    work = InFlight(clock)

    def airline(nights: int, airline: str) -> str:
        asked.append((airline, nights))
        return airline

    @step(limit=Limit("airline", at_most=1, key=airline))
    async def reserve(city: str, airline: str, *, nights: int = 2) -> None:
        await work()

    @workflow
    def trips() -> None:
        reserve("Oslo", "SAS")
        reserve("Bergen", "SAS", nights=3)
        reserve("Rome", airline="ITA")

    async with Runtime(clock=clock) as runtime:
        await runtime.run(trips)
    assert sorted(asked) == [("ITA", 2), ("SAS", 2), ("SAS", 3)]
    assert work.starts == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("key", ["raises", "unhashable"])
async def test_a_key_that_raises_fails_the_step_without_compensation(clock: MockClock, key: str) -> None:
    """R28: one that raises fails the step without compensation: nothing was begun."""
    seen: list[str] = []

    def airline(city: str) -> Any:
        if key == "raises":
            raise LookupError(city)
        return [city]

    @step(limit=Limit("airline", at_most=1, key=airline))
    async def reserve(city: str) -> None:
        seen.append("reserve")

    @reserve.compensate
    async def settle(error: Exception, city: str) -> None:
        seen.append("settle")

    @workflow
    def trip() -> None:
        reserve("Oslo")

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(trip)
    assert isinstance(failed.value.__cause__, LookupError if key == "raises" else TypeError)
    (error,) = failed.value.errors
    assert (error.node, error.phase, error.attempt) == ("reserve", "run", 1)
    assert (seen, failed.value.rollback) == ([], "none")


async def test_a_computed_pool_goes_when_it_is_free(clock: MockClock) -> None:
    """R28: a computed pool goes when it's free: nothing keeps its key."""
    keys: list[weakref.ref[Key]] = []

    class Key:
        pass

    def key(city: str) -> Key:
        made = Key()
        keys.append(weakref.ref(made))
        return made

    @step(limit=Limit("city", at_most=1, rate=Rate(1, per=5.0), key=key))
    async def reserve(city: str) -> None: ...

    @workflow
    def trip(city: str) -> None:
        reserve(city)

    async with Runtime(clock=clock) as runtime:
        await runtime.run(trip, "Oslo")
        await clock.advance(10)
        await runtime.run(trip, "Rome")
        gc.collect()
        assert [key() is None for key in keys] == [True, False]


async def test_the_pool_of_an_undo_is_known_after_a_resume(clock: MockClock) -> None:
    """R28, R16: an undo takes the permit of its step's own pool, though the run was resumed from a snapshot meanwhile."""
    seen: list[str] = []

    @step
    async def find() -> str:
        return "SAS"

    @step(limit=Limit("airline", at_most=1, key=lambda airline: airline.lower()))
    async def reserve(airline: str) -> str:
        return f"seat with {airline}"

    @reserve.undo
    async def release(value: str) -> None:
        seen.append(value)

    @step
    async def pause(after: str) -> None:
        raise Halt

    @step
    async def fail(after: None) -> None:
        raise ValueError("no")

    @workflow
    def trip() -> None:
        fail(pause(reserve(find())))

    async with Runtime(clock=clock) as runtime:
        halted = await (await runtime.start(trip)).outcome()
        assert isinstance(halted, Halted) and halted.snapshot is not None
    async with Runtime(clock=clock) as runtime:
        failed = await (await runtime.resume(trip, halted.snapshot)).outcome()
    assert isinstance(failed, Failed)
    assert [str(error.error) for error in failed.error.errors] == ["no"]
    assert (failed.rollback, seen) == ("complete", ["seat with SAS"])


# ── several ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_several_limits_are_taken_all_or_none(clock: MockClock) -> None:
    """R28: several limits on a step are taken in order of name, all or none: who waits for one holds nothing of the other."""
    a, b = Limit("a", at_most=1), Limit("b", at_most=1)
    seen: list[str] = []
    b_is_held, goes_on = asyncio.Event(), asyncio.Event()

    @step(limit=b)
    async def hold_b() -> None:
        b_is_held.set()
        await goes_on.wait()

    @step(limit=(b, a))
    async def take_both() -> None:
        seen.append("both")

    @step(limit=a)
    async def take_a() -> None:
        seen.append("a")
        goes_on.set()

    @workflow
    def one() -> None:
        hold_b()

    @workflow
    def two() -> None:
        take_both()

    @workflow
    def three() -> None:
        take_a()

    async with Runtime(clock=clock) as runtime:
        history = History(runtime, PermitsWaited, PermitsAcquired)
        holding = await runtime.start(one)
        await b_is_held.wait()
        waiting = await runtime.start(two)
        await clock.advance(1)
        assert seen == []
        await runtime.run(three)
        await asyncio.gather(holding.result(), waiting.result())
    assert seen == ["a", "both"]
    pools = [(type(fact).__name__, fact.pools) for fact in history.facts if isinstance(fact, PermitsWaited)]
    assert pools == [("PermitsWaited", ("a", "b"))]


async def test_steps_that_take_their_limits_crosswise_do_not_block_each_other(clock: MockClock) -> None:
    """R28: in order of name, all or none: no deadlock, whatever the order in which a step was given them."""
    a, b, c = (Limit(name, at_most=1) for name in "abc")
    work = InFlight(clock)

    @step(limit=(a, b))
    async def ab() -> None:
        await work()

    @step(limit=(b, c))
    async def bc() -> None:
        await work()

    @step(limit=(c, a))
    async def ca() -> None:
        await work()

    @workflow
    def triangle() -> None:
        for one in (ab, bc, ca):
            one()

    async with Runtime(clock=clock) as runtime:
        await asyncio.gather(*(runtime.run(triangle) for _ in range(4)))
    assert (work.most, len(work.starts)) == (1, 12)


async def test_two_limits_of_one_name_with_other_numbers_are_refused_in_a_workflow(clock: MockClock) -> None:
    """R28: two limits of one name with other numbers are refused, before anything runs."""

    @step(limit=Limit("airline", at_most=1))
    async def one() -> None: ...

    @step(limit=Limit("airline", at_most=2))
    async def other() -> None: ...

    @workflow
    def both() -> None:
        one()
        other()

    with pytest.raises(InvalidWorkflow, match="airline"):
        both.compile()


@pytest.mark.parametrize("known_from", ["the runtime", "another workflow"])
async def test_two_limits_of_one_name_with_other_numbers_are_refused_in_a_runtime(
    clock: MockClock, known_from: str
) -> None:
    """R28: … also when they come from two workflows, or from `Runtime(limits=…)`: the pool is shared by all runs."""
    seen: list[str] = []

    @step(limit=Limit("airline", at_most=1))
    async def reserve() -> None:
        seen.append("reserve")

    @step(limit=Limit("airline", rate=Rate(1, per=1.0)))
    async def release() -> None:
        seen.append("release")

    @workflow
    def first() -> None:
        reserve()

    @workflow
    def second() -> None:
        release()

    limits = [Limit("airline", at_most=1)] if known_from == "the runtime" else []
    async with Runtime(clock=clock, limits=limits) as runtime:
        if known_from == "another workflow":
            await runtime.run(first)
        with pytest.raises(InvalidWorkflow, match="airline"):
            await runtime.start(second)
        await runtime.run(first)
    assert "release" not in seen


async def test_two_limits_of_one_name_given_to_a_runtime_are_refused() -> None:
    """R28: … and when both are given to the runtime."""
    with pytest.raises((InvalidStep, InvalidInput), match="airline"):
        async with Runtime(limits=[Limit("airline", at_most=1), Limit("airline", at_most=2)]):
            raise AssertionError("it isn't entered")


async def test_equal_limits_are_one_pool(clock: MockClock) -> None:
    """R28: a concurrency key is a value: two limits of one name with the same numbers are one pool."""
    work = InFlight(clock)

    @step(limit=Limit("airline", at_most=1))
    async def one() -> None:
        await work()

    @step(limit=Limit("airline", at_most=1))
    async def other() -> None:
        await work()

    @workflow
    def both() -> None:
        one()
        other()

    async with Runtime(clock=clock) as runtime:
        await runtime.run(both)
    assert work.starts == [0.0, 1.0]


# ── changing one ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def fan() -> Callable[..., Any]:
    def make(limit: Limit, count: int, work: Callable[[], Any]) -> Any:
        @step(limit=limit)
        async def call() -> None:
            await work()

        @workflow
        def calls() -> None:
            for _ in range(count):
                call()

        return calls

    return make


async def test_raising_a_limit_admits_at_once(clock: MockClock, fan: Callable[..., Any]) -> None:
    """R28: `runtime.limit(name, at_most=…)` changes one: raising admits at once."""
    work = InFlight(clock, seconds=10.0)
    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(fan(Limit("api", at_most=1), 4, work))
        await clock.advance(3)
        runtime.limit("api", at_most=3)
        await run.result()
    assert work.starts == [0.0, 3.0, 3.0, 10.0]


async def test_lowering_a_limit_lets_holders_finish(clock: MockClock, fan: Callable[..., Any]) -> None:
    """R28: … lowering lets holders finish."""
    work = InFlight(clock, seconds=10.0)
    async with Runtime(clock=clock, limits=[Limit("api", at_most=3)]) as runtime:
        run = await runtime.start(fan(Limit("api", at_most=3), 5, work))
        await clock.advance(3)
        runtime.limit("api", at_most=1)
        await run.result()
    assert work.starts == [0.0, 0.0, 0.0, 10.0, 20.0]


async def test_none_takes_a_bound_away_and_what_is_not_given_stays(clock: MockClock, fan: Callable[..., Any]) -> None:
    """R28: in `runtime.limit` what isn't given stays, `None` takes a bound away."""
    work = InFlight(clock, seconds=1.0)
    limit = Limit("api", at_most=2, rate=Rate(1, per=5.0))
    async with Runtime(clock=clock, limits=[limit]) as runtime:
        run = await runtime.start(fan(limit, 8, work))
        await clock.advance(0.5)
        runtime.limit("api", rate=None)
        await clock.advance(1.75)
        assert work.starts == [0.0, 0.5, 1.0, 1.5, 2.0]
        runtime.limit("api", at_most=None)
        await run.result()
    assert work.starts[5:] == [2.25] * 3


async def test_a_rate_stays_when_only_the_bound_is_changed(clock: MockClock, fan: Callable[..., Any]) -> None:
    """R28: … what isn't given stays."""
    work = InFlight(clock, seconds=1.0)
    limit = Limit("api", at_most=1, rate=Rate(2, per=10.0))
    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(fan(limit, 4, work))
        runtime.limit("api", at_most=1)
        await clock.advance(0.5)
        runtime.limit("api", at_most=None)
        await run.result()
    assert work.starts == [0.0, 0.5, 10.0, 10.5]


async def test_changing_a_limit_that_is_not_known_is_refused(clock: MockClock) -> None:
    """R28: a name that isn't known, and numbers that make no sense, are refused; the nearest name is suggested."""
    async with Runtime(clock=clock, limits=[Limit("airline", at_most=1)]) as runtime:
        with pytest.raises(InvalidState, match="did you mean 'airline'"):
            runtime.limit("airlime", at_most=2)
        wrong: Any
        for wrong in (0, -1, 1.5, True, "2"):
            with pytest.raises(InvalidInput):
                runtime.limit("airline", at_most=wrong)
        with pytest.raises(InvalidInput):
            wrong = 5
            runtime.limit("airline", rate=wrong)


# ── undos and compensations ───────────────────────────────────────────────────────────────────────────────────────────


async def test_undos_take_permits_at_the_front(clock: MockClock) -> None:
    """R28: undos take permits too, at the front: before those who have waited longer."""
    pool = Limit("pool", at_most=1)
    seen: list[str] = []
    held, goes_on, waits = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @step(limit=pool)
    async def reserve() -> str:
        return "seat"

    @reserve.undo
    async def release(value: str) -> None:
        seen.append("undo")

    @step
    async def fail(after: str) -> None:
        await waits.wait()
        raise ValueError

    @step(limit=pool)
    async def hold() -> None:
        held.set()
        await goes_on.wait()

    @step(limit=pool)
    async def wait_in_line() -> None:
        seen.append("line")

    @workflow
    def failing() -> None:
        fail(reserve())

    @workflow
    def holding() -> None:
        hold()

    @workflow
    def waiting() -> None:
        wait_in_line()
        wait_in_line()

    async with Runtime(clock=clock) as runtime:
        failing_run = await runtime.start(failing)
        await clock.advance(1)
        holding_run = await runtime.start(holding)
        await held.wait()
        waiting_run = await runtime.options(priority=9).start(waiting)
        await clock.advance(1)
        waits.set()
        await clock.advance(1)
        assert (seen, failing_run.status()) == ([], "rolling_back")
        goes_on.set()
        await asyncio.gather(failing_run.outcome(), holding_run.result(), waiting_run.result())
    assert seen == ["undo", "line", "line"]


@pytest.mark.parametrize("handler", ["undo", "compensate"])
async def test_undos_and_compensations_go_without_the_rate(clock: MockClock, handler: str) -> None:
    """R28: undos and compensations take permits without the rate."""
    seen: list[float] = []

    @step(limit=Limit("api", at_most=1, rate=Rate(1, per=1000.0)))
    async def call() -> str:
        if handler == "compensate":
            raise TryAgain(after=500)
        return "called"

    @call.undo
    async def take_back(value: str) -> None:
        seen.append(clock.monotonic())

    @call.compensate
    async def settle(error: Exception) -> None:
        seen.append(clock.monotonic())

    @step
    async def fail() -> None:
        await clock.advance(1)
        raise ValueError

    @workflow
    def pair() -> None:
        call()
        fail()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(pair)
    assert seen == [1.0]


async def test_a_compensation_keeps_its_attempts_permit(clock: MockClock) -> None:
    """R28: a compensation keeps its attempt's permit: nobody else goes in between."""
    pool = Limit("pool", at_most=1)
    seen: list[str] = []

    @step(limit=pool)
    async def charge(name: str) -> str:
        seen.append(f"charge {name}")
        await clock.advance(1)
        raise ValueError

    @charge.compensate
    async def settle(error: Exception, name: str) -> Recover[str] | None:
        await clock.advance(1)
        seen.append(f"settle {name}")
        return Recover(name)

    @workflow
    def pair() -> list[str]:
        return [charge("a"), charge("b")]

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(pair) == ["a", "b"]
    assert seen == ["charge a", "settle a", "charge b", "settle b"]


async def test_a_handler_that_waits_for_its_next_try_holds_no_permit(clock: MockClock) -> None:
    """R28, R15: between the tries of an undo or a compensation others may have the permit."""
    pool = Limit("pool", at_most=1)
    seen: list[tuple[str, float]] = []

    def later(*_: object) -> float:
        return 10.0

    @step(limit=pool)
    async def charge() -> str:
        raise ValueError

    @charge.compensate(retry=Retry(attempts=2, backoff=later))
    async def settle(error: Exception) -> None:
        seen.append(("settle", clock.monotonic()))
        if len(seen) == 1:
            raise OSError

    @step(limit=pool)
    async def other() -> None:
        seen.append(("other", clock.monotonic()))

    @workflow
    def failing() -> None:
        charge()

    @workflow
    def waiting() -> None:
        other()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(failing)
        await clock.advance(1)
        await runtime.run(waiting)
        await run.outcome()
    assert seen == [("settle", 0.0), ("other", 1.0), ("settle", 10.0)]
