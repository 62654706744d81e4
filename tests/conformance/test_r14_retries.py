"""R14: who asks for another attempt, how many there are, and what becomes of the last one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import (
    AttemptsExhausted,
    Failed,
    Fixed,
    Halt,
    Halted,
    Retry,
    Runtime,
    TryAgain,
    Workflow,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.worker_steps import ask_again


class Raising:
    """A step that raises one exception after the other, then succeeds, and what it and its compensation saw."""

    def __init__(self, clock: MockClock, *raised: BaseException, retry: Retry | None = None) -> None:
        self.began: list[float] = []
        self.compensated: list[Exception] = []
        waiting = list(raised)

        @step(retry=retry or Retry(backoff=Fixed(1.0)))
        async def work() -> int:
            self.began.append(clock.monotonic())
            assert step_context().attempt == len(self.began)
            if waiting:
                raise waiting.pop(0)
            return len(self.began)

        @work.compensate
        async def settle(error: Exception) -> None:
            self.compensated.append(error)

        @workflow
        def trying() -> int:
            return work()

        self.flow: Workflow[[], int] = trying

    async def failed(self, clock: MockClock) -> BaseException | None:
        async with Runtime(clock=clock) as runtime:
            outcome = await (await runtime.start(self.flow)).outcome()
        assert isinstance(outcome, Failed)
        return outcome.error.__cause__

    async def succeeded(self, clock: MockClock) -> int:
        async with Runtime(clock=clock) as runtime:
            return await runtime.run(self.flow)


# ── who asks ──


async def test_try_again_asks_for_another_attempt(clock: MockClock) -> None:
    """R14: raising `TryAgain(reason=None, after=None)` asks for another attempt."""
    work = Raising(clock, TryAgain(), TryAgain("busy"), TryAgain(OSError()), TryAgain(after=5.0))
    assert await work.succeeded(clock) == 5
    assert work.began == [0.0, 1.0, 2.0, 3.0, 8.0]


async def test_so_does_an_exception_that_is_named(clock: MockClock) -> None:
    """R14: so does an exception of a class named in `Retry(on=…)`: of a subclass, too."""
    retry = Retry(on=(OSError, KeyError), backoff=Fixed(1.0))
    work = Raising(clock, OSError(), ConnectionResetError(), KeyError(), retry=retry)
    assert await work.succeeded(clock) == 4


async def test_no_other_exception_does(clock: MockClock) -> None:
    """R14: … of a class named: another one is a failure at once."""
    error = ValueError()
    work = Raising(clock, error, retry=Retry(on=(OSError,)))
    assert await work.failed(clock) is error
    assert work.began == [0.0]
    assert work.compensated == [error]


async def test_neither_has_failed_yet(clock: MockClock) -> None:
    """R14: neither has failed yet, so neither is compensated."""
    work = Raising(clock, TryAgain(), OSError(), retry=Retry(on=(OSError,)))
    assert await work.succeeded(clock) == 3
    assert work.compensated == []


# ── how many there are ──


async def test_attempts_are_counted_in_all(clock: MockClock) -> None:
    """R14: `Retry(attempts=4)` allows four in all."""
    work = Raising(clock, *[TryAgain()] * 9, retry=Retry(attempts=4))
    await work.failed(clock)
    assert len(work.began) == 4


async def test_asking_and_failing_are_counted_together(clock: MockClock) -> None:
    """R14: … whoever asked for them."""
    work = Raising(clock, *[TryAgain(), OSError()] * 9, retry=Retry(attempts=4, on=(OSError,)))
    await work.failed(clock)
    assert len(work.began) == 4


async def test_there_are_five_unless_told(clock: MockClock) -> None:
    """R14: (default 5, with a `Retry` and without one)."""
    given = Raising(clock, *[TryAgain()] * 9, retry=Retry())
    await given.failed(clock)
    assert len(given.began) == 5
    began = []

    @step
    async def plain() -> None:
        began.append(step_context().attempt)
        raise TryAgain

    @workflow
    def trying() -> None:
        plain()

    async with Runtime(clock=clock) as runtime:
        assert isinstance(await (await runtime.start(trying)).outcome(), Failed)
    assert began == [1, 2, 3, 4, 5]


async def test_there_may_be_no_end(clock: MockClock) -> None:
    """R14: (`None`: no end)."""
    work = Raising(clock, *[TryAgain(after=3600.0)] * 200, retry=Retry(attempts=None))
    assert await work.succeeded(clock) == 201


async def test_within_bounds_attempts_and_waits_together(clock: MockClock) -> None:
    """R14: `within=` bounds attempts and waits together: the next one must begin within it."""
    began = []

    @step(retry=Retry(attempts=None, within=10.0, backoff=Fixed(3.0)))
    async def work() -> None:
        began.append(clock.monotonic())
        await asyncio.sleep(1.0)
        raise TryAgain("busy")

    @workflow
    def trying() -> None:
        work()

    async with Runtime(clock=clock) as runtime:
        await asyncio.sleep(100.0)  # the mock clock's: it isn't the runtime's time that counts, nor the run's
        outcome = await (await runtime.start(trying)).outcome()
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__cause__, AttemptsExhausted)
    assert began == [100.0, 104.0, 108.0]
    assert clock.monotonic() == 109.0


async def test_the_number_of_attempts_holds_within_too(clock: MockClock) -> None:
    """R14: … both bounds hold."""
    work = Raising(clock, *[TryAgain(after=1.0)] * 9, retry=Retry(attempts=3, within=100.0))
    await work.failed(clock)
    assert work.began == [0.0, 1.0, 2.0]


# ── out of attempts ──


async def test_the_exception_that_was_given_is_the_failure(clock: MockClock) -> None:
    """R14: out of attempts, the attempt fails: with the exception given."""
    first, last = OSError("first"), OSError("last")
    work = Raising(clock, TryAgain(first), TryAgain(last), retry=Retry(attempts=2))
    assert await work.failed(clock) is last


async def test_the_exception_that_was_named_is_the_failure(clock: MockClock) -> None:
    """R14: … and with the one that `on=` names, as it was raised."""
    first, last = OSError("first"), OSError("last")
    work = Raising(clock, first, last, retry=Retry(attempts=2, on=(OSError,)))
    assert await work.failed(clock) is last


@pytest.mark.parametrize("text", ["busy", None])
async def test_otherwise_its_attempts_are_exhausted(clock: MockClock, text: str | None) -> None:
    """R14: … or with `AttemptsExhausted`, carrying the text given, if any."""
    work = Raising(clock, *[TryAgain(text)] * 9, retry=Retry(attempts=3))
    error = await work.failed(clock)
    assert isinstance(error, AttemptsExhausted)
    assert (error.node, error.attempts, error.text) == ("work", 3, text or "")


async def test_a_worker_process_asks_in_the_same_way(clock: MockClock) -> None:
    """R14: … from a worker process as well."""

    @workflow
    def trying() -> None:
        ask_again("busy")

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(trying)).outcome()
    assert isinstance(outcome, Failed)
    error = outcome.error.__cause__
    assert isinstance(error, AttemptsExhausted)
    assert (error.attempts, error.text) == (3, "busy")


@pytest.mark.parametrize("raised", [TryAgain("busy"), TryAgain(OSError("gone")), OSError("gone")])
async def test_then_its_compensated_like_any_failure(clock: MockClock, raised: Exception) -> None:
    """R14: then it's compensated like any failure, once."""
    work = Raising(clock, *[raised] * 9, retry=Retry(attempts=3, on=(OSError,)))
    error = await work.failed(clock)
    assert work.compensated == [error]
    assert not isinstance(error, TryAgain)


