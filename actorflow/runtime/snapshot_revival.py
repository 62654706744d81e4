"""The scopes of a stored run, built again (R16)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actorflow.engine import GONE, Misfit, Revival, Scope, State
from actorflow.plan import Plan, Repeat
from actorflow.runtime.snapshot_emitted import emitted_plan
from actorflow.runtime.snapshot_records import FrameRecord, FreeRange, ScopeRecord, TreeRecord, error_of
from actorflow.runtime.snapshot_scopes import item_type, list_of, open_places, value_type
from actorflow.store import Codec


def laid_out(state: State, record: TreeRecord, codec: Codec, now: float) -> Revival:
    """The tables of the run, with its scopes and bodies in them. Raises `Misfit` if they aren't those of the plan."""
    revival = Revival(state, record.size)
    for one in record.scopes:
        revive_scope(revival, one, codec, now)
    revive_free(revival, record.free)
    revival.lay_out()
    return revival


def settled(revival: Revival, record: TreeRecord, codec: Codec) -> None:
    """The rest, when the results of the nodes are there."""
    state, tree = revival.state, revival.tree
    tree.left = set(record.left)
    tree.replaced = set(record.replaced)
    tree.generations = dict(record.generations)
    tree.own = {node: codec.decode(data, state.program.steps[node].returns) for node, data in record.own.items()}
    for one in record.scopes:
        give_values(state, tree.scopes[one.node], one, codec)
    revival.settle()
    tree.done = [frame for base in record.done if (frame := tree.frame_of[base]) is not None]


# ── scopes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def revive_scope(revival: Revival, record: ScopeRecord, codec: Codec, now: float) -> None:
    emitted = None if record.emitted is None else emitted_plan(record.emitted, codec)
    scope = revival.scope(record.node, emitted, now - record.spent)
    plan = scope.plan.bodies[0].plan
    if isinstance(scope.plan.control, Repeat) and plan.fingerprint != record.fits:
        raise Misfit
    scope.open, scope.passes, scope.is_done = record.is_open, record.passes, record.is_done
    scope.start, scope.keys = record.start, record.keys
    for one in record.frames:
        revive_frame(revival, scope, one, codec)


def with_gaps(scope: Scope, results: Iterable[Any]) -> list[Any]:
    """The results in their places, if they are in the order of the items: those of open items are missing."""
    if scope.each is None or not scope.each.ordered:
        return list(results)
    missing, found = open_places(scope), iter(results)
    return [None if place in missing else next(found) for place in range(scope.start)]


def revive_frame(revival: Revival, scope: Scope, record: FrameRecord, codec: Codec) -> None:
    frame = revival.frame(scope, record.base, record.number, record.index, record.key)
    frame.acted, frame.incomplete, frame.emitted = record.acted, record.incomplete, record.emitted
    frame.names = record.names
    frame.errors = [error_of(one, codec) for one in record.errors]
    frame.left = -1 if record.is_over else 0


def give_values(state: State, scope: Scope, record: ScopeRecord, codec: Codec) -> None:
    """What the scope has, and what its bodies were given."""
    if record.value is not None:
        scope.value = codec.decode(record.value, value_type(scope))
    if record.items is not None:
        scope.items = codec.decode(record.items, list_of(item_type(scope)))
    if record.results is not None:
        scope.results = with_gaps(scope, codec.decode(record.results, state.program.steps[record.node].returns))
    for one in record.frames:
        frame = scope.frames[one.base]
        if one.is_over:  # what no undo needs wasn't stored
            state.values[frame.nodes : frame.nodes + len(frame.plan.inputs)] = [GONE] * len(frame.plan.inputs)
        for place, data in one.inputs.items():
            state.values[frame.nodes + place] = codec.decode(data, frame.plan.inputs[place].type)


# ── ranges to be used anew ────────────────────────────────────────────────────────────────────────────────────────────


def revive_free(revival: Revival, ranges: Iterable[FreeRange]) -> None:
    """One whose plan isn't there any more, or is another one, isn't used again."""
    for one in ranges:
        plan = plan_at(revival.state.plan, one.way)
        if plan is not None and len(plan) + len(plan.inputs) + len(plan.constants) == one.size:
            revival.free(plan, one.base)


def plan_at(plan: Plan, way: tuple[int, ...]) -> Plan | None:
    for node, number in zip(way[::2], way[1::2], strict=True):
        scope = plan.scopes.get(node)
        if scope is None or number >= len(scope.bodies):
            return None
        plan = scope.bodies[number].plan
    return plan
