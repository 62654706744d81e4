"""What the witness knows of bodies that are open in a run: it follows them by their paths, whatever numbers the engine gives their nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from actorflow.outcome import Failed, Succeeded
from actorflow.plan import Around, Collected, Each, Expression, InputValue, NodeValue, Plan
from tests.simulation.nodes import Node


class Link(NamedTuple):
    """An input of a body that comes from around it."""

    body: Body
    slot: int


class Body:
    """The plan of the run itself, or a body of a scope: one per item, pass, branch; and what a step has emitted.

    left   how many nodes aren't resolved, and steps' emissions aren't over
    begun  whether something of it has started
    over   all of it has ended, and its result is known
    """

    def __init__(self, plan: Plan, scope: Node | None, index: int, key: str, inputs: Sequence[Any]) -> None:
        self.plan = plan
        self.scope = scope
        self.outer: Body | None = None if scope is None else scope.body
        self.index = index
        self.inputs = list(inputs)
        prefix = "" if scope is None else f"{scope.name}[{key}]." if key else f"{scope.name}."
        self.nodes = [
            Node(self, i, f"{prefix}{name}", step)
            for i, (name, step) in enumerate(zip(plan.names, plan.steps, strict=True))
        ]
        for n, needs in zip(self.nodes, plan.needs, strict=True):
            n.needs = [self.nodes[other] for other in needs]
        self.left = len(self.nodes)
        self.begun = False
        self.over = False
        control = None if scope is None or scope.opening is None else scope.opening.control
        self.collects = isinstance(control, Each) and control.collects
        # an item that is taken back by itself
        self.rolling = False
        self.errors: list[tuple[str, str, int, BaseException | type]] = []
        self.acted = False
        self.incomplete = False
        self.patient_until = 0.0

    def value(self, slot: int) -> Any:
        """What stands in a slot of its plan."""
        count = len(self.nodes)
        if slot < count:
            return self.nodes[slot].value
        if slot - count >= len(self.inputs):
            return self.plan.constants[slot - count - len(self.inputs)]
        given = self.inputs[slot - count]
        return given.body.value(given.slot) if isinstance(given, Link) else given

    def is_there(self, slot: int) -> bool:
        """R1: whether what stands there can be used."""
        count = len(self.nodes)
        if slot < count:
            return self.nodes[slot].resolved
        given = self.inputs[slot - count] if slot - count < len(self.inputs) else None
        return given.body.is_there(given.slot) if isinstance(given, Link) else True

    @property
    def has_captures(self) -> bool:
        """Whether all is there that comes from around it."""
        return all(given.body.is_there(given.slot) for given in self.inputs if isinstance(given, Link))

    def takes(self, local: int) -> Sequence[int]:
        """The slots of a node's arguments."""
        takes = self.plan.takes[local]
        assert takes is not None, "simulated plans have plain arguments"
        return takes

    @property
    def result(self) -> Any:
        return self.made(self.plan.draft.result)

    def made(self, expression: Expression) -> Any:
        match expression:
            case NodeValue(node):
                return self.nodes[node].value
            case InputValue(index):
                return self.value(len(self.nodes) + index)
            case Collected(items=items):
                return [self.made(item) for item in items]
            case _:
                return None

    def upwards(self) -> Iterator[Body]:
        """It, and the bodies that it is in."""
        body: Body | None = self
        while body is not None:
            yield body
            body = body.outer

    def all_nodes(self) -> Iterator[Node]:
        """Its nodes, and those of the bodies in it."""
        for n in self.nodes:
            yield n
            for inner in bodies_of(n):
                yield from inner.all_nodes()

    def is_within(self, body: Body) -> bool:
        return any(outer is body for outer in self.upwards())


def bodies_of(n: Node) -> Iterator[Body]:
    """What a node has opened."""
    if n.opening is not None:
        yield from n.opening.bodies.values()
    if n.emitted is not None:
        yield n.emitted


class Opening:
    """A scope that was opened. `asks`: its own code has something to decide; `left`: an around that must be entered again."""

    def __init__(self, control: Any) -> None:
        self.control = control
        self.bodies: dict[int, Body] = {}
        self.asks = False
        self.value: Any = None
        # of an each
        self.more = False
        self.pulled = 0
        self.results: dict[int, Any] = {}
        # of an around
        self.is_entered = False
        self.is_done = False
        self.left = False

    @property
    def under_way(self) -> int:
        """How many items have begun and not ended."""
        return sum(body.begun and not body.over for body in self.bodies.values())

    @property
    def is_complete(self) -> bool:
        """Whether an each has all its results."""
        return not self.more and len(self.results) == self.pulled

    def all_results(self) -> list[Any]:
        if self.control.ordered:
            return [self.results[index] for index in sorted(self.results)]
        return Unordered(self.results.values())


class Unordered(list[Any]):
    """Results in the order of their completion; some end in the same moment."""


class FailedItem(NamedTuple):
    """What the outcome of an item that was taken back must tell."""

    rollback: str
    errors: tuple[tuple[str, str, int], ...]


def alike(told: Any, expected: Any) -> bool:
    """Whether a value is what it should be: outcomes of failed items have errors of their own."""
    if isinstance(expected, Unordered):
        return (
            isinstance(told, list)
            and len(told) == len(expected)
            and all(any(alike(one, other) for other in expected) for one in told)
        )
    if isinstance(expected, (list, tuple)) and not isinstance(expected, FailedItem):
        return isinstance(told, (list, tuple)) and len(told) == len(expected) and all(map(alike, told, expected))
    if isinstance(expected, FailedItem):
        if not isinstance(told, Failed) or told.rollback != expected.rollback:
            return False
        return tuple(sorted((e.node, e.phase, e.attempt) for e in told.error.errors)) == expected.errors
    if isinstance(expected, Succeeded):
        return isinstance(told, Succeeded) and alike(told.value, expected.value)
    return bool(told == expected)


def is_around(n: Node) -> bool:
    return isinstance(n.step.control, Around)
