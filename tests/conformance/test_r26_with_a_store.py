"""R26: a reversible run can be undone as long as it is in the store."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import (
    InvalidState,
    RecordNotFound,
    Retry,
    Runtime,
    RuntimeClosed,
    UndoFailed,
    UndoRun,
    UnknownWorkflow,
    step,
    workflow,
)
from actorflow.testing import MockClock
from actorflow.testing.checking import check_store
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import forever
from tests.conformance.surviving import begin, lapse, taken_over, until

SEEN: list[str] = []
STANDS: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()
    STANDS.clear()


@step
async def part(name: str) -> str:
    return name


@part.undo(retry=Retry(attempts=1))
async def undo(value: str, name: str) -> None:
    SEEN.append(value)
    if value in STANDS:
        await forever()
    if value == "stuck":
        raise ConnectionError


@step
async def last(value: str) -> str:
    return f"{value} and more"


@last.undo
async def undo_last(value: str) -> None:
    SEEN.append("last")
    if "last" in STANDS:
        await asyncio.sleep(20)


@workflow
def booking(name: str) -> str:
    return last(part(name))


async def book(clock: MockClock, open_store: OpenStore, name: str = "a", *, reversible: bool = True) -> None:
    async with Runtime(store=open_store(), clock=clock) as runtime:
        assert await (await begin(runtime, booking, name, reversible=reversible)).result() == f"{name} and more"


async def test_it_is_undone_after_a_restart(clock: MockClock, open_store: OpenStore) -> None:
    """R26: by `runtime.undo(run_id)`, in a runtime that has never heard of it; its outcome stays, its status is `undone`."""
    await book(clock, open_store)
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        await runtime.undo("r")
        assert SEEN == ["last", "a"]
        assert (await runtime.record("r")).status == "undone"
        await runtime.undo("r")
        run = await begin(runtime, booking, "a")
        assert (await run.result(), run.status()) == ("a and more", "undone")
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        await runtime.undo("r")
    assert SEEN == ["last", "a"]
    async with open_store() as store:
        await check_store(store)


async def test_by_its_handle_too(clock: MockClock, open_store: OpenStore) -> None:
    """R26: whoever starts it again, by its id, has a handle that can undo it."""
    await book(clock, open_store)
    async with Runtime(store=open_store(), clock=clock) as runtime:
        run = await begin(runtime, booking, "a")
        await run.undo()
        assert (SEEN, run.status()) == (["last", "a"], "undone")


async def test_by_a_message_too(clock: MockClock, open_store: OpenStore) -> None:
    """R26: … and `UndoRun` is the same as a message."""
    await book(clock, open_store)
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        runtime.executor.send(UndoRun("r"))
        await until(lambda: SEEN == ["last", "a"])


async def test_in_the_runtime_in_which_it_succeeded(clock: MockClock, open_store: OpenStore) -> None:
    """R26: with a store it is undone from what is stored, also when it is no longer among the last `keep_finished`."""
    async with Runtime(store=open_store(), clock=clock, keep_finished=0, workflows=[booking]) as runtime:
        await (await begin(runtime, booking, "a", reversible=True)).result()
        await runtime.undo("r")
    assert SEEN == ["last", "a"]


async def test_any_other_is_refused(clock: MockClock, open_store: OpenStore) -> None:
    """R26: one that isn't reversible, or of which nobody knows; a refusal leaves the run to others."""
    await book(clock, open_store, reversible=False)
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        with pytest.raises(InvalidState, match="wasn't reversible"):
            await runtime.undo("r")
        assert (await runtime.record("r")).owner is None
        with pytest.raises(RecordNotFound):
            await runtime.undo("nobody")
    async with Runtime(store=open_store(), clock=clock) as runtime:
        with pytest.raises(UnknownWorkflow):
            await runtime.undo("r")
    assert SEEN == []


async def test_an_undo_that_was_broken_off_goes_on(clock: MockClock, open_store: OpenStore) -> None:
    """R26, R50: the runtime dies in the middle: the next one goes on with the undo unasked, and its outcome stays."""
    await book(clock, open_store)
    STANDS.append("a")
    async with Life(open_store(), clock=clock, workflows=[booking]) as life:
        undoing = asyncio.ensure_future(life.until_dead(life.runtime.undo("r")))
        await until(lambda: SEEN == ["last", "a"])
        life.die()
        await undoing
    STANDS.clear()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        run = await taken_over(runtime, "r")
        await runtime.undo("r")
        assert (run.status(), SEEN) == ("undone", ["last", "a", "a"])
        assert await (await begin(runtime, booking, "a")).result() == "a and more"


async def test_a_second_undo_joins_the_first_wherever_it_is(clock: MockClock, open_store: OpenStore) -> None:
    """R26: a second `undo()` joins the first: in the same runtime and in another one, both return when it is done."""
    await book(clock, open_store)
    async with (
        Runtime(store=open_store(), clock=clock, workflows=[booking]) as first,
        Runtime(store=open_store(), clock=clock, workflows=[booking]) as second,
    ):
        STANDS.append("last")
        undos = [asyncio.ensure_future(first.undo("r"))]
        await until(lambda: SEEN == ["last"])
        undos += [asyncio.ensure_future(runtime.undo("r")) for runtime in (first, second)]
        await asyncio.sleep(5)
        assert not any(undo.done() for undo in undos)
        await asyncio.gather(*undos)
    assert SEEN == ["last", "a"]


async def test_leaving_while_a_run_is_undone_waits_for_it(clock: MockClock, open_store: OpenStore) -> None:
    """R37, R26: an undo is drained like any run, and released like any run when the time is over; who waits for it is told."""
    await book(clock, open_store)
    STANDS.append("a")
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        undoing = asyncio.ensure_future(runtime.undo("r"))
        await until(lambda: SEEN == ["last", "a"])
        left = clock.monotonic()
    assert clock.monotonic() - left == pytest.approx(30.0 + 5.0, abs=1.0), "the drain, then `halt_timeout`"
    with pytest.raises(RuntimeClosed):
        await undoing
    STANDS.clear()
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        await runtime.undo("r")
    assert SEEN == ["last", "a", "a"]


async def test_what_could_not_be_undone_is_said(clock: MockClock, open_store: OpenStore) -> None:
    """R26, R25: `undo()` raises `UndoFailed` if it is incomplete; the rest is undone all the same."""
    await book(clock, open_store, "stuck")
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        with pytest.raises(UndoFailed, match="part"):
            await runtime.undo("r")
        assert (await runtime.record("r")).status == "undone"
    assert SEEN == ["last", "stuck"]


async def test_two_undos_at_the_same_moment_are_one(clock: MockClock, open_store: OpenStore) -> None:
    """R26: a second `undo()` joins the first, also before anything of that is stored."""
    await book(clock, open_store)
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        await asyncio.gather(*(runtime.undo("r") for _ in range(3)))
    assert SEEN == ["last", "a"]
