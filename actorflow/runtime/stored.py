"""Runs as their store has them: what is recorded when one is created and when it ends, and how a row is built again from it (R48, R50, R51)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import msgpack

from actorflow.engine import ENDED, RunOptions, State, begin_recording, replay_turn, set_aside
from actorflow.errors import ActorflowError, RunFailed, StepError
from actorflow.facts import StepFact
from actorflow.outcome import Cancelled, Failed, Halted, Outcome, Succeeded
from actorflow.runtime.context import lend
from actorflow.runtime.desk import NOTHING, Desk
from actorflow.runtime.entries import read
from actorflow.runtime.journal import Journal
from actorflow.runtime.marks import Marks, marks_of
from actorflow.runtime.middleware import overrides
from actorflow.runtime.row import Row
from actorflow.runtime.snapshot_records import Noted, error_of
from actorflow.store import Codec, NewRun, RunChange, Turn, decode_turns

if TYPE_CHECKING:
    from actorflow.plan import Plan
    from actorflow.policy import Durability
    from actorflow.runtime.machine import Machine
    from actorflow.store import RunRecord


class StoredOptions(msgspec.Struct, frozen=True):
    """`marks`: which steps the plan had (R51). `durability`: how the run is stored, also by whoever takes it over; empty in older stores."""

    options: RunOptions
    priority: int
    marks: bytes = b""
    durability: str = ""


class StoredEnd(msgspec.Struct, frozen=True):
    """How a run ended that didn't succeed."""

    by: str
    rollback: str
    errors: list[Noted]
    set_aside: tuple[str, ...] = ()


# ── written ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def inputs_data(desk: Desk, plan: Plan, inputs: Sequence[Any]) -> bytes:
    """Raises `NotSerializable`, naming the input."""
    return msgpack.encode(
        [desk.encode(value, spec.type, f"input {spec.name!r}") for value, spec in zip(inputs, plan.inputs, strict=True)]
    )


def new_run(desk: Desk, row: Row, durability: Durability) -> NewRun:
    """Raises `NotSerializable` if something that the run is given can't be stored."""
    plan = row.launch.plan
    return NewRun(
        run_id=row.id,
        workflow=plan.name,
        inputs=inputs_data(desk, plan, row.inputs),
        fingerprint=plan.fingerprint,
        context=desk.encode(dict(row.data), dict[str, Any], "the run's context"),
        labels=dict(row.labels),
        options=msgpack.encode(StoredOptions(row.state.options, row.priority, marks_of(plan), durability)),
        parent=row.parent[0].id if row.parent is not None else None,
    )


def change_of(desk: Desk, row: Row) -> RunChange:
    """What of the run itself is new with the turns that are stored now."""
    state = row.state
    if state.phase != ENDED:
        return RunChange(status=state.doing)
    if state.ended in ("succeeded", "undone"):
        return RunChange(status=state.ended, result=result_data(desk, row, state.result))
    errors = [Noted(one.node, one.phase, one.attempt, desk.failure(one.error)) for one in state.errors]
    end = StoredEnd(state.by, state.rollback, errors, tuple(map(row.name, set_aside(state))))
    return RunChange(status=state.ended, failure=msgpack.encode(end))


def result_data(desk: Desk, row: Row, value: Any) -> bytes:
    """`None` stands for itself, whatever the type: a step that is skipped gives it. Raises `NotSerializable`."""
    return desk.encode_any(value, row.launch.plan.return_type, f"the result of run {row.id!r}")


def is_same(desk: Desk, plan: Plan, record: RunRecord, inputs: Sequence[Any]) -> bool:
    """R47: whether the run has these inputs. Raises `NotSerializable`, and `InvalidValue` for what can't be opened."""
    given = inputs_data(desk, plan, inputs)
    if record.inputs == given:
        return True
    found, asked = (msgpack.decode(one, type=list[bytes]) for one in (record.inputs, given))
    return len(found) == len(asked) and all(map(desk.codec.is_same, found, asked))


# ── read ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def outcome_of(record: RunRecord, plan: Plan, codec: Codec) -> Outcome[Any] | None:
    """How the run ended, or `None` if it hasn't."""
    if record.status in ("succeeded", "undone", "undoing"):
        data = record.result or NOTHING
        return Succeeded(None if data == NOTHING else codec.decode(data, plan.return_type), record.run_id)
    if record.failure is None:
        return None
    end = msgpack.decode(record.failure, type=StoredEnd)
    errors = [error_of(one, codec) for one in end.errors]
    rollback: Any = end.rollback
    match record.status:
        case "halted":
            return Halted(end.by, None, record.run_id, end.set_aside)
        case "cancelled":
            return Cancelled(end.by, rollback, tuple(errors), record.run_id)
        case "failed":
            return Failed(failed(record, errors, rollback), rollback, record.run_id)
        case _:
            return None


def failed(record: RunRecord, errors: Sequence[StepError], rollback: Any) -> RunFailed:
    error = RunFailed(record.run_id, record.workflow, list(errors), rollback)
    error.__cause__ = next((one.error for one in errors if one.phase in ("run", "guard")), None)
    return error


