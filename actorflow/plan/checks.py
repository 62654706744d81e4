"""What's wrong with a draft: all of it, each problem with its node and the user's own line (R3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from actorflow.plan.draft import Draft
from actorflow.plan.expression import nodes_in


@dataclass(slots=True)
class Findings:
    """What was found: problems, which refuse the workflow, and notes, which don't."""

    problems: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])


def examine(draft: Draft) -> Findings:
    """All problems and notes of a draft."""
    found = Findings()
    cycle = find_cycle([needs_of(draft, i) for i in range(len(draft.nodes))])
    if cycle:
        names = " → ".join(draft.nodes[i].name for i in cycle)
        found.problems.append(at(draft.nodes[cycle[0]].line, f"these steps wait for each other: {names}"))
    return found


def needs_of(draft: Draft, i: int) -> list[int]:
    node = draft.nodes[i]
    return [*(j for argument in node.arguments for j in nodes_in(argument)), *node.after]


def at(line: str, text: str) -> str:
    """A problem with the line that it was written on: `trips.py:17: …`."""
    return f"{line}: {text}" if line else text


def find_cycle(needs: Sequence[Sequence[int]]) -> list[int]:
    """A cycle as a path that ends where it began, in the direction of the data; empty if there is none."""
    if all(j < i for i, needed in enumerate(needs) for j in needed):
        return []
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
