"""R15: how long a step waits for its next attempt, and what the wait costs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import pytest

from actorflow import Backoff, Exponential, Failed, Fixed, Limit, Retry, Runtime, TryAgain, Workflow, step, workflow
from actorflow.testing import MockClock


def trying(clock: MockClock, began: list[float], *raised: Exception, retry: Retry) -> Workflow[[], None]:
    waiting = list(raised)

    @step(retry=retry)
    async def work() -> None:
        began.append(clock.monotonic())
        if waiting:
            raise waiting.pop(0)

    @workflow
    def again() -> None:
        work()

    return again


def waits(began: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(began)]


# ── what gives the delay ──


async def test_the_backoff_is_given_reason_arguments_and_number(clock: MockClock) -> None:
    """R15: the backoff gives a delay, from the reason, the arguments and the number of the attempt that has just ended."""
    asked: list[tuple[int, BaseException | None, Mapping[str, Any]]] = []
    began = []
    plain, wrapped = OSError("plain"), OSError("wrapped")
    raised: list[Exception] = [plain, TryAgain(wrapped), TryAgain("busy")]

    def backoff(
        attempt: int, reason: BaseException | None, arguments: Mapping[str, Any], random: Callable[[], float]
    ) -> float:
        asked.append((attempt, reason, dict(arguments)))
        assert 0 <= random() < 1
        return 10.0 * attempt

    @step(retry=Retry(on=(OSError,), backoff=backoff))
    async def work(city: str, *legs: int, nights: int = 2) -> None:
        began.append(clock.monotonic())
        if raised:
            raise raised.pop(0)

    @workflow
    def again() -> None:
        work("Oslo", 4, 5)

    async with Runtime(clock=clock) as runtime:
        await runtime.run(again)
    assert began == [0.0, 10.0, 30.0, 60.0]
    assert [(attempt, arguments) for attempt, _, arguments in asked] == [
        (number, {"city": "Oslo", "legs": (4, 5), "nights": 2}) for number in (1, 2, 3)
    ]
    assert asked[0][1] is plain
    assert asked[1][1] is wrapped
    assert "busy" in str(asked[2][1])


async def test_after_overrides_it(clock: MockClock) -> None:
    """R15: `TryAgain(after=…)` overrides it: it isn't even asked."""

    def never(*_: object) -> float:
        raise AssertionError

    began: list[float] = []
    flow = trying(clock, began, TryAgain(after=3.0), TryAgain(after=0.0), retry=Retry(backoff=never))
    async with Runtime(clock=clock) as runtime:
        await runtime.run(flow)
    assert began == [0.0, 3.0, 3.0]


async def test_the_backoff_unless_told(clock: MockClock) -> None:
    """R15: `backoff=None` is `Exponential(0.1, most=5)`; jitter comes from the runtime's own random source."""
    began: list[float] = []
    flow = trying(clock, began, *[TryAgain()] * 9, retry=Retry(attempts=10))
    async with Runtime(clock=clock, seed=7) as runtime:
        await runtime.run(flow)
    source, backoff = random.Random(7).random, Exponential(0.1, most=5)
    assert waits(began) == pytest.approx([backoff(attempt, None, {}, source) for attempt in range(1, 10)])


@pytest.mark.parametrize("attempt", [1, 2, 3, 10, 100_000])
@pytest.mark.parametrize(("factor", "jitter", "drawn"), [(2.0, 0.5, 0.25), (3.0, 0.0, 0.9), (1.0, 1.0, 0.5)])
def test_what_exponential_gives(attempt: int, factor: float, jitter: float, drawn: float) -> None:
    """R15: `Exponential` gives `min(most, first * factor ** (attempt - 1)) * (1 - jitter * random())`."""
    backoff = Exponential(0.5, factor=factor, most=60.0, jitter=jitter)
    grown = 0.5 * factor ** min(attempt - 1, 100)
    assert backoff(attempt, None, {}, lambda: drawn) == pytest.approx(min(60.0, grown) * (1 - jitter * drawn))


