"""`check_store` names what can't be, and says nothing of what can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from actorflow import MemoryStore, NewRun, RecordNotFound, RunChange, Runtime, step, workflow
from actorflow.store import Entry, Turn, Turns, encode_turns
from actorflow.testing import InvariantBroken, MockClock, check_run, check_store


def told(kind: str, step: str = "", attempt: int = 1, **more: Any) -> Entry:
    return Entry(kind, step, 0 if step else -1, attempt, 1.0, b"\xc0", msgspec.msgpack.encode(more) if more else None)


def started(step: str, attempt: int = 1) -> Entry:
    return told("StepStarted", step, attempt)


def succeeded(step: str, attempt: int = 1) -> Entry:
    return told("StepSucceeded", step, attempt)


def ended(status: str) -> Entry:
    return told("RunEnded", status=status)


DONE = [started("a"), succeeded("a"), started("b"), succeeded("b")]
BACK = [*DONE, told("RollbackStarted", cancelled=False)]


async def recorded(store: MemoryStore, entries: Sequence[Entry], change: RunChange | None = None) -> int:
    """A run of which this is recorded, and its owner."""
    owner = await store.join("here", lease=30.0)
    await store.open_run(NewRun("r", "w", b""), owner=owner)
    turns = encode_turns(Turns("here", 0.0, [Turn([], list(entries))]))
    await store.append("r", owner=owner, sequence=1, turns=turns, change=change)
    return owner


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ([started("a"), succeeded("a"), succeeded("a")], "step 'a' was completed twice"),
        ([started("a"), succeeded("a"), started("a", 2)], "step 'a' began again after it was completed"),
        ([started("a", 2), started("a", 2)], "attempt 2 of step 'a' began twice"),
        (
            [*BACK, told("UndoStarted", "a"), told("StepUndone", "a"), told("UndoStarted", "b")],
            "step 'b' is undone after one",
        ),
        ([*BACK, told("UndoStarted", "b"), told("UndoStarted", "a")], "step 'a' is undone while 'b' is"),
        (
            [*BACK, told("UndoStarted", "b"), told("StepUndone", "b"), told("UndoStarted", "b")],
            "'b' is undone once more",
        ),
        ([*BACK, told("StepUndone", "b")], "the undo of step 'b' ended, and hadn't begun"),
        ([ended("failed")], "its turns say that it has ended as failed"),
        ([ended("failed"), ended("failed")], "it has ended as failed, and ends again"),
    ],
)
async def test_what_the_turns_of_a_run_cannot_tell(entries: list[Entry], problem: str) -> None:
    async with MemoryStore() as store:
        await recorded(store, entries)
        with pytest.raises(InvariantBroken) as broken:
            await check_store(store)
        assert any(problem in one and "run 'r'" in one for one in broken.value.problems), broken.value.problems


async def test_a_run_that_was_left_alone_is_named(clock: MockClock) -> None:
    async with MemoryStore(clock=clock) as store:
        owner = await recorded(store, DONE)
        await store.release_run("r", owner=owner, problem="its workflow has changed")
        with pytest.raises(InvariantBroken, match="nobody will move it: it was left alone: its workflow has changed"):
            await check_run(store, "r")


async def test_an_end_that_the_turns_do_not_tell_is_named() -> None:
    async with MemoryStore() as store:
        await recorded(store, DONE, RunChange(status="failed", failure=b""))
        with pytest.raises(InvariantBroken, match="its turns say that it goes on"):
            await check_run(store, "r")


@pytest.mark.parametrize("leaves", [True, False], ids=["nobody has it", "a runtime has it"])
async def test_a_run_in_the_middle_is_fine(leaves: bool) -> None:
    async with MemoryStore() as store:
        owner = await recorded(store, DONE)
        if leaves:
            await store.leave(owner)
        await check_store(store)


async def test_what_runs_really_record_is_fine(clock: MockClock) -> None:
    @step
    async def one(number: int) -> int:
        return number

    @one.undo
    async def back(number: int) -> None: ...

    @workflow
    def flow(number: int) -> int:
        return one(one(number))

    store = MemoryStore(clock=clock)
    async with Runtime(store=store, clock=clock) as runtime:
        run = await runtime.options(reversible=True).start(flow, 1)
        assert await run.result() == 1
        await check_run(store, run.id)
        await run.undo()
        await check_store(store)
        with pytest.raises(RecordNotFound):
            await check_run(store, "nobody")
