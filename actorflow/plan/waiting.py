"""What a node can wait for that runs no code: a time, a signal, somebody's answer. And the signals that a plan waits for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from actorflow.plan.plan import Plan

Kind: TypeAlias = Literal["sleep", "sleep_until", "signal", "approval"]

_ITEM = re.compile(r"\[[^\[\]]*\]")


class WaitSpec(msgspec.Struct, frozen=True):
    """`signal` is the name of what ends it, empty if time alone does, and `takes` the type of that. `given` names the node's arguments, in
    their order. `fails`: a no to an approval fails the node.
    """

    kind: Kind
    given: tuple[str, ...]
    signal: str = ""
    takes: Any = None
    fails: bool = False


class Waits(dict[str, WaitSpec]):
    """The waits of a plan and of all bodies in it, each by its signal and by its path; of items and passes the path is that of their body."""


def waits_of(plan: Plan) -> Mapping[str, WaitSpec]:
    """What runs of this plan may wait for. Worked out once per plan; steps that are emitted while a run goes on aren't among it."""
    found: Waits | None = plan.memo.get(Waits)
    if found is None:
        found = Waits()
        for path, spec in _all_waits(plan, "", ()):
            found.setdefault(spec.signal, spec)
            found.setdefault(path, spec)
        plan.memo[Waits] = found
    return found


def wait_for(plan: Plan, signal: str) -> WaitSpec | None:
    """What waits for a signal of this name, or at a node of this name: `paid`, `each[3].approval`."""
    known = waits_of(plan)
    return known.get(signal) or known.get(_ITEM.sub("", signal))


def _all_waits(plan: Plan, prefix: str, around: tuple[Plan, ...]) -> Iterator[tuple[str, WaitSpec]]:
    for name, step in zip(plan.names, plan.steps, strict=True):
        if step.wait is not None and step.wait.signal:
            yield prefix + name, step.wait
    for node, scope in plan.scopes.items():
        for body in scope.bodies:
            if body.plan is not plan and body.plan not in around:
                yield from _all_waits(body.plan, f"{prefix}{plan.names[node]}.", (*around, plan))
