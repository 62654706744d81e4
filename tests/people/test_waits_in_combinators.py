"""Waits inside of every combinator, with a store: the run's process ends there, by order or by a crash; another one goes on with it (R37, R50)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
import pytest

from actorflow import (
    Cancelled,
    Failed,
    InvalidInput,
    MemoryStore,
    NotSerializable,
    Operator,
    Outcome,
    Resource,
    Run,
    RunFailed,
    Runtime,
    StepView,
    Succeeded,
    Workflow,
    approval,
    around,
    choose,
    choose_first,
    each,
    emit,
    group,
    repeat,
    sleep,
    step,
    step_context,
    wait_for_signal,
    workflow,
)
from actorflow.runtime.operating import Operations
from actorflow.testing import Life, MockClock, check_store


class Seen:
    """What was done outside: `+` and `-` for steps and their undos, `(` and `)` for what was lent."""

    def __init__(self) -> None:
        self.done: list[str] = []


SEEN = Resource[Seen]("seen")
LEASE = 30.0


@step
async def work(number: int) -> int:
    SEEN.get().done.append(f"+{step_context().node}")
    return number + 1


@work.undo
async def unwork(result: int, number: int) -> None:
    SEEN.get().done.append(f"-{step_context().node}")


@step
async def total(numbers: list[int]) -> int:
    return sum(numbers)


@step
async def says_no(number: int) -> int:
    raise ValueError("no")


@step
async def sign(number: int) -> str:
    return "plus" if number >= 0 else "minus"


@asynccontextmanager
async def lends() -> AsyncGenerator[str]:
    SEEN.get().done.append("(")
    try:
        yield "a tool"
    finally:
        SEEN.get().done.append(")")


@step
async def use(tool: str, number: int) -> int:
    assert tool == "a tool"
    return number


# ── one after the other, and then the same in each combinator ─────────────────────────────────────────────────────────


@workflow
def asks(number: int) -> int:
    """Works, sleeps, waits for a number, for a person, and works on."""
    slept = sleep(30, after=[work(number)])
    given = wait_for_signal.options(name="wait", after=[slept])("number", int)
    answer = approval.options(name="ask", after=[given])("Go on?")
    return work.options(name="last", after=[answer])(given)


@workflow
def in_each(number: int) -> int:
    return total(each([number, number], asks, concurrency=1))


@workflow
def in_choose(number: int) -> int:
    return choose(sign(number), {"plus": lambda: asks(number), "minus": lambda: work(number)})


@workflow
def in_choose_first(number: int) -> int:
    branches: list[tuple[Callable[[int], bool], Callable[[int], int]]] = [
        (lambda given: given < 0, work),
        (lambda given: given >= 0, asks),
    ]
    return choose_first(branches, on=number)


@workflow
def in_group(number: int) -> int:
    return group(lambda: asks(number), before=lambda: work(number), after=lambda result: work(number))


@workflow
def in_around(number: int) -> int:
    return around(lends, lambda tool: use(tool, asks(number)))


@workflow
def in_repeat(number: int) -> int:
    return repeat(asks, number, at_most=2)


@step
async def emits(number: int) -> int:
    slept = sleep(30, after=[work(number)])
    given = wait_for_signal.options(name="wait", after=[slept])("number", int)
    answer = approval.options(name="ask", after=[given])("Go on?")
    emit(work.options(name="emits", after=[answer])(given))
    return number


@workflow
def in_emit(number: int) -> int:
    return emits(number)


@workflow
def in_workflow(number: int) -> int:
    return work(asks(number))


class Cell(NamedTuple):
    """`waits`: how often it is asked."""

    workflow: Workflow[..., int]
    waits: int
    gives: int


CELLS = [
    Cell(asks, 1, 11),
    Cell(in_workflow, 1, 12),
    Cell(in_each, 2, 22),
    Cell(in_choose, 1, 11),
    Cell(in_choose_first, 1, 11),
    Cell(in_group, 1, 11),
    Cell(in_around, 1, 11),
    Cell(in_repeat, 2, 11),
    Cell(in_emit, 1, 11),
]
EVERY_CELL = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.workflow.name)


def failing(cell: Cell) -> Workflow[..., int]:
    """What is in it, and then a step that fails."""

    @workflow
    def fails(number: int) -> int:
        return says_no(cell.workflow(number))

    return fails


# ── through as many runtimes as there are waits ───────────────────────────────────────────────────────────────────────

WAITS = {"sleeping", "waiting for a signal", "waiting for approval"}
HOW = ["left", "died"]


class Trip:
    """A run that is in another runtime after each of its waits. `met` are the waits, in order."""

    def __init__(self, wanted: Workflow[..., int], how: str, clock: MockClock) -> None:
        self.workflow = wanted
        self.how = how
        self.clock = clock
        self.store = MemoryStore(clock=clock)
        self.seen = Seen()
        self.met: list[str] = []
        self.known: set[str] = set()

    async def goes(self) -> Outcome[int]:
        for _ in range(30):
            outcome = await self.one_life()
            if outcome is not None:
                async with self.store.beside() as store:
                    await check_store(store)
                    assert await store.messages(run_id="r") == []
                return outcome
            await self.clock.advance(LEASE + 1)
            await self.answer()
        raise AssertionError(f"it never ends: {self.met}")

    def life(self) -> Life:
        lent = [SEEN.provide(self.seen)]
        given: dict[str, Any] = {"workflows": [self.workflow], "resources": lent, "rest_after": 1.0, "lease": LEASE}
        return Life(self.store, clock=self.clock, **given)

    async def run(self, life: Life) -> Run[int]:
        return await life.runtime.options(run_id="r").start(self.workflow, 0)

    async def end(self) -> Outcome[int]:
        async with self.life() as life:
            return await (await self.run(life)).outcome()

    async def one_life(self) -> Outcome[int] | None:
        async with self.life() as life:
            run = await self.run(life)
            while not (waits := await self.waits(life.runtime)):
                if run.status() != "running":
                    return await run.outcome()
                await asyncio.sleep(0.25)
            self.met += [one.status for one in waits]
            self.known.update(one.name for one in waits)
            if self.how == "died":
                life.die()
        return None

    async def waits(self, operations: Operations) -> list[StepView]:
        """What it waits for now, and didn't when it was looked at before."""
        steps = (await operations.inspect("r")).steps
        return [one for one in steps if one.status in WAITS and one.name not in self.known]

    async def answer(self) -> None:
        async with Operator(self.store.beside(), clock=self.clock) as operator:
            for one in (await operator.inspect("r")).steps:
                if one.is_asked:
                    await operator.approve("r", one.name, who="ann")
                elif one.status == "waiting for a signal":
                    await operator.signal("r", one.name, 10, who="bank")


