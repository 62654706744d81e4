"""What must be true of the runs in a store at any moment, whatever was killed when.

    async with SQLiteStore("trips.db") as store:
        await check_store(store)

It looks at what is recorded alone, so it needs neither the workflows nor a runtime.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

from actorflow.errors import InvalidValue
from actorflow.store import RunRecord, StepStatus, Store, decode_turns
from actorflow.testing.told import Told, told_by

UNFINISHED = frozenset({"running", "halting", "rolling_back", "undoing"})
PAGE = 200


class InvariantBroken(AssertionError):
    """What is recorded can't be. `problems` says what, run by run."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("".join(f"\n  - {problem}" for problem in problems))


async def check_store(store: Store) -> None:
    """Raises `InvariantBroken` unless of every run in the store:

    - if it isn't finished, something will move it: a runtime that has it, or any that comes, as it may be claimed;
    - its turns are 1, 2, 3, … up to its tail, and can be read;
    - its end is recorded as often as it has ended, and says what the run's record says;
    - no step completed twice, nor began again once it was completed, and its attempts count upwards;
    - what was taken back had been completed, in reverse order of completion, one at a time, and each once;
    - its step runs say what its turns say.

    The store has to be entered.
    """
    problems = [problem async for problem in problems_of(store)]
    if problems:
        raise InvariantBroken(problems)


async def check_run(store: Store, run_id: str) -> None:
    """The same, for one run. Raises `InvariantBroken`, and `RecordNotFound` if there is none of this id."""
    problems = await problems_of_run(store, await store.get_run(run_id))
    if problems:
        raise InvariantBroken(problems)


async def problems_of(store: Store) -> AsyncIterator[str]:
    """What isn't as it must be, in all runs."""
    after: str | None = None
    while True:
        page = await store.list_runs(limit=PAGE, after=after)
        for run in page.runs:
            for problem in await problems_of_run(store, run):
                yield problem
        after = page.next
        if after is None:
            return


async def problems_of_run(store: Store, run: RunRecord) -> list[str]:
    owners = {runtime.number for runtime in await store.runtimes()}
    data = await store.turns(run.run_id)
    found = [*will_move(run, owners), *is_whole(run, data)]
    if not found:
        told = told_by(list(map(decode_turns, data)))
        statuses = await store.step_statuses(run.run_id)
        completed = await store.completed_steps(run.run_id)
        found = [*told.problems, *has_ended(run, told), *is_projected(told, statuses, completed)]
    return [f"run {run.run_id!r} ({run.status}): {problem}" for problem in found]


async def steps_completed(store: Store, run_id: str) -> frozenset[str]:
    """The names of the steps whose completion is stored, whatever became of them afterwards. Raises `RecordNotFound`."""
    return frozenset(told_by(list(map(decode_turns, await store.turns(run_id)))).completed)


# ── each invariant ────────────────────────────────────────────────────────────────────────────────────────────────────


def will_move(run: RunRecord, owners: set[int]) -> Iterator[str]:
    if run.status in UNFINISHED:
        if run.ended is not None:
            yield "it isn't finished, and has an end"
        if run.owner is not None and run.owner not in owners:
            yield f"runtime {run.owner}, which has it, is gone, and nobody may claim it"
        if run.owner is None and run.problem is not None:
            yield f"nobody will move it: it was left alone: {run.problem}"
    elif run.owner is not None:
        yield f"it has ended, and runtime {run.owner} has it"
    elif run.ended is None:
        yield "it has ended, and nobody knows when"


def is_whole(run: RunRecord, data: Sequence[bytes]) -> Iterator[str]:
    if len(data) != run.tail:
        yield f"it has {len(data)} turns, and {run.tail} were recorded"
    for number, one in enumerate(data, 1):
        try:
            decode_turns(one)  # without a turn, they say that a runtime was left in order
        except InvalidValue as error:
            yield f"turns {number} can't be read: {error}"


def has_ended(run: RunRecord, told: Told) -> Iterator[str]:
    expected = None if run.status in UNFINISHED else run.status
    if told.ended != expected:
        yield f"its turns say that it {'goes on' if told.ended is None else f'has ended as {told.ended}'}"
    if run.status in {"succeeded", "undone"} and run.result is None and run.inputs:
        yield "it has succeeded, and has no result"


def is_projected(told: Told, statuses: dict[str, StepStatus], completed: Sequence[str]) -> Iterator[str]:
    done = {name for name, status in statuses.items() if status in DONE}
    if missing := told.completed.keys() - done:
        yield f"its step runs don't say that these were completed: {', '.join(sorted(missing))}"
    undone = {name for name, status in statuses.items() if status is StepStatus.UNDONE}
    if undone != told.undone:
        yield f"its step runs say that {sorted(undone)} were undone, its turns say {sorted(told.undone)}"
    order = [name for name in told.completed if name in set(completed)]
    if order != list(completed):
        yield f"its step runs were completed in the order {list(completed)}, its turns say {order}"


DONE = frozenset({StepStatus.COMPLETED, StepStatus.UNDOING, StepStatus.UNDONE, StepStatus.UNDO_FAILED})