class Unfit(ActorflowError):
    """The run can't be built again with the code that is here (R51)."""


class Before(NamedTuple):
    """What is known of who had a run before: its clock's offset from wall time, and whether it has left the run in order."""

    offset: float
    has_left: bool


def row_of(machine: Machine, desk: Desk, record: RunRecord, data: Sequence[bytes]) -> tuple[Row, Before]:
    """The row as it was when its last turn was stored. Raises `Unfit`."""
    try:
        row = empty_row(machine, desk, record)
        before, marks = Before(0.0, has_left=False), marks_now(row, record)
        for one in data:
            turns = decode_turns(one)
            before = Before(turns.offset, has_left=not turns.turns)
            decide_again(desk, row, turns.turns, marks)
        if marks is not None:
            check_marks(row, marks, [node for node, attempt in enumerate(row.state.attempt) if attempt])
    except Unfit:
        raise
    except Exception as error:
        raise Unfit(f"run {record.run_id!r} can't be built again from what is stored of it: {error}") from error
    assert row.journal is not None
    row.journal.sequence = record.tail
    return row, before


def empty_row(machine: Machine, desk: Desk, record: RunRecord) -> Row:
    """A row with nothing decided yet."""
    workflow = machine.known.workflows.get(record.workflow)
    if workflow is None:
        raise Unfit(f"run {record.run_id!r} is one of {record.workflow!r}, which isn't known here")
    plan = machine.known.plan_of(workflow)
    inputs = inputs_of(desk, plan, record)
    stored = msgpack.decode(record.options, type=StoredOptions)
    context = copy_context()
    if machine.config.lent:
        context.run(lend, machine.config.lent)
    launch = machine.launch_of(plan)
    state = State(plan, record.run_id, inputs, stored.options, launch.program)
    data: Mapping[str, Any] = desk.codec.decode(record.context, dict[str, Any]) if record.context else {}
    row = Row(record.run_id, workflow, state, launch, context, inputs, data, record.labels, stored.priority)
    row.middleware = (*machine.config.middleware, *plan.middleware)
    row.wraps = tuple(one for one in row.middleware if overrides(one, "step"))
    row.journal = Journal(desk, is_strict=(stored.durability or machine.config.durability) != "write_behind")
    begin_recording(state)
    return row


def inputs_of(desk: Desk, plan: Plan, record: RunRecord) -> tuple[Any, ...]:
    found = msgpack.decode(record.inputs, type=list[bytes])
    if len(found) != len(plan.inputs):
        raise Unfit(f"run {record.run_id!r} has {len(found)} inputs, and its workflow takes {len(plan.inputs)} now")
    return tuple(
        desk.codec.decode(one, spec.type, f"input {spec.name!r}") for one, spec in zip(found, plan.inputs, strict=True)
    )


def marks_now(row: Row, record: RunRecord) -> Marks | None:
    """What to compare the plan's steps with; nothing, if it is the plan that the run was started with."""
    plan = row.launch.plan
    if plan.fingerprint == record.fingerprint:
        return None
    return Marks(msgpack.decode(record.options, type=StoredOptions).marks, plan)


def check_marks(row: Row, marks: Marks, nodes: Iterable[int]) -> None:
    """Raises `Unfit` unless each of the nodes is the step that it was."""
    for node in nodes:
        if misfit := marks.misfit(row, node):
            raise Unfit(
                f"run {row.id!r} doesn't fit its workflow any more: {misfit}\nRun it with the code that it was started with."
            )


def decide_again(desk: Desk, row: Row, turns: Iterable[Turn], marks: Marks | None = None) -> None:
    """Raises `Unfit` unless the same facts follow as did then, of the same steps."""
    for turn in turns:
        messages = [read(desk, row, entry) for entry in turn.messages]
        if marks is not None:
            check_marks(row, marks, [one.node for one in messages if isinstance(one, StepFact)])
        told = set(map(id, messages))
        facts = replay_turn(row.state, messages)
        row.sequence += len(facts)
        compare(row, turn, [fact for fact in facts if id(fact) not in told])


def compare(row: Row, turn: Turn, followed: Sequence[Any]) -> None:
    then = [(fact.kind, fact.step, fact.attempt) for fact in turn.facts]
    now = [(type(f).__name__, row.name(f.node) if f.node >= 0 else "", f.attempt) for f in followed]
    if then == now:
        return
    one, other = next(
        pair
        for pair in zip([*then, ("nothing", "", 0)], [*now, ("nothing", "", 0)], strict=False)
        if pair[0] != pair[1]
    )
    raise Unfit(
        f"run {row.id!r} doesn't go the way it went: then {told(one)}, now {told(other)}"
        "\nIts workflow has changed. Run it with the code that it was started with."
    )


def told(fact: tuple[str, str, int]) -> str:
    kind, step, attempt = fact
    return f"{kind} of {step!r}, attempt {attempt}" if step else kind
