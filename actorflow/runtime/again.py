"""Runs that are run again: an operator's retry, and replays. Each is a new run, with a budget of its own, that keeps results of the one before.

1. What is kept: results that still stand. A step that was undone, or that takes something from one that isn't kept, runs again.
2. A retry runs again what didn't complete; a replay, what it is told and all that follows from it.
3. What can't be taken back and would be done twice is refused, unless it's named (R49).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import msgpack

from actorflow.engine import COMPLETED, GONE, SKIPPED, StartFrom, State
from actorflow.errors import InvalidState, RecordNotFound, suggest
from actorflow.ids import new_run_id
from actorflow.plan import Plan
from actorflow.policy import DURABILITIES, Skip
from actorflow.runtime.history import history_of
from actorflow.runtime.options import RunSettings
from actorflow.runtime.steps_told import StepTold, steps_told
from actorflow.runtime.stored import StoredOptions, Unfit, decide_again, empty_row, inputs_of
from actorflow.store import decode_turns

if TYPE_CHECKING:
    from actorflow.engine import Program
    from actorflow.runtime.handle import Run
    from actorflow.runtime.keeper import Keeper
    from actorflow.runtime.machine import Machine
    from actorflow.store import RunRecord

UNKNOWN = frozenset({"lost", "interrupted", "abandoned", None})
"""Ends of an attempt that don't say whether it has acted."""


class Again(msgspec.Struct, frozen=True):
    """How a run is run again. `fresh` are steps that run again with all that follows from them; `None`: everything does."""

    word: str
    fresh: Sequence[str] | None
    allowed: frozenset[str]
    run_id: str | None = None


class Repeating:
    """Makes new runs of ones that are stored."""

    def __init__(self, machine: Machine, keeper: Keeper) -> None:
        self.machine = machine
        self.keeper = keeper

    async def run(self, run_id: str, how: Again) -> Run[Any]:
        """Raises `RecordNotFound`, `UnknownWorkflow`, `InvalidState`, `RunConflict`."""
        self.machine.check_open()
        record = await self.keeper.record(run_id)
        plan = self.machine.known.plan_named(record.workflow)
        data = await self.keeper.held(self.keeper.store.turns(run_id))
        try:
            kept = {} if how.fresh is None else self.kept(record, plan, data, how.fresh)
            inputs = inputs_of(self.keeper.desk, plan, record)
        except Unfit as problem:
            raise InvalidState(f"{problem}\nreplay() from the start needs its inputs alone.") from problem
        check_irreversible(record, plan, data, {plan.names[node] for node in kept}, how)
        return await self.start(record, plan, inputs, self.settings(record, how), kept)

    # ── what is kept ──────────────────────────────────────────────────────────────────────────────────────────────────

    def kept(self, record: RunRecord, plan: Plan, data: Sequence[bytes], fresh: Sequence[str]) -> dict[int, Skip[Any]]:
        state = self.state_of(record, data)
        again = {node_of(plan, record, name) for name in fresh}
        found: dict[int, Skip[Any]] = {}
        for node in in_order(plan):
            value = state.values[node]
            stands = state.status[node] in (COMPLETED, SKIPPED) and value is not GONE and node not in again
            if stands and all(other in found for other in needs(plan, node)):
                found[node] = Skip(value)
        return found

    def state_of(self, record: RunRecord, data: Sequence[bytes]) -> State:
        """The run as it was left, with every result that it ever had. Raises `Unfit`."""
        row = empty_row(self.machine, self.keeper.desk, record)
        row.state.program = keeping(row.launch.program)
        try:
            for one in data:
                decide_again(self.keeper.desk, row, decode_turns(one).turns)
        except Unfit:
            raise
        except Exception as error:
            raise Unfit(f"run {record.run_id!r} can't be built again from what is stored of it: {error}") from error
        return row.state

    # ── the new run ───────────────────────────────────────────────────────────────────────────────────────────────────

    def settings(self, record: RunRecord, how: Again) -> RunSettings:
        """Those of the run before; a label says which that was."""
        stored = msgpack.decode(record.options, type=StoredOptions)
        options = stored.options
        context: dict[str, Any] = {}
        if record.context:
            context = self.keeper.desk.codec.decode(record.context, dict[str, Any])
        on_timeout: Any = options.on_timeout
        return RunSettings(
            run_id=how.run_id or new_run_id(),
            timeout=options.timeout,
            on_timeout=on_timeout,
            reversible=options.reversible,
            sequential=options.sequential,
            max_concurrency=options.max_concurrency,
            max_steps=options.max_steps,
            context=context,
            labels={**record.labels, f"{how.word}_of": record.run_id},
            priority=stored.priority,
            durability=next((one for one in DURABILITIES if one == stored.durability), None),
        )

    async def start(
        self,
        record: RunRecord,
        plan: Plan,
        inputs: tuple[Any, ...],
        settings: RunSettings,
        kept: Mapping[int, Skip[Any]],
    ) -> Run[Any]:
        workflow = self.machine.known.workflows[record.workflow]
        if await self.is_taken(settings.run_id or ""):
            raise InvalidState(f"there is a run {settings.run_id!r} already\nUse another run_id, or none.")
        await self.machine.slots.take(wait=True)
        durability = self.machine.starting.durability(settings, workflow)
        row = self.machine.starting.row(workflow, plan, inputs, settings, recorded=True)
        row.counted = True
        self.keeper.keep(row, "strict" if durability == "none" else durability)
        message = StartFrom(row.id, self.machine.now(), plan.name, row.labels, dict(kept))
        run = await self.machine.starting.launch(row, message)
        if row.journal is not None and row.journal.accepted is not None:
            await row.journal.accepted
        return run

    async def is_taken(self, run_id: str) -> bool:
        try:
            await self.keeper.record(run_id)
        except RecordNotFound:
            return False
        return True


