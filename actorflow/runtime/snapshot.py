"""A halted run as bytes, to be resumed in this or another process (R16).

Values are encoded by their annotated types, failures as records. What follows from the plan (which nodes wait, whose results are still
needed) isn't stored: it is worked out anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from actorflow.clock import Clock
from actorflow.engine import (
    ENDED,
    GONE,
    HOLE,
    Misfit,
    State,
    count_resolved,
    standing_error,
)
from actorflow.errors import InvalidState
from actorflow.failures import rebuild, record
from actorflow.plan import Plan
from actorflow.runtime.snapshot_needs import RESOLVED, Needed, needed_scopes, nodes_that_last, used_up
from actorflow.runtime.snapshot_records import Snapshot, error_of, noted
from actorflow.runtime.snapshot_revival import laid_out, settled
from actorflow.runtime.snapshot_scopes import check_sources, tree_record
from actorflow.runtime.snapshot_waits import signals_in, signals_out, waits_in, waits_out
from actorflow.store import Codec

if TYPE_CHECKING:
    from actorflow.runtime.row import Row

VERSION = 2
SYSTEM = Clock()


def snapshot_of(row: Row, codec: Codec, now: float, clock: Clock = SYSTEM) -> bytes:
    """Raises `NotSerializable`, naming the path, if something of the run can't be encoded."""
    state, plan = row.state, row.launch.plan
    check_sources(row)
    needed = needed_scopes(state)
    tables = Tables(state, needed)
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
        status=tables.status,
        attempt=tables.attempt,
        values=tables.values(codec),
        undo_stack=state.undo_stack,
        reasons={
            node: codec.seal_failure(record(_lasting(state, node, error))) for node, error in state.reasons.items()
        },
        waits={node: max(0.0, due - now) for node, due in state.retry_at.items() if node not in state.waits},
        spent={node: now - at for node, at in state.first_at.items()},
        uncounted=state.uncounted,
        passed=state.passed,
        offered=state.offered,
        stopped=state.stopped,
        unknown=state.unknown,
        errors=[noted(error, codec) for error in state.errors],
        acted=state.acted,
        incomplete=state.incomplete,
        tree=None if state.tree is None else tree_record(row, state.tree, needed, codec, now),
        dormant=waits_out(state, clock, now),
        signals=signals_out(row, codec),
    )
    return msgspec.msgpack.encode(snapshot)


def _lasting(state: State, node: int, error: BaseException) -> BaseException:
    """R21: what a compensation is to get, if it comes to that; a `TryAgain` itself isn't a failure."""
    return standing_error(state, node, state.attempt[node], error)


class Tables:
    """The nodes of the run that are still looked at: those of its plan, and of the bodies that are open or may be undone."""

    def __init__(self, state: State, needed: Sequence[Needed]) -> None:
        self.state = state
        self.frames = [frame for one in needed for frame in one.frames]
        self.nodes = [*range(len(state.plan)), *(i for frame in self.frames for i in range(frame.base, frame.nodes))]
        self.used_up = used_up(state, [one.scope for one in needed])
        self.status = bytes(state.status)
        self.attempt = state.attempt
        if state.tree is not None:
            status, attempt = bytearray([HOLE]) * len(state.status), [0] * len(state.status)
            for node in self.nodes:
                status[node], attempt[node] = state.status[node], state.attempt[node]
            self.status, self.attempt = bytes(status), attempt

    def values(self, codec: Codec) -> dict[int, bytes]:
        """The results that may still be needed."""
        state, undone = self.state, set(self.state.undo_stack)
        lasting = (node for frame in self.frames for node in nodes_that_last(frame, undone))
        return {
            node: codec.encode(state.values[node], state.program.steps[node].returns, state.name(node))
            for node in (*range(len(state.plan)), *lasting)
            if state.status[node] in RESOLVED and state.values[node] is not GONE and node not in self.used_up
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
        raise has_changed(snapshot)


def has_changed(snapshot: Snapshot) -> InvalidState:
    return InvalidState(
        f"workflow {snapshot.workflow!r} has changed since run {snapshot.run_id!r} was halted"
        "\nResume it with the code that it was started with."
    )


def state_of(
    snapshot: Snapshot, plan: Plan, inputs: tuple[Any, ...], codec: Codec, now: float, clock: Clock = SYSTEM
) -> State:
    """The state as it was when the run was halted. Raises `InvalidState` if its bodies aren't those of the plan."""
    try:
        state = _state_of(snapshot, plan, inputs, codec, now)
    except Misfit:
        raise has_changed(snapshot) from None
    waits_in(state, snapshot.dormant, clock, now)
    signals_in(state, snapshot.signals, codec)
    return state


def _state_of(snapshot: Snapshot, plan: Plan, inputs: tuple[Any, ...], codec: Codec, now: float) -> State:
    state = State(plan, snapshot.run_id, inputs, snapshot.options)
    revival = None if snapshot.tree is None else laid_out(state, snapshot.tree, codec, now)
    if len(snapshot.status) != len(state.status) or len(snapshot.attempt) != len(state.status):
        raise Misfit
    state.phase = ENDED
    state.ended = "halted"
    state.by = snapshot.by
    state.status[:] = snapshot.status
    state.attempt[:] = snapshot.attempt
    state.undo_stack = list(snapshot.undo_stack)
    state.reasons = {node: rebuild(codec.open_failure(failure)) for node, failure in snapshot.reasons.items()}
    state.retry_at = {node: now + wait for node, wait in snapshot.waits.items()}
    state.first_at = {node: now - spent for node, spent in snapshot.spent.items()}
    state.uncounted = dict(snapshot.uncounted)
    state.passed = set(snapshot.passed)
    state.offered = set(snapshot.offered)
    state.stopped = set(snapshot.stopped)
    state.unknown = set(snapshot.unknown)
    state.errors = [error_of(one, codec) for one in snapshot.errors]
    state.acted = snapshot.acted
    state.incomplete = snapshot.incomplete
    give_values(state, snapshot.values, codec)
    if revival is None or snapshot.tree is None:
        state.remaining = count_resolved(state, 0, len(plan))
    else:
        settled(revival, snapshot.tree, codec)
    return state


def give_values(state: State, values: Mapping[int, bytes], codec: Codec) -> None:
    for node, status in enumerate(state.status):
        if status in RESOLVED:
            data = values.get(node)
            state.values[node] = GONE if data is None else codec.decode(data, state.program.steps[node].returns)
