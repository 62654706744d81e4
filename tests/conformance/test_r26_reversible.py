"""R26: a run started `reversible=True` can be undone after it succeeded."""

from __future__ import annotations

import asyncio
import gc

import pytest

from actorflow import (
    Failed,
    Halt,
    Halted,
    InvalidState,
    RecordNotFound,
    Runtime,
    Succeeded,
    UndoRun,
    Workflow,
    step,
    workflow,
)
from actorflow.facts import RollbackStarted, RunEnded, StepUndone
from actorflow.testing import MockClock
from tests.conformance.seen import History


class Saga:
    """Two steps with an undo, one after the other; the second fails where it's told to."""

    def __init__(self, *, fails: bool = False, halts: bool = False) -> None:
        self.seen: list[str] = []
        seen = self.seen

        @step
        async def part(name: str, after: str = "") -> str:
            if fails and name == "b":
                raise ValueError
            if halts and name == "b":
                raise Halt("b")
            return name

        @part.undo
        async def undo(value: str) -> None:
            seen.append(value)

        @workflow
        def pair() -> str:
            return part("b", part("a"))

        self.workflow: Workflow[[], str] = pair


async def test_a_reversible_run_can_be_undone_after_it_succeeded(clock: MockClock) -> None:
    """R26: a run started `reversible=True` can be undone after it succeeded; its outcome stays, its status is `undone`."""
    saga = Saga()
    async with Runtime(clock=clock) as runtime:
        history = History(runtime, RollbackStarted, StepUndone, RunEnded)
        run = await runtime.options(reversible=True).start(saga.workflow)
        assert await run.result() == "b"
        assert (run.status(), saga.seen) == ("succeeded", [])
        await run.undo()
        assert saga.seen == ["b", "a"]
        assert await run.outcome() == Succeeded("b", run.id)
        assert await run.result() == "b"
        assert (run.status(), runtime.get(run.id).status()) == ("undone", "undone")
    assert [line[:2] for line in history.lines] == [
        ("RunEnded", ""),
        ("RollbackStarted", ""),
        ("StepUndone", "part_2"),
        ("StepUndone", "part"),
        ("RunEnded", ""),
    ]


@pytest.mark.parametrize("what", ["not reversible", "failed", "halted", "going on"])
async def test_undoing_any_other_is_refused(clock: MockClock, what: str) -> None:
    """R26: undoing any other is refused with `InvalidState`."""
    saga = Saga(fails=what == "failed", halts=what == "halted")
    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(reversible=what != "not reversible").start(saga.workflow)
        if what != "going on":
            await run.outcome()
        undone = list(saga.seen)
        with pytest.raises(InvalidState, match="can't be undone"):
            await run.undo()
        with pytest.raises(InvalidState, match="can't be undone"):
            await runtime.undo(run.id)
        assert saga.seen == undone
        outcome = await run.outcome()
        assert isinstance(outcome, Failed) == (what == "failed")


async def test_a_second_undo_joins_the_first(clock: MockClock) -> None:
    """R26: a second `undo()` joins the first: nothing is undone twice, both wait for the end."""
    seen: list[str] = []
    goes_on = asyncio.Event()

    @step
    async def part() -> str:
        return "part"

    @part.undo
    async def undo(value: str) -> None:
        seen.append("begun")
        await goes_on.wait()
        seen.append("done")

    @workflow
    def one() -> str:
        return part()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(reversible=True).start(one)
        await run.result()
        undos = [asyncio.create_task(run.undo()), asyncio.create_task(runtime.undo(run.id))]
        await clock.advance(1)
        assert (seen, run.status()) == (["begun"], "undoing")
        assert not any(undo.done() for undo in undos)
        goes_on.set()
        await asyncio.gather(*undos)
        await run.undo()
    assert seen == ["begun", "done"]


async def test_cancelling_the_wait_for_an_undo_leaves_the_undo_alone(clock: MockClock) -> None:
    """R26, R25: whoever waits for an undo may be cancelled; the undo goes on."""
    seen: list[str] = []
    goes_on = asyncio.Event()

    @step
    async def part() -> str:
        return "part"

    @part.undo
    async def undo(value: str) -> None:
        await goes_on.wait()
        seen.append("done")

    @workflow
    def one() -> str:
        return part()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(reversible=True).start(one)
        await run.result()
        first = asyncio.create_task(run.undo())
        await clock.advance(1)
        first.cancel()
        await asyncio.wait({first})
        assert run.status() == "undoing"
        goes_on.set()
        await run.undo()
    assert seen == ["done"]


async def test_it_can_be_undone_while_its_handle_lives(clock: MockClock) -> None:
    """R26: it can be undone while its handle lives, though it is no longer among those that are kept."""
    saga = Saga()
    async with Runtime(clock=clock, keep_finished=0) as runtime:
        run = await runtime.options(reversible=True).start(saga.workflow)
        await run.result()
        with pytest.raises(RecordNotFound):
            runtime.get(run.id)
        await run.undo()
        assert (run.status(), saga.seen) == ("undone", ["b", "a"])


async def test_or_while_it_is_among_the_last_that_are_kept(clock: MockClock) -> None:
    """R26: … or it is among the last `keep_finished`; after that nobody knows it."""
    saga = Saga()
    async with Runtime(clock=clock, keep_finished=2) as runtime:
        for name in ("r-1", "r-2", "r-3"):
            await runtime.options(reversible=True, run_id=name).run(saga.workflow)
        gc.collect()
        with pytest.raises(RecordNotFound, match="r-1"):
            await runtime.undo("r-1")
        await runtime.undo("r-2")
        assert saga.seen == ["b", "a"]
        assert [(run.id, run.status()) for run in runtime.list_runs()] == [("r-3", "succeeded"), ("r-2", "undone")]


async def test_it_can_be_undone_by_a_message(clock: MockClock) -> None:
    """R26: `UndoRun` is the same request as a message."""
    saga = Saga()
    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(reversible=True).start(saga.workflow)
        await run.result()
        runtime.executor.send(UndoRun(run.id))
        await clock.advance(1)
        assert (run.status(), saga.seen) == ("undone", ["b", "a"])


async def test_a_run_that_was_halted_and_resumed_can_be_undone_too(clock: MockClock) -> None:
    """R26, R16: that it is reversible survives a halt, in the snapshot as well."""
    saga = Saga(halts=True)
    async with Runtime(clock=clock) as runtime:
        halted = await (await runtime.options(reversible=True).start(saga.workflow)).outcome()
        assert isinstance(halted, Halted) and halted.snapshot is not None
    async with Runtime(clock=clock) as runtime:
        run = await runtime.resume(saga.workflow, halted.snapshot)
        assert await run.result() == "b"
        await run.undo()
    assert saga.seen == ["b", "a"]
