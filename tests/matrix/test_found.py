"""Bugs that the matrix has found, each by itself."""

from __future__ import annotations

from typing import Any

import pytest

from actorflow import (
    Failed,
    Halt,
    Halted,
    Outcome,
    RunFailed,
    Runtime,
    StepError,
    Succeeded,
    each,
    group,
    repeat,
    step,
    workflow,
)
from actorflow.facts import StepSucceeded
from actorflow.store import Codec
from actorflow.testing import history
from actorflow.workflow import emit


@step
async def one() -> int:
    return 1


@step
async def twice(value: int) -> int:
    return value * 2


@workflow
def doubled(value: int) -> int:
    return twice(twice(value))


async def test_a_scope_that_opens_before_its_captures_are_there_copies_only_what_is(runtime: Runtime):
    """R7: with values="decoded"."""

    @workflow
    def late() -> int:
        value = one()
        return group(lambda: twice(value))

    assert await runtime.run(late) == 2


async def test_outcomes_of_items_pass_through_the_codec(runtime: Runtime):
    """R7, R56: an error comes back as the record of itself."""

    @step
    async def odd(value: int) -> int:
        if value % 2 == 0:
            raise LookupError(value)
        return value

    @step
    async def told(outcomes: list[Outcome[int]]) -> list[str]:
        return [
            repr(o.error.__cause__) if isinstance(o, Failed) else str(o.value)
            for o in outcomes
            if isinstance(o, (Failed, Succeeded))
        ]

    @workflow
    def flow() -> list[str]:
        return told(each([1, 2, 3], odd, on_error="collect"))

    assert await runtime.run(flow) == ["1", "LookupError(2)", "3"]


def test_every_outcome_that_items_have_comes_back_from_its_bytes():
    """R27, R56."""
    error = RunFailed("r", "flow", [StepError("n", "run", 1, LookupError("x"))], "complete")
    found: Any = Codec().round_trip([Succeeded(1, "r"), Failed(error, "complete", "r")], list[Outcome[int]])
    assert found[0] == Succeeded(1, "r")
    assert found[1].rollback == "complete"
    assert str(found[1].error) == str(error)
    assert repr(found[1].error.errors[0].error) == "LookupError('x')"


async def test_what_is_emitted_may_be_the_step_itself_and_what_stands_for_it(runtime: Runtime):
    """R8: names in what is emitted don't clash with the one that stands for the step."""

    @step
    async def count(value: int) -> int:
        if value > 0:
            emit(twice.options(name="count")(count(value - 1)))
        return 1

    @workflow
    def flow() -> int:
        return count(2)

    run = await runtime.start(flow)
    assert await run.result() == 4
    assert "count.count" in {record.node for record in history(run)}


async def test_a_workflow_can_stand_for_the_step(runtime: Runtime):
    """R8: a workflow with the emitting step's own name replaces it, by its result."""

    @step
    async def start(value: int) -> int:
        emit(doubled.options(name="start")(value))
        return 0

    @workflow
    def flow() -> int:
        return twice(start(3))

    run = await runtime.start(flow)
    assert await run.result() == 24
    done = [record.node for record in history(run).only(StepSucceeded)]
    assert done == ["start", "start[2].twice", "start[2].twice_2", "start", "twice"]


async def test_two_that_stand_for_one_step_are_refused(runtime: Runtime):
    """R8, R5."""

    @step
    async def start(value: int) -> int:
        emit(twice.options(name="start")(value), one.options(name="start")())
        return 0

    @workflow
    def flow() -> int:
        return start(3)

    with pytest.raises(RunFailed, match="two nodes are named 'start'"):
        await runtime.run(flow)


async def test_a_sequential_run_goes_through_a_scope_before_what_follows_it(runtime: Runtime):
    """R6: definition order is that of the text, whatever is inside of what."""

    @workflow
    def flow() -> list[Any]:
        items = each([1, 2], lambda item: twice(twice(item)))
        passes = repeat(doubled, 1, at_most=2)
        return [items, passes, one()]

    run = await runtime.options(sequential=True).start(flow)
    assert await run.result() == [[4, 8], 16, 1]
    steps = [record.node for record in history(run).only(StepSucceeded) if record.node not in ("each", "repeat")]
    assert steps == [
        "each[0].twice",
        "each[0].twice_2",
        "each[1].twice",
        "each[1].twice_2",
        "repeat[1].twice",
        "repeat[1].twice_2",
        "repeat[2].twice",
        "repeat[2].twice_2",
        "one",
    ]


async def test_what_is_emitted_where_nothing_is_to_be_undone_lasts_too(runtime: Runtime):
    """R8, R22: `undoable=False` reaches what is emitted inside, and what that emits."""
    undone: list[int] = []

    @step
    async def store(value: int) -> int:
        if value:
            emit(store(value - 1))
        return value

    @store.undo
    async def unstore(value: int) -> None:
        undone.append(value)

    @step
    async def breaks(value: int) -> int:
        raise LookupError

    @workflow
    def stored(value: int) -> int:
        return store(value)

    @workflow
    def flow() -> int:
        return breaks(stored.options(undoable=False)(store(2)))

    with pytest.raises(RunFailed):
        await runtime.run(flow)
    assert sorted(undone) == [0, 1, 2]


@pytest.mark.parametrize("replaces", [False, True])
async def test_what_a_step_has_emitted_before_its_halt_runs_on_resume(runtime: Runtime, replaces: bool):
    """R8, R16: a `Halt` says that the step is done."""

    @step
    async def pauses(value: int) -> int:
        emit(twice.options(name="pauses" if replaces else "more")(value))
        raise Halt(value)

    @workflow
    def flow(value: int) -> int:
        return twice(pauses(value))

    run = await runtime.start(flow, 3)
    outcome = await run.outcome()
    assert isinstance(outcome, Halted)
    assert outcome.by == "pauses"
    resumed = await runtime.resume(flow, run.id)
    assert await resumed.result() == (12 if replaces else 6)
    assert ("pauses[2]" if replaces else "pauses.more") in {record.node for record in history(resumed)}


async def test_what_was_called_before_a_halt_and_not_emitted_is_told(runtime: Runtime):
    """R8: as when the step returns."""

    @step
    async def forgets(value: int) -> int:
        twice(value)
        raise Halt(value)

    @workflow
    def flow(value: int) -> int:
        return forgets(value)

    with pytest.raises(RunFailed, match="not emitted"):
        await runtime.run(flow, 3)