def test_what_fixed_gives() -> None:
    """R15: a backoff is whatever gives a delay; `Fixed` gives the same each time."""
    assert [Fixed(2.5)(attempt, None, {}, random.random) for attempt in (1, 2, 9)] == [2.5] * 3


def raises(*_: object) -> float:
    raise LookupError("no delay")


def gives_text(*_: object) -> Any:
    return "soon"


@pytest.mark.parametrize(("backoff", "error"), [(raises, LookupError), (gives_text, ValueError)])
async def test_a_backoff_that_raises_fails_the_attempt(
    clock: MockClock, backoff: Backoff, error: type[Exception]
) -> None:
    """R15: a backoff that raises fails the attempt with that error, which is compensated like any other."""
    compensated = []

    @step(retry=Retry(backoff=backoff))
    async def work() -> None:
        raise TryAgain

    @work.compensate
    async def settle(error: Exception) -> None:
        compensated.append(error)

    @workflow
    def again() -> None:
        work()

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(again)).outcome()
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__cause__, error)
    assert compensated == [outcome.error.__cause__]


# ── what the wait holds ──


async def test_waiting_holds_no_slot(clock: MockClock) -> None:
    """R15: waiting holds no slot."""
    order: list[str] = []

    @step
    async def work(name: str) -> None:
        order.append(name)
        if order.count(name) == 1:
            raise TryAgain(after=10.0)

    @workflow
    def both() -> None:
        work("one")
        work("two")

    async with Runtime(clock=clock) as runtime:
        await runtime.options(max_concurrency=1).run(both)
    assert order == ["one", "two", "one", "two"]
    assert clock.monotonic() == 10.0


async def test_waiting_holds_no_permit(clock: MockClock) -> None:
    """R15: … no permit."""
    gate = Limit("gate", at_most=1)
    order: list[str] = []

    @step(limit=gate)
    async def work(name: str) -> None:
        order.append(name)
        if order.count(name) == 1:
            raise TryAgain(after=10.0)

    @workflow
    def alone(name: str) -> None:
        work(name)

    async with Runtime(clock=clock) as runtime:
        runs = [await runtime.start(alone, name) for name in ("one", "two")]
        for run in runs:
            await run.result()
    assert order == ["one", "two", "one", "two"]
    assert clock.monotonic() == 10.0


@pytest.mark.parametrize("mode", ["async", "thread"])
async def test_waiting_holds_no_actor(clock: MockClock, mode: str) -> None:
    """R15: … no actor: no task and no thread, however many wait."""
    tried: list[int] = []

    async def wait() -> None:
        tried.append(1)
        raise TryAgain(after=10.0)

    def wait_sync() -> None:
        tried.append(1)
        raise TryAgain(after=10.0)

    retry = Retry(attempts=2)
    work = step(name="work", retry=retry)(wait) if mode == "async" else step(name="work", retry=retry)(wait_sync)

    @workflow
    def wide() -> None:
        for _ in range(100):
            work()

    async with Runtime(clock=clock, threads=1) as runtime:
        before = asyncio.all_tasks()
        run = await runtime.start(wide)
        await asyncio.sleep(5.0)  # the mock clock's
        assert len(tried) == 100
        assert asyncio.all_tasks() == before
        assert isinstance(await run.outcome(), Failed)
        assert clock.monotonic() == 10.0


# ── chance ──


async def test_a_seeded_runtime_repeats_itself(clock: MockClock) -> None:
    """R15: a seeded runtime repeats itself."""

    async def once(seed: int | None) -> list[float]:
        began: list[float] = []
        flow = trying(clock, began, *[TryAgain()] * 4, retry=Retry(backoff=Exponential(10.0)))
        async with Runtime(clock=clock, seed=seed) as runtime:
            await runtime.run(flow)
        return [round(wait, 3) for wait in waits(began)]

    assert await once(3) == await once(3)
    assert await once(3) != await once(4)
    assert await once(None) != await once(None)
