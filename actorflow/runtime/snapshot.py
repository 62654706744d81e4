"""A halted run as bytes, to be resumed in this or another process (R16).

Values are encoded by their annotated types, failures as records. What follows from the plan (which nodes wait, whose results are still
needed) isn't stored: it is worked out anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from actorflow.engine import COMPLETED, ENDED, GONE, SKIPPED, RunOptions, State, standing_error
from actorflow.errors import InvalidState, NotSerializable, StepError
from actorflow.failures import FailureRecord, rebuild, record
from actorflow.plan import Plan
from actorflow.store import Codec

if TYPE_CHECKING:
    from actorflow.runtime.row import Row

VERSION = 1


class Noted(msgspec.Struct, frozen=True, array_like=True):
    """An error of the run."""

    node: str
    phase: Literal["guard", "run", "compensate", "undo"]
    attempt: int
    failure: FailureRecord


class Snapshot(msgspec.Struct, frozen=True):
    """Times are in seconds from now, since clocks differ."""

    version: int
    run_id: str
    workflow: str
    fingerprint: str
    inputs: tuple[bytes, ...]
    context: bytes
    labels: Mapping[str, str]
    priority: int
    options: RunOptions
    by: str
    status: bytes
    attempt: list[int]
    values: dict[int, bytes]
    undo_stack: list[int]
    reasons: dict[int, FailureRecord]
    waits: dict[int, float]
    spent: dict[int, float]
    uncounted: dict[int, int]
    passed: set[int]
    offered: set[int]
    stopped: set[int]
    unknown: set[int]
    errors: list[Noted]
    acted: bool
    incomplete: bool


def snapshot_of(row: Row, codec: Codec, now: float) -> bytes:
    """Raises `NotSerializable`, naming the path, if something of the run can't be encoded."""
    state, plan = row.state, row.launch.plan
    if state.tree is not None:
        raise NotSerializable(
            f"what is under way in {next(map(row.name, state.tree.scopes), plan.name)!r} can't be encoded"
        )
    snapshot = Snapshot(
        version=VERSION,
        run_id=row.id,
        workflow=plan.name,
        fingerprint=plan.fingerprint,
        inputs=tuple(
            codec.encode(value, spec.type, f"input {spec.name!r}")
            for value, spec in zip(row.inputs, plan.inputs, strict=True)
        ),
        context=codec.encode(dict(row.data), dict[str, Any], "the run's context"),
        labels=dict(row.labels),
        priority=row.priority,
        options=state.options,
        by=state.by,
        status=bytes(state.status),
        attempt=state.attempt,
        values=_values(state, codec),
        undo_stack=state.undo_stack,
        reasons={node: record(_lasting(state, node, error)) for node, error in state.reasons.items()},
        waits={node: max(0.0, due - now) for node, due in state.retry_at.items()},
        spent={node: now - at for node, at in state.first_at.items()},
        uncounted=state.uncounted,
        passed=state.passed,
        offered=state.offered,
        stopped=state.stopped,
        unknown=state.unknown,
        errors=[Noted(e.node, e.phase, e.attempt, record(e.error)) for e in state.errors],
        acted=state.acted,
        incomplete=state.incomplete,
    )
    return msgspec.msgpack.encode(snapshot)


def _lasting(state: State, node: int, error: BaseException) -> BaseException:
    """R21: what a compensation is to get, if it comes to that; a `TryAgain` itself isn't a failure."""
    return standing_error(state, node, state.attempt[node], error)


def _values(state: State, codec: Codec) -> dict[int, bytes]:
    """The results that may still be needed."""
    plan = state.plan
    return {
        node: codec.encode(state.values[node], plan.steps[node].returns, plan.names[node])
        for node, status in enumerate(state.status)
        if status in (COMPLETED, SKIPPED) and state.values[node] is not GONE
    }


def read(data: bytes) -> Snapshot:
    """Raises `InvalidState` for bytes that are no snapshot, or one of another version."""
    try:
        snapshot = msgspec.msgpack.decode(data, type=Snapshot)
    except msgspec.MsgspecError as error:
        raise InvalidState(f"these bytes are no snapshot of a run: {error}") from None
    if snapshot.version != VERSION:
        raise InvalidState(f"this snapshot has format {snapshot.version}; this version of ActorFlow reads {VERSION}")
    return snapshot


def inputs_of(snapshot: Snapshot, plan: Plan, codec: Codec) -> tuple[Any, ...]:
    return tuple(codec.decode(data, spec.type) for data, spec in zip(snapshot.inputs, plan.inputs, strict=True))


def context_of(snapshot: Snapshot, codec: Codec) -> Mapping[str, Any]:
    data: dict[str, Any] = codec.decode(snapshot.context, dict[str, Any])
    return data


def check_fits(snapshot: Snapshot, plan: Plan) -> None:
    """R51: refuses a plan that the snapshot wasn't made from."""
    if snapshot.workflow != plan.name:
        raise InvalidState(f"this is a snapshot of {snapshot.workflow!r}, not of {plan.name!r}")
    if snapshot.fingerprint != plan.fingerprint:
        raise InvalidState(
            f"workflow {plan.name!r} has changed since run {snapshot.run_id!r} was halted"
            "\nResume it with the code that it was started with."
        )


def state_of(snapshot: Snapshot, plan: Plan, inputs: tuple[Any, ...], codec: Codec, now: float) -> State:
    """The state as it was when the run was halted."""
    state = State(plan, snapshot.run_id, inputs, snapshot.options)
    state.phase = ENDED
    state.ended = "halted"
    state.by = snapshot.by
    state.status[:] = snapshot.status
    state.attempt[:] = snapshot.attempt
    state.undo_stack = list(snapshot.undo_stack)
    state.reasons = {node: rebuild(failure) for node, failure in snapshot.reasons.items()}
    state.retry_at = {node: now + wait for node, wait in snapshot.waits.items()}
    state.first_at = {node: now - spent for node, spent in snapshot.spent.items()}
    state.uncounted = dict(snapshot.uncounted)
    state.passed = set(snapshot.passed)
    state.offered = set(snapshot.offered)
    state.stopped = set(snapshot.stopped)
    state.unknown = set(snapshot.unknown)
    state.errors = [StepError(e.node, e.phase, e.attempt, rebuild(e.failure)) for e in snapshot.errors]
    state.acted = snapshot.acted
    state.incomplete = snapshot.incomplete
    _resolve_again(state, snapshot, codec)
    return state


def _resolve_again(state: State, snapshot: Snapshot, codec: Codec) -> None:
    """Counts down what the resolved nodes' dependents wait for, and gives them their values."""
    plan, program = state.plan, state.program
    for node, status in enumerate(state.status):
        if status not in (COMPLETED, SKIPPED):
            continue
        data = snapshot.values.get(node)
        state.values[node] = GONE if data is None else codec.decode(data, plan.steps[node].returns)
        state.remaining -= 1
        for other in program.dependents[node]:
            state.counts[other] -= 1
        for other in program.releases[node]:
            state.readers[other] -= 1
