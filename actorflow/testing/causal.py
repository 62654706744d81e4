"""Two histories compared up to the order of what is causally independent.

A history is cut into strands, each of which is in order by itself: the run's own facts, each node's facts between the run's barriers, and
what is undone. Two histories are the same if all their strands are, and if in both every node comes after what it waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import ndiff
from typing import Protocol

from actorflow.plan import Plan

BARRIERS = frozenset(
    {"run started", "run resumed", "run succeeded", "run failed", "run halted", "run cancelled", "run undone"}
)
"""Everything of a run is either before or after these."""

UNDOING = frozenset({"undo started", "step undone", "undo attempt failed", "undo retry scheduled", "undo gave up"})
RESOLVING = frozenset({"step succeeded", "step halted", "step skipped", "step recovered"})
CHANCE = frozenset({"permits waited", "permits acquired", "permits released"})
"""Facts that depend on who came first."""


class Told(Protocol):
    """What the comparison looks at in a record."""

    @property
    def words(self) -> str: ...
    @property
    def node(self) -> str: ...
    @property
    def text(self) -> str: ...


class Comparison:
    """True if nothing differs; its text says what does."""

    def __init__(self, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)

    @property
    def text(self) -> str:
        if not self.differences:
            return "the histories are the same up to causal order"
        return "the histories differ:\n" + "\n".join(self.differences)

    def __bool__(self) -> bool:
        return not self.differences

    def __repr__(self) -> str:
        return f"<{self.text}>"


def compared(one: Iterable[Told], other: Iterable[Told], plan: Plan | None) -> Comparison:
    """Compares what two histories tell. In a difference, `-` is in the first only, `+` in the second only."""
    first = [record for record in one if record.words not in CHANCE]
    second = [record for record in other if record.words not in CHANCE]
    differences = [*different_strands(strands(first), strands(second))]
    if plan is not None:
        for which, records in (("first", first), ("second", second)):
            differences += (f"in the {which} history {problem}" for problem in out_of_order(records, plan))
    return Comparison(differences)


def strands(records: Iterable[Told]) -> dict[str, list[str]]:
    """The texts of each strand, by its name."""
    whole = list(records)
    nodes = dict.fromkeys(record.node for record in whole if record.node)
    found = {"the run itself": [record.text for record in whole if not record.node]}
    for node in nodes:
        found[f"node {node!r}"] = [r.text for r in whole if r.node == node or (not r.node and r.words in BARRIERS)]
    found["what is undone"] = [record.text for record in whole if record.words in UNDOING]
    return found


def different_strands(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> Iterator[str]:
    for name in dict.fromkeys([*one, *other]):
        here, there = one.get(name), other.get(name)
        if here is None or there is None:
            yield f"{name} is in the {'second' if here is None else 'first'} history only"
        elif here != there:
            lines = (line for line in ndiff(here, there) if not line.startswith("?"))
            yield f"{name}:\n" + "\n".join(f"  {line}" for line in lines)


def out_of_order(records: Sequence[Told], plan: Plan) -> Iterator[str]:
    """Nodes that came before something that they wait for."""
    first: dict[str, int] = {}
    resolved: dict[str, int] = {}
    for place, record in enumerate(records):
        if record.node:
            first.setdefault(record.node, place)
        if record.words in RESOLVING:
            resolved[record.node] = place
    for name, needs in zip(plan.names, plan.needs, strict=True):
        for need in (plan.names[node] for node in needs):
            if name in first and first[name] < resolved.get(need, len(records)):
                told = records[first[name]].text
                yield f"{told!r} comes before {need!r} is resolved, which {name!r} waits for"