# ── what the count survives ──


class Paused:
    """A step that asks for another attempt each time, at most three, beside one that halts its run at the first attempt of the other."""

    def __init__(self, clock: MockClock) -> None:
        self.attempts: list[int] = []

        @step(retry=Retry(attempts=3))
        async def work() -> None:
            self.attempts.append(step_context().attempt)
            raise TryAgain("busy", after=50.0)

        @step
        async def pause() -> None:
            raise Halt

        @workflow
        def pausing() -> None:
            pause()
            work()

        self.flow: Workflow[[], None] = pausing

    async def halted(self, runtime: Runtime) -> tuple[str, bytes]:
        run = await runtime.start(self.flow)
        outcome = await run.outcome()
        assert isinstance(outcome, Halted)
        assert outcome.snapshot is not None
        assert self.attempts == [1]
        return run.id, outcome.snapshot

    async def finished(self, runtime: Runtime, run: str | bytes) -> Any:
        outcome = await (await runtime.resume(self.flow, run)).outcome()
        assert isinstance(outcome, Failed)
        return outcome.error.__cause__


async def test_the_count_survives_halt_and_resume(clock: MockClock) -> None:
    """R14: the count survives halt, resume."""
    paused = Paused(clock)
    async with Runtime(clock=clock) as runtime:
        run_id, _ = await paused.halted(runtime)
        error = await paused.finished(runtime, run_id)
    assert paused.attempts == [1, 2, 3]
    assert error.attempts == 3


