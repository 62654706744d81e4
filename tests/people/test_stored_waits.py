"""Waits and signals of runs in a store: they outlive their runtime, and cost nobody anything meanwhile (R37, R50)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from actorflow import (
    Approval,
    InvalidInput,
    InvalidState,
    MemoryStore,
    Operator,
    RecordNotFound,
    Runtime,
    RuntimeClosed,
    Workflow,
    approval,
    each,
    sleep,
    step,
    wait_for_signal,
    workflow,
)
from actorflow.testing import MockClock, check_store

DAY = 86_400.0


class Payment(msgspec.Struct, frozen=True):
    amount: int


@step
async def receipt(payment: Payment) -> str:
    return f"paid {payment.amount}"


@step
async def note(word: str) -> str:
    return word


@workflow
def order() -> str:
    return receipt(wait_for_signal("paid", Payment, timeout=timedelta(days=30)))


@workflow
def naps() -> str:
    return note.options(after=[sleep(timedelta(days=30))])("rested")


@workflow
def refund(amounts: list[int]) -> list[Approval]:
    return each(amounts, lambda _: approval("Pay?", by=["ann", "bob"]))


KNOWN: list[Workflow[..., Any]] = [order, naps, refund]


def opened(store: MemoryStore, clock: MockClock) -> Runtime:
    return Runtime(workflows=KNOWN, store=store, clock=clock)


@pytest.fixture
def store(clock: MockClock) -> MemoryStore:
    return MemoryStore(clock=clock)


async def test_a_signal_to_a_run_that_goes_on_here(clock: MockClock, store: MemoryStore) -> None:
    async with opened(store, clock) as runtime:
        run = await runtime.options(run_id="r").start(order)
        await clock.advance(1)
        await runtime.signal("r", "paid", Payment(3), who="bank", why="transfer 17")
        assert await run.result() == "paid 3"
        assert [(note.who, note.what, note.why) for note in await runtime.notes("r")] == [
            ("bank", "signal paid", "transfer 17")
        ]
        assert await store.messages(run_id="r") == []
        await check_store(store)


async def test_a_run_that_only_waits_is_let_go_at_once(clock: MockClock, store: MemoryStore) -> None:
    """R37: a drain doesn't wait for a month."""
    async with opened(store, clock) as runtime:
        run = await runtime.options(run_id="r").start(naps)
        await clock.advance(1)
        began = clock.time()
    assert clock.time() - began < 1
    with pytest.raises(RuntimeClosed):
        await run.result()


async def test_it_rests_until_it_is_due(clock: MockClock, store: MemoryStore) -> None:
    """Nobody takes it before, and somebody does then."""
    began = clock.time()
    async with opened(store, clock) as runtime:
        await runtime.options(run_id="r").start(naps)
        await clock.advance(1)
    async with Operator(store, clock=clock) as operator:
        view = await operator.inspect("r")
        assert view.owner is None
        assert view.wake == pytest.approx(began + 30 * DAY, abs=2)
    async with opened(store, clock) as runtime:
        await clock.advance(DAY)
        assert "r" not in {run.id for run in runtime.list_runs()}
        await clock.advance(29 * DAY)
        assert await (await runtime.options(run_id="r").start(naps)).result() == "rested"
    assert clock.time() - began < 30 * DAY + 3600


async def test_a_signal_wakes_one_that_rests(clock: MockClock, store: MemoryStore) -> None:
    async with opened(store, clock) as runtime:
        await runtime.options(run_id="r").start(order)
        await clock.advance(1)
    async with Operator(store, clock=clock) as operator:
        await operator.signal("r", "paid", Payment(8), who="bank")
        assert (await operator.inspect("r")).wake is None
    began = clock.time()
    async with opened(store, clock) as runtime:
        run = await runtime.options(run_id="r").start(order)
        assert await run.result() == "paid 8"
        await check_store(store)
    assert clock.time() - began < 60


async def test_an_early_signal_outlives_its_runtime(clock: MockClock, store: MemoryStore) -> None:
    @workflow
    def late() -> str:
        return receipt(wait_for_signal.options(after=[sleep(1000)])("paid", Payment))

    async with Runtime(workflows=[late], store=store, clock=clock) as runtime:
        await runtime.options(run_id="r").start(late)
        await clock.advance(1)
        await runtime.signal("r", "paid", Payment(5))
        await clock.advance(1)
        assert await store.messages(run_id="r") == []
    async with Runtime(workflows=[late], store=store, clock=clock) as runtime:
        assert await (await runtime.options(run_id="r").start(late)).result() == "paid 5"
        await check_store(store)


async def test_a_timeout_goes_on_over_a_restart(clock: MockClock, store: MemoryStore) -> None:
    began = clock.time()
    async with opened(store, clock) as runtime:
        await runtime.options(run_id="r").start(order)
        await clock.advance(DAY)
    await clock.advance(5 * DAY)
    async with opened(store, clock) as runtime:
        run = await runtime.options(run_id="r").start(order)
        assert type(await run.outcome()).__name__ == "Failed"
    assert clock.time() - began == pytest.approx(30 * DAY, abs=3600)