def keeping(program: Program) -> Program:
    """The same, of a run that drops nothing (R7)."""
    found = copy(program)
    size = len(program.steps)
    found.stores = b"\1" * size
    found.releases = ((),) * size
    return found


# ── the plan ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def node_of(plan: Plan, record: RunRecord, name: str) -> int:
    if name not in plan.names:
        raise InvalidState(
            f"run {record.run_id!r} has no step {name!r} that it can be replayed from{suggest(name, plan.names)}"
            "\nThose of its own plan can be named; for one inside a combinator, the combinator."
        )
    return plan.names.index(name)


def needs(plan: Plan, node: int) -> set[int]:
    """The nodes whose results it takes, or its bodies do, and those that it was told to wait for."""
    found = set(plan.needs[node])
    scope = plan.scopes.get(node)
    if scope is not None:
        found.update(slot for slots in scope.waits for slot in slots if slot < len(plan.names))
    return found


def in_order(plan: Plan) -> list[int]:
    """Its nodes, each after those that it needs."""
    left = [needs(plan, node) for node in range(len(plan.names))]
    takers: dict[int, list[int]] = {}
    for node, taken in enumerate(left):
        for other in taken:
            takers.setdefault(other, []).append(node)
    found = [node for node, taken in enumerate(left) if not taken]
    for node in found:  # it grows meanwhile
        for taker in takers.get(node, ()):
            left[taker].discard(node)
            if not left[taker]:
                found.append(taker)
    return found


# ── what would be done twice ──────────────────────────────────────────────────────────────────────────────────────────


def check_irreversible(record: RunRecord, plan: Plan, data: Sequence[bytes], kept: set[str], how: Again) -> None:
    """R49: raises `InvalidState` unless all that would be done twice, and wasn't taken back, is allowed by name."""
    told = steps_told(history_of(data))
    twice = [step.name for step in told.values() if stands(step, plan) and not is_inside(step.name, kept)]
    refused = [name for name in twice if name not in how.allowed]
    if refused:
        listed = ", ".join(refused)
        raise InvalidState(
            f"run {record.run_id!r} can't be run again: {listed} {'has' if len(refused) == 1 else 'have'} acted, and would act twice"
            f"\nIf that is meant, say so by name: allow_irreversible={tuple(refused)!r}."
        )


def stands(step: StepTold, plan: Plan) -> bool:
    """Whether what it did wasn't taken back, and can't be, or may stand."""
    if step.status in {"undo failed", "dealt with"}:
        return step.status == "undo failed"
    if not any(matches(step.name, name) for name in irreversible(plan)):
        return False
    return any(attempt.phase == "run" and attempt.outcome in {"completed", *UNKNOWN} for attempt in step.attempts)


def irreversible(plan: Plan) -> set[str]:
    """The names of irreversible steps, those inside bodies as they are called there."""
    from actorflow.runtime.known import plans_in

    return {
        name
        for inner in plans_in(plan)
        for name, step in zip(inner.names, inner.steps, strict=False)
        if step.irreversible
    }


def matches(name: str, inner: str) -> bool:
    return name == inner or name.endswith(f".{inner}")


def is_inside(name: str, kept: Iterable[str]) -> bool:
    return any(name == one or name.startswith((f"{one}.", f"{one}[")) for one in kept)