async def test_the_count_survives_in_a_snapshot(clock: MockClock) -> None:
    """R14: … in a snapshot as well, which another runtime resumes."""
    paused = Paused(clock)
    async with Runtime(clock=clock) as runtime:
        _, snapshot = await paused.halted(runtime)
    async with Runtime(clock=clock) as runtime:
        error = await paused.finished(runtime, snapshot)
    assert paused.attempts == [1, 2, 3]
    assert error.attempts == 3


# ── exceptions, and groups of them ──


def test_both_are_exceptions() -> None:
    """R14: `TryAgain` and `Halt` are `Exception`s."""
    assert issubclass(TryAgain, Exception)
    assert issubclass(Halt, Exception)


async def test_a_group_of_try_agains_counts_as_one(clock: MockClock) -> None:
    """R14: a group whose leaves are all `TryAgain` counts as one (the longest `after` wins)."""
    within = ExceptionGroup("within", [TryAgain("long", after=7.0)])
    group = ExceptionGroup("group", [TryAgain("short", after=1.0), within, TryAgain("whenever")])
    work = Raising(clock, group, retry=Retry(attempts=2))
    assert await work.succeeded(clock) == 2
    assert work.began == [0.0, 7.0]


async def test_such_a_group_out_of_attempts_is_exhausted(clock: MockClock) -> None:
    """R14: … counts as one: out of attempts, too."""
    group = ExceptionGroup("group", [TryAgain("short", after=1.0), TryAgain("long", after=7.0)])
    work = Raising(clock, group, retry=Retry(attempts=1))
    error = await work.failed(clock)
    assert isinstance(error, AttemptsExhausted)
    assert error.text == "long"
    assert error.__cause__ is group


async def test_a_group_whose_leaves_all_match_matches(clock: MockClock) -> None:
    """R14: a group whose leaves all match `on=` matches."""
    group = ExceptionGroup("group", [OSError(), ExceptionGroup("within", [KeyError(), ConnectionResetError()])])
    work = Raising(clock, group, retry=Retry(on=(OSError, KeyError)))
    assert await work.succeeded(clock) == 2


@pytest.mark.parametrize(
    "leaves",
    [[OSError(), ValueError()], [TryAgain(), ValueError()], [TryAgain(), OSError()], [Halt(), TryAgain()], [Halt()]],
    ids=["one isn't named", "not all ask", "asks and is named", "halts and asks", "halts"],
)
async def test_any_other_group_is_an_ordinary_failure(clock: MockClock, leaves: list[Exception]) -> None:
    """R14: any other group is an ordinary failure."""
    group = ExceptionGroup("group", leaves)
    work = Raising(clock, group, retry=Retry(on=(OSError,)))
    assert await work.failed(clock) is group
    assert len(work.began) == 1
    assert work.compensated == [group]
