"""Random plans with scopes in them, nested: drafts that the planner compiles, so that bodies are what they are in earnest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from inspect import Parameter, Signature
from random import Random
from typing import Any

from msgspec.structs import replace

from actorflow.plan import (
    Around,
    Body,
    Call,
    Choose,
    ChooseFirst,
    Collected,
    Constant,
    Control,
    Draft,
    DraftNode,
    Each,
    Expression,
    InputSpec,
    InputValue,
    Item,
    NodeValue,
    Plan,
    Repeat,
    StepSpec,
    compile_draft,
)
from actorflow.policy import Retry
from tests.simulation.plans import STEPS, WAITS, nothing

DEPTH = 3
PLAIN = tuple(step for step in STEPS if not (step.undo or step.guards or step.compensate))
"""Bodies made of these leave nothing behind: their ranges are used anew."""
GUARDS = next(step.guards for step in STEPS if step.guards)
WORDS: dict[type[Control], str] = {
    Call: "group", Choose: "choose", ChooseFirst: "first", Each: "each", Repeat: "repeat", Around: "around",
}  # fmt: skip
EMISSIONS = 40


def value_free(step: StepSpec) -> StepSpec:
    """The step as it may stand where it takes what an around lends: its undo gets the value alone."""
    if step.undo is None or not step.undo.wants_arguments:
        return step
    return replace(step, undo=replace(step.undo, wants_arguments=False))


VALUE_FREE = tuple(map(value_free, STEPS))


class Drawer:
    """Draws one body. `lent`: which of its inputs are what an around lends, or part of it."""

    def __init__(
        self, random: Random, depth: int, lent: Sequence[bool], *, plain: bool, waits: Random | None = None
    ) -> None:
        self.random = random
        self.depth = depth
        self.lent = lent
        self.plain = plain
        self.waits = waits or Random(0)  # random numbers of its own
        self.waiting = 0.25 if waits is not None else 0.0
        self.nodes: list[DraftNode] = []

    def draft(self, name: str, size: int) -> Draft:
        for _ in range(size):
            nested = self.depth > 0 and self.random.random() < (0.35 if self.depth < DEPTH else 0.5)
            self.nodes.append(self.scope() if nested else self.step())
        inputs = tuple(InputSpec(f"i{place}", Any, Parameter.empty) for place in range(len(self.lent)))
        return Draft(name, inputs, self.nodes, self.result(), True, Any, is_body=name != "random")

    def result(self) -> Expression:
        """One node's, some nodes' or nothing."""
        random, size = self.random, len(self.nodes)
        kind = random.random()
        if kind < 0.5:
            return NodeValue(random.randrange(size))
        if kind < 0.6:
            return Constant(None)
        chosen = random.sample(range(size), random.randint(1, size))
        keys = tuple(Item(place) for place in range(len(chosen)))
        return Collected(list, keys, tuple(NodeValue(node) for node in chosen), list)

    def source(self) -> Expression:
        inputs, nodes = len(self.lent), len(self.nodes)
        if inputs and (not nodes or self.random.random() < 0.4):
            return InputValue(self.random.randrange(inputs))
        return NodeValue(max(0, nodes - 1 - int(self.random.random() * 3))) if nodes else Constant(7)

    def sources(self, most: int) -> tuple[Expression, ...]:
        return tuple(self.source() for _ in range(self.random.randint(0, most)))

    def after(self) -> tuple[int, ...]:
        if self.nodes and self.random.random() < 0.15:
            return (self.random.randrange(len(self.nodes)),)
        return ()

    def is_lent(self, expression: Expression) -> bool:
        return isinstance(expression, InputValue) and self.lent[expression.index]

    def step(self) -> DraftNode:
        arguments = self.sources(2)
        if self.waits.random() < self.waiting:
            spec = self.waits.choice(WAITS)
            return DraftNode(f"n{len(self.nodes)}", spec, arguments, after=self.after())
        steps = PLAIN if self.plain else VALUE_FREE if any(map(self.is_lent, arguments)) else STEPS
        return DraftNode(
            f"n{len(self.nodes)}",
            self.random.choice(steps),
            arguments,
            after=self.after(),
            keep=self.random.random() < 0.05,
        )

    # ── scopes ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def scope(self) -> DraftNode:
        random = self.random
        control = some_control(random)
        arguments = () if isinstance(control, Around) else (self.source(),)
        captures = tuple(source for source in self.sources(2) if not isinstance(source, Constant))
        given = [self.is_lent(argument) for argument in arguments]
        if isinstance(control, Around):
            given = [True]
        elif isinstance(control, (Each, Repeat)):
            given = [False]
        elif isinstance(control, Choose):
            given = []
        count = 1 if not isinstance(control, (Choose, ChooseFirst)) else 3 if control.default is not None else 2
        bodies = tuple(self.body(control, given, captures, number) for number in range(count))
        guards = GUARDS if not self.plain and random.random() < 0.1 else ()
        spec = StepSpec(
            WORDS[type(control)], nothing, Signature(), "scope", Any, retry=Retry(attempts=3 if guards else 1), guards=guards,
            control=control,
        )  # fmt: skip
        name = f"{WORDS[type(control)]}{len(self.nodes)}"
        return DraftNode(name, spec, arguments, after=self.after(), bodies=bodies, captures=captures)

    def body(self, control: Control, given: list[bool], captures: Sequence[Expression], number: int) -> Body:
        random = self.random
        takes = tuple(place for place in range(len(captures)) if random.random() < 0.8)
        lent = [*given, *(self.is_lent(captures[place]) for place in takes)]
        plain = self.plain or random.random() < 0.35
        draft = Drawer(random, self.depth - 1, lent, plain=plain, waits=self.waits if self.waiting else None).draft(
            "body", random.choice((1, 1, 2, 3))
        )
        key = (
            str(number)
            if isinstance(control, (Choose, ChooseFirst))
            else "*"
            if isinstance(control, (Each, Repeat))
            else ""
        )
        if isinstance(control, Repeat) and not takes and random.random() < 0.4:
            return Body(key, None, len(given), (), lambda: compile_draft(draft))
        return Body(key, draft, len(given), takes)


def some_control(random: Random) -> Control:
    kind = random.random()
    if kind < 0.35:
        return Each(random.choice((1, 2, 3, 5)), random.random() < 0.7, batch_size=3, collects=random.random() < 0.5)
    if kind < 0.6:
        return Around(nothing)
    if kind < 0.7:
        return Repeat(None, None)
    if kind < 0.8:
        return Call()
    if kind < 0.9:
        return Choose({0: 0, 1: 1}, 2 if random.random() < 0.5 else None)
    return ChooseFirst((bool, bool), 2 if random.random() < 0.5 else None)


@lru_cache(maxsize=64)
def make_scoped_plan(seed: int) -> Plan:
    random = Random(seed)
    waits = Random(f"waits {seed}")
    drawer = Drawer(random, DEPTH, (), plain=random.random() < 0.1, waits=waits if waits.random() < 0.4 else None)
    return compile_draft(drawer.draft("random", random.randint(1, 6)))


def some_emission(seed: int) -> tuple[Plan, str]:
    """What a step may emit, and the name of the node that stands for it, if one does."""
    random = Random(seed)
    draft = Drawer(random, random.choice((0, 0, 1)), (), plain=random.random() < 0.3).draft(
        "emitted", random.randint(1, 3)
    )
    if random.random() < 0.7:
        return compile_draft(draft), ""
    chosen = random.randrange(len(draft.nodes))
    draft.result = NodeValue(chosen)
    return compile_draft(draft), draft.nodes[chosen].name


@lru_cache(maxsize=1)
def emissions() -> Sequence[tuple[Plan, str]]:
    return tuple(some_emission(seed) for seed in range(EMISSIONS))
