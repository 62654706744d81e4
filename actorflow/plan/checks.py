"""What's wrong with a draft: all of it, each problem with its node and the user's own line (R3)."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter
from typing import Any

from actorflow.plan.draft import Draft, DraftNode
from actorflow.plan.expression import Constant, nodes_of
from actorflow.plan.findings import Findings, at
from actorflow.plan.flows import Flows
from actorflow.policy import Limit, limits_clash
from actorflow.values import can_flow, type_text


def examine(draft: Draft) -> Findings:
    """All problems and notes of a draft."""
    found = Findings()
    _examine(draft, found)
    _check_signals(draft, {}, found)
    return found


def _examine(draft: Draft, found: Findings) -> None:
    flows = Flows(draft, found)
    for spec in draft.inputs:
        stands_for_a_list = isinstance(spec.default, (tuple, type(None)))
        if spec.default is not Parameter.empty and not stands_for_a_list:
            flows.check(Constant(spec.default), spec.type, f"the default of input {spec.name!r}", draft.line)
    for node in draft.nodes:
        flows.check_node(node)
    _check_limits(draft, found)
    if draft.returned:
        _check_result(draft, flows, found)
    cycle = [] if _goes_back_only(draft) else find_cycle([_needs(node) for node in draft.nodes])
    if cycle:
        names = " → ".join(draft.nodes[i].name for i in cycle)
        found.problems.append(at(draft.nodes[cycle[0]].line, f"these steps wait for each other: {names}"))
    for node in draft.nodes:
        for body in node.bodies:
            if body.draft is not None:
                _examine(body.draft, found)


def _check_limits(draft: Draft, found: Findings) -> None:
    """R28: limits of one name are one pool, so their numbers must be the same."""
    known: dict[str, Limit] = {}
    for node in draft.nodes:
        for spec in node.spec.limits:
            clash = limits_clash(known.setdefault(spec.limit.name, spec.limit), spec.limit)
            if clash:
                found.problems.append(at(node.line, f"{node.name}: {clash}; share one Limit object"))


def _check_signals(draft: Draft, known: dict[str, Any], found: Findings) -> None:
    """A signal is checked when it comes, maybe before anything waits for it: so a workflow waits for values of one type by one name."""
    for node in draft.nodes:
        wait = node.spec.wait
        if wait is not None and wait.signal:
            other = known.setdefault(wait.signal, wait.takes)
            if other != wait.takes:
                what = f"waits for signal {wait.signal!r} as {type_text(wait.takes)}, another one as {type_text(other)}"
                found.problems.append(at(node.line, f"{node.name}: {what}; give one of them another name"))
        for body in node.bodies:
            if body.draft is not None:
                _check_signals(body.draft, known, found)


def _check_result(draft: Draft, flows: Flows, found: Findings) -> None:
    """The returned value against the return annotation: neither without the other."""
    wanted, result = draft.return_type, draft.result
    nothing = isinstance(result, Constant) and result.value is None
    if nothing and can_flow(type(None), wanted) is False:
        found.problems.append(at(draft.line, f"it's annotated to return {type_text(wanted)}, but returns nothing"))
    elif wanted in (None, type(None)) and not nothing and flows.type_of(result) not in (None, type(None), Any):
        found.problems.append(at(draft.line, "it returns a value, but is annotated to return None"))
    elif wanted is not Any:
        flows.check(result, wanted, "the returned value", draft.line)


def _needs(node: DraftNode) -> list[int]:
    return [*nodes_of(node.arguments), *nodes_of(node.captures), *node.after]


def _goes_back_only(draft: Draft) -> bool:
    """Whether each node waits for earlier ones alone, as all do that were drawn: then there is no cycle."""
    return all(max(needed, default=-1) < i for i, needed in enumerate(map(_needs, draft.nodes)))


def find_cycle(needs: Sequence[Sequence[int]]) -> list[int]:
    """A cycle as a path that ends where it began, in the direction of the data; empty if there is none."""
    left = _unresolvable(needs)
    return _walk(needs, left) if left else []


def _unresolvable(needs: Sequence[Sequence[int]]) -> set[int]:
    """The nodes that never become ready: those on a cycle, and those behind one."""
    counts = [len(needed) for needed in needs]
    dependents: list[list[int]] = [[] for _ in needs]
    for i, needed in enumerate(needs):
        for j in needed:
            dependents[j].append(i)
    ready = [i for i, count in enumerate(counts) if not count]
    resolved = set(ready)
    while ready:
        for i in dependents[ready.pop()]:
            counts[i] -= 1
            if not counts[i]:
                ready.append(i)
                resolved.add(i)
    return set(range(len(needs))) - resolved


def _walk(needs: Sequence[Sequence[int]], left: set[int]) -> list[int]:
    seen: dict[int, int] = {}
    path: list[int] = []
    node = min(left)
    while node not in seen:
        seen[node] = len(path)
        path.append(node)
        node = next(j for j in needs[node] if j in left)
    cycle = [*path[seen[node] :], node]
    return cycle[::-1]