async def test_what_is_waited_for_is_shown_and_explained(clock: MockClock, store: MemoryStore) -> None:
    async with opened(store, clock) as runtime:
        await runtime.options(run_id="a").start(refund, [1, 2])
        await runtime.options(run_id="n").start(naps)
        await runtime.options(run_id="o").start(order)
        await clock.advance(1)
        asked = [step for step in (await runtime.inspect("a")).steps if step.is_asked]
        assert [(step.name, step.question, step.by) for step in asked] == [
            ("each[0].approval", "Pay?", ("ann", "bob")),
            ("each[1].approval", "Pay?", ("ann", "bob")),
        ]
        assert "waits for approval by ann, bob" in str(await runtime.explain("a"))
        assert "sleeps until" in str(await runtime.explain("n"))
        assert "waits for signal 'paid' until" in str(await runtime.explain("o"))
        assert await runtime.doctor() == []


async def test_approvals_are_answered_and_noted(clock: MockClock, store: MemoryStore) -> None:
    async with opened(store, clock) as runtime:
        run = await runtime.options(run_id="a").start(refund, [1, 2])
        await clock.advance(1)
        with pytest.raises(InvalidState, match="2 approvals"):
            await runtime.approve("a", who="ann")
        with pytest.raises(InvalidInput, match="eve may not answer"):
            await runtime.approve("a", "each[1].approval", who="eve")
        await runtime.reject("a", "each[1].approval", who="bob", why="twice is too much")
        await clock.advance(5)
        await runtime.approve("a", who="ann")
        assert await run.result() == [Approval(True, "ann"), Approval(False, "bob", "twice is too much")]
        assert [(note.who, note.what, note.why) for note in await runtime.notes("a")] == [
            ("bob", "reject each[1].approval", "twice is too much"),
            ("ann", "approve each[0].approval", ""),
        ]
        steps = {step.name: step.value for step in (await runtime.inspect("a", values=True)).steps}
        assert steps["each[0].approval"] == {"approved": True, "who": "ann", "why": ""}
        await check_store(store)


async def test_a_halted_run_takes_signals_when_it_is_resumed(clock: MockClock, store: MemoryStore) -> None:
    async with opened(store, clock) as runtime:
        run = await runtime.options(run_id="r").start(order)
        await clock.advance(1)
        await run.halt()
        await run.outcome()
        await runtime.signal("r", "paid", Payment(4))
        again = await runtime.resume(order, "r")
        assert await again.result() == "paid 4"
        await check_store(store)


async def test_what_is_refused(clock: MockClock, store: MemoryStore) -> None:
    async with opened(store, clock) as runtime:
        run = await runtime.options(run_id="r").start(order)
        await clock.advance(1)
        with pytest.raises(InvalidInput, match="did you mean 'paid'"):
            await runtime.signal("r", "payd", Payment(1))
        with pytest.raises(InvalidInput, match="signal 'paid'"):
            await runtime.signal("r", "paid", 1)
        with pytest.raises(RecordNotFound):
            await runtime.signal("nobody", "paid", Payment(1))
        assert await runtime.notes("r") == []
        await runtime.signal("r", "paid", Payment(1))
        await run.result()
        with pytest.raises(InvalidState, match="waits for nothing"):
            await runtime.signal("r", "paid", Payment(1))


async def test_a_value_that_an_operator_got_wrong_is_passed_over(clock: MockClock, store: MemoryStore) -> None:
    """Nobody there knows the type; the run isn't harmed, and its history tells of it."""
    async with opened(store, clock) as runtime:
        run = await runtime.options(run_id="r").start(order)
        await clock.advance(1)
        async with Operator(store.beside(), clock=clock) as operator:
            await operator.signal("r", "paid", "a lot", who="eve")
        await clock.advance(5)
        assert await store.messages(run_id="r") == []
        assert [entry.kind for entry in await runtime.history("r")][-1] == "SignalRefused"
        await runtime.signal("r", "paid", Payment(2))
        assert await run.result() == "paid 2"
        await check_store(store)


async def test_one_that_waits_for_several_things_is_due_when_the_first_of_them_ends(
    clock: MockClock, store: MemoryStore
) -> None:
    """R37."""

    @workflow
    def two_naps() -> list[str]:
        short, long = sleep(timedelta(days=2)), sleep(timedelta(days=30))
        return [note.options(after=[short])("short"), note.options(after=[long])("long")]

    began = clock.time()
    async with Runtime(store=store, clock=clock) as runtime:
        await runtime.options(run_id="r").start(two_naps)
        await clock.advance(1)
    async with store:
        assert (await store.get_run("r")).wake == pytest.approx(began + 2 * DAY, abs=2)
        await check_store(store)