@pytest.mark.parametrize("how", HOW)
@EVERY_CELL
async def test_it_goes_on_in_another_runtime_after_each_wait(clock: MockClock, cell: Cell, how: str) -> None:
    trip = Trip(cell.workflow, how, clock)
    assert await trip.goes() == Succeeded(cell.gives, "r")
    assert trip.met == ["sleeping", "waiting for a signal", "waiting for approval"] * cell.waits
    done = [one for one in trip.seen.done if one[0] == "+"]
    assert len(done) == len(set(done))
    assert trip.seen.done.count("(") == trip.seen.done.count(")")


@pytest.mark.parametrize("how", HOW)
@EVERY_CELL
async def test_what_was_done_around_the_waits_is_undone_in_reverse(clock: MockClock, cell: Cell, how: str) -> None:
    """R22."""
    trip = Trip(failing(cell), how, clock)
    outcome = await trip.goes()
    assert isinstance(outcome, Failed)
    assert outcome.rollback == "complete"
    done = [one[1:] for one in trip.seen.done if one[0] == "+"]
    assert [one[1:] for one in trip.seen.done if one[0] == "-"] == done[::-1]


@EVERY_CELL
async def test_what_waits_is_cancelled_in_another_runtime(clock: MockClock, cell: Cell) -> None:
    """R25: whatever it waits for."""
    for waits in range(1, 3 * cell.waits + 1):
        trip = Trip(cell.workflow, "died", clock)
        for _ in range(waits):
            assert await trip.one_life() is None
            await clock.advance(LEASE + 1)
            if len(trip.met) < waits:
                await trip.answer()
        async with Operator(trip.store.beside(), clock=clock) as operator:
            await operator.cancel("r", "enough", who="ann")
        assert isinstance(await trip.end(), Cancelled), trip.met
        done = [one[1:] for one in trip.seen.done if one[0] == "+"]
        assert [one[1:] for one in trip.seen.done if one[0] == "-"] == done[::-1]


class Payment(msgspec.Struct, frozen=True):
    amount: int


@step
async def sum_of(payments: list[Payment] | None) -> int:
    return -1 if payments is None else sum(one.amount for one in payments)


@step
async def asks_for_payments() -> int:
    emit(sum_of.options(name="asks_for_payments")(wait_for_signal("paid", list[Payment], timeout=100, default=None)))
    return 0


@workflow
def payments() -> int:
    return asks_for_payments()


@pytest.mark.parametrize("paid", [True, False])
async def test_an_emitted_wait_takes_what_it_was_drawn_to_take(clock: MockClock, *, paid: bool) -> None:
    """R8: its signal's type, its timeout and its default are those of the step that has emitted it, in another process too."""
    store = MemoryStore(clock=clock)
    async with Runtime(workflows=[payments], store=store, clock=clock) as runtime:
        await runtime.options(run_id="r").start(payments)
        await clock.advance(1)
    async with Runtime(workflows=[payments], store=store, clock=clock) as runtime:
        run = await runtime.options(run_id="r").start(payments)
        if paid:
            with pytest.raises(InvalidInput, match="signal 'paid'"):
                await runtime.signal("r", "paid", 3)
            await runtime.signal("r", "paid", [Payment(3), Payment(4)])
        assert await run.result() == (7 if paid else -1)
        await check_store(store)


async def test_an_emitted_wait_for_what_has_no_name_fails_its_step(clock: MockClock) -> None:
    """R56."""

    class Local(msgspec.Struct, frozen=True):
        amount: int

    @step
    async def asks_for_local() -> None:
        emit(wait_for_signal("paid", Local))

    @workflow
    def flow() -> None:
        asks_for_local()

    async with Runtime(store=MemoryStore(clock=clock), clock=clock) as runtime:
        with pytest.raises(RunFailed) as caught:
            await runtime.run(flow)
    assert isinstance(caught.value.__cause__, NotSerializable)
    assert "Local" in str(caught.value.__cause__)
