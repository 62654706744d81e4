"""What a nested workflow means, played one statement after the other. Written from the rules alone; it shares nothing with the engine.

The order is that of a sequential run: definition order, what is inside of a statement before the statement that follows it (R6), what a step
has emitted right after the step (R8).

- `play` stops at the first failure, and takes everything back: the one outcome of a sequential run.
- `explore` goes on past failures, as far as nothing needed what failed: which failures a run that isn't sequential may end with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.nested.program import (
    LENT,
    LOST,
    MODULUS,
    Act,
    Around,
    Block,
    Choose,
    Each,
    Emit,
    First,
    Flow,
    Group,
    Program,
    Repeat,
    Statement,
)

NOTHING: Final = None
"""Stands for a number that never is there, as something it needs has failed."""

Number = int | None


class Fails(Exception):
    """A statement fails; its argument is the name of the node."""


@dataclass
class Story:
    """What came of it. `failed` is the node of the first error, `undone` the nodes in the order in which they are taken back.

    `may_fail` are the nodes of whose failures one ends the run, if it isn't sequential.
    """

    value: Number = NOTHING
    failed: str = ""
    undone: list[str] = field(default_factory=list)
    acts: int = 0
    may_fail: set[str] = field(default_factory=set)


def play(program: Program) -> Story:
    story = Story()
    model = Model(story, explores=False)
    try:
        story.value = model.block(program.body, [program.start], "").number
    except Fails as failure:
        story.failed = str(failure)
        model.take_back(0)
    return story


def explore(program: Program) -> Story:
    story = Story()
    model = Model(story, explores=True)
    story.value = model.block(program.body, [program.start], "").number
    story.may_fail = model.failures
    return story


@dataclass
class Part:
    """What a block or a statement gave; `ended`: everything in it has."""

    number: Number
    ended: bool = True


class Model:
    def __init__(self, story: Story, *, explores: bool) -> None:
        self.story = story
        self.explores = explores
        self.failures: set[str] = set()
        self.done: list[str] = []
        self.undoable = True

    # ── what happens to a node ────────────────────────────────────────────────────────────────────────────────────

    def fails(self, node: str) -> Part:
        if not self.explores:
            raise Fails(node)
        self.failures.add(node)
        return Part(NOTHING, ended=False)

    def succeeds(self, node: str, *, undo: bool) -> None:
        self.story.acts += 1
        if undo and self.undoable:
            self.done.append(node)

    def take_back(self, since: int) -> None:
        """In reverse order, those done since then."""
        self.story.undone += reversed(self.done[since:])
        del self.done[since:]

    # ── blocks ────────────────────────────────────────────────────────────────────────────────────────────────────

    def block(self, block: Block, known: Sequence[Number], path: str) -> Part:
        numbers = list(known)
        ended = True
        for statement in block.does:
            part = self.statement(statement, numbers, path)
            numbers.append(part.number)
            ended = ended and part.ended
        return Part(numbers[block.gives], ended)

    def statement(self, statement: Statement, known: Sequence[Number], path: str) -> Part:
        node = path + statement.name
        match statement:
            case Act():
                return self.act(statement, taken(known, statement.of), node)
            case Flow():
                return self.flow(statement, known, node)
            case Emit():
                return self.emit(statement, taken(known, statement.of), node)
            case Group():
                return self.group(statement, known, node)
            case Around():
                return self.around(statement, known, node)
            case Each() | Choose() | First() | Repeat():
                number = known[statement.of]
                if number is None:
                    return Part(NOTHING, ended=False)
                return self.by_number(statement, number, known, node)

    def by_number(
        self, statement: Each | Choose | First | Repeat, number: int, known: Sequence[Number], node: str
    ) -> Part:
        match statement:
            case Each():
                return self.each(statement, number, known, node)
            case Repeat():
                return self.repeat(statement, number, known, node)
            case Choose(branches=branches, default=default):
                chosen = number % 3 if number % 3 < len(branches) else None
                given: list[Number] = []
            case First(branches=branches, default=default):
                says_yes: list[Callable[[int], bool]] = [lambda it: it % 2 == 0, lambda it: it % 3 == 0]
                chosen = next((i for i in range(len(branches)) if says_yes[i](number)), None)
                given = [number]
        if chosen is not None:
            return whole(self.block(branches[chosen], [*known, *given], f"{node}[{chosen}]."))
        if default is None:
            return self.fails(node)
        return whole(self.block(default, [*known, *given], f"{node}[default]."))

    # ── one by one ────────────────────────────────────────────────────────────────────────────────────────────────

    def act(self, act: Act, of: Sequence[int] | None, node: str) -> Part:
        if of is None:
            return Part(NOTHING, ended=False)
        x = sum(of) + act.plus
        if x % 5 in act.fails:
            if act.recovers is None:
                return self.fails(node)
            self.succeeds(node, undo=act.undo)
            return Part(act.recovers)
        self.succeeds(node, undo=act.undo)
        return Part(3 * x % MODULUS)

    def flow(self, flow: Flow, known: Sequence[Number], node: str) -> Part:
        """Its nodes are those of the workflow around it: each waits for what it takes, and for nothing more."""
        before, self.undoable = self.undoable, self.undoable and flow.undoable
        try:
            return self.block(flow.body, [known[place] for place in flow.of], f"{node}.")
        finally:
            self.undoable = before

    def emit(self, emit: Emit, of: Sequence[int] | None, node: str) -> Part:
        if of is None:
            return Part(NOTHING, ended=False)
        number = sum(of) + emit.plus
        self.succeeds(node, undo=emit.undo)
        part = self.block(emit.body, [number], f"{node}.")
        if not emit.replaced:
            return Part(number, part.ended)
        if part.number is None:
            return Part(NOTHING, ended=False)
        self.succeeds(f"{node}[2]", undo=False)
        return whole(Part(part.number + 1, part.ended))

    def each(self, each: Each, number: int, known: Sequence[Number], node: str) -> Part:
        gathered: list[Number] = []
        for index in range(number % 4):
            given = [*known, number + index]
            if each.collects:
                gathered.append(self.item(each, given, f"{node}[{index}]."))
            else:
                gathered.append(whole(self.block(each.body, given, f"{node}[{index}].")).number)
        return Part(folded(gathered, ordered=each.ordered), None not in gathered)

    def item(self, each: Each, known: Sequence[Number], path: str) -> int:
        """An item that fails is taken back at once, by itself; then it has its outcome."""
        since = len(self.done)
        outer, self.failures = self.failures, set()
        try:
            part = whole(self.block(each.body, known, path))
        except Fails:
            self.take_back(since)
            return LOST
        finally:
            self.failures = outer
        return LOST if part.number is None else part.number

    def group(self, group: Group, known: Sequence[Number], node: str) -> Part:
        numbers = list(known)
        if group.before is not None and not self.block(group.before, numbers, f"{node}.").ended:
            return Part(NOTHING, ended=False)
        part = self.block(group.body, numbers, f"{node}.")
        if not part.ended:
            return Part(NOTHING, ended=False)
        after = Part(NOTHING)
        if group.after is not None:
            after = self.block(group.after, [*numbers, part.number], f"{node}.")
        return whole(Part(part.number, after.ended))

    def around(self, around: Around, known: Sequence[Number], node: str) -> Part:
        part = whole(self.block(around.body, [*known, LENT], f"{node}."))
        return self.fails(node) if around.exit_fails and part.ended else part

    def repeat(self, repeat: Repeat, number: int, known: Sequence[Number], node: str) -> Part:
        for index in range(1, repeat.at_most + 1):
            part = whole(self.block(repeat.body, [*known, number], f"{node}[{index}]."))
            if part.number is None:
                return part
            number = part.number
            if repeat.until is not None and number % 3 == repeat.until:
                return part
        return self.fails(node) if repeat.exhausts else Part(number)


def taken(known: Sequence[Number], places: Sequence[int]) -> list[int] | None:
    """None if one of them never is there."""
    found = [known[place] for place in places]
    numbers = [number for number in found if number is not None]
    return numbers if len(numbers) == len(found) else None


def whole(part: Part) -> Part:
    """A scope gives nothing before all in it has ended."""
    return part if part.ended and part.number is not None else Part(NOTHING, ended=False)


def folded(numbers: Sequence[Any], *, ordered: bool) -> Number:
    """In their order, or whatever their order."""
    if None in numbers:
        return NOTHING
    if not ordered:
        return int(sum(numbers) % MODULUS)
    result = 0
    for number in numbers:
        result = (result * 7 + number) % MODULUS
    return result
