"""R6: how many steps of a run execute at once, and in which order."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import Retry, Runtime, Step, TryAgain, Workflow, step, workflow
from actorflow.testing import MockClock


class Crowd:
    """A step that counts how many of it execute at once, and writes down its order."""

    def __init__(self) -> None:
        self.here = self.most = 0
        self.order: list[int] = []

        @step
        async def enter(number: int, seconds: float = 1.0) -> int:
            self.here += 1
            self.most = max(self.most, self.here)
            self.order.append(number)
            await asyncio.sleep(seconds)
            self.here -= 1
            return number

        self.enter: Step[[int, float], int, object] = enter  # type: ignore[assignment]

    def wide(self, count: int) -> Workflow[[], None]:
        @workflow
        def wide() -> None:
            for number in range(count):
                self.enter(number, 1.0)

        return wide


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


@pytest.mark.parametrize("bound", [1, 3])
async def test_a_bound_on_the_steps_of_a_run(clock: MockClock, crowd: Crowd, bound: int) -> None:
    """R6: `max_concurrency` bounds the steps of one run that execute at once."""
    async with Runtime(clock=clock) as runtime:
        await runtime.options(max_concurrency=bound).run(crowd.wide(10))
    assert crowd.most == bound
    assert len(crowd.order) == 10


async def test_the_bound_is_that_of_one_run(clock: MockClock, crowd: Crowd) -> None:
    """R6: … of one run: another one has a bound of its own."""
    wide = crowd.wide(5)
    async with Runtime(clock=clock) as runtime:
        runs = [await runtime.options(max_concurrency=2).start(wide) for _ in range(2)]
        for run in runs:
            await run.result()
    assert crowd.most == 4


async def test_there_is_no_bound_unless_given(clock: MockClock, crowd: Crowd) -> None:
    """R6: no bound unless given."""
    async with Runtime(clock=clock) as runtime:
        await runtime.run(crowd.wide(1000))
    assert crowd.most == 1000


async def test_sequential_runs_one_at_a_time_in_definition_order(clock: MockClock, crowd: Crowd) -> None:
    """R6: `sequential=True` runs one at a time, in definition order."""
    async with Runtime(clock=clock) as runtime:
        await runtime.options(sequential=True).run(crowd.wide(10))
    assert crowd.most == 1
    assert crowd.order == list(range(10))


async def test_sequential_keeps_definition_order_as_far_as_dependencies_allow(clock: MockClock, crowd: Crowd) -> None:
    """R6: … as far as dependencies allow: what becomes ready later, but was defined earlier, goes first."""

    @workflow
    def tangled() -> None:
        a = crowd.enter(0, 1.0)
        crowd.enter.options(after=[a])(1, 1.0)
        crowd.enter(2, 1.0)
        b = crowd.enter(3, 1.0)
        crowd.enter.options(after=[b])(4, 1.0)
        crowd.enter(5, 1.0)

    async with Runtime(clock=clock) as runtime:
        await runtime.options(sequential=True).run(tangled)
    assert crowd.most == 1
    assert crowd.order == [0, 1, 2, 3, 4, 5]


async def test_a_sequential_run_goes_on_while_a_step_waits_for_its_next_attempt(clock: MockClock) -> None:
    """R6, R15: one at a time is about what executes: a step that waits for another attempt isn't in the way."""
    order = []

    @step(retry=Retry(attempts=2))
    async def flaky(name: str) -> None:
        order.append(name)
        if order.count(name) == 1:
            raise TryAgain(after=10.0)

    @step
    async def steady(name: str) -> None:
        order.append(name)

    @workflow
    def mixed() -> None:
        flaky("flaky")
        steady("steady")

    async with Runtime(clock=clock) as runtime:
        await runtime.options(sequential=True).run(mixed)
    assert order == ["flaky", "steady", "flaky"]


async def test_otherwise_order_follows_data_and_after_alone(clock: MockClock) -> None:
    """R6: order of execution is otherwise promised only along data and `after`: who is done first goes on first."""
    order = []

    @step
    async def note(name: str, seconds: float, before: str = "") -> str:
        await asyncio.sleep(seconds)
        order.append(name)
        return name

    @workflow
    def free() -> None:
        slow = note("defined first", 9.0)
        note("takes", 0.0, slow)
        quick = note("defined last", 1.0)
        note.options(after=[quick])("waits", 0.0)

    async with Runtime(clock=clock) as runtime:
        await runtime.run(free)
    assert order == ["defined last", "waits", "defined first", "takes"]
