"""Programs at random, four deep at most."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.nested.program import (
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

DEPTH = 4
MOST_STATEMENTS = 4
ENOUGH = 20
"""From so many statements on a program gets no deeper."""
KINDS = ("act", "act", "act", "flow", "each", "each", "choose", "first", "group", "around", "repeat", "emit")


class Making:
    """One program that is being made: each statement gets a name of its own."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.count = 0
        self.retries = self.one_in(4)

    def name(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def one_in(self, many: int) -> bool:
        return int(self.draw(st.integers(1, many))) == many

    def place(self, known: int) -> int:
        """A later one more often: it makes chains."""
        return known - 1 - int(self.draw(st.integers(0, min(known - 1, 3))))

    def places(self, known: int) -> tuple[int, ...]:
        return tuple(self.place(known) for _ in range(int(self.draw(st.integers(0 if self.one_in(6) else 1, 2)))))

    def block(self, known: int, depth: int) -> Block:
        most = 1 if self.count > ENOUGH else MOST_STATEMENTS if depth > 1 else 2
        statements: list[Statement] = []
        for _ in range(int(self.draw(st.integers(1, most)))):
            statements.append(self.statement(known + len(statements), depth))
        last = known + len(statements)
        return Block(tuple(statements), self.place(last) if self.one_in(4) else last - 1)

    def maybe(self, known: int, depth: int, chance: int = 2) -> Block | None:
        return self.block(known, depth) if self.one_in(chance) else None

    def statement(self, known: int, depth: int) -> Statement:
        kind = self.draw(st.sampled_from(KINDS)) if depth > 0 and self.count <= ENOUGH else "act"
        made: Statement = getattr(self, kind)(known, depth - 1)
        return made

    # ── kinds ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def act(self, known: int, depth: int) -> Act:
        fails = frozenset({int(self.draw(st.integers(0, 4))) for _ in range(2)}) if self.one_in(3) else frozenset[int]()
        return Act(
            self.name("s"),
            self.places(known),
            plus=int(self.draw(st.integers(0, 9))),
            fails=fails,
            undo=not self.one_in(4),
            tries=int(self.draw(st.integers(1, 2))) if self.retries and self.one_in(4) else 0,
            recovers=int(self.draw(st.integers(0, 9))) if fails and self.one_in(4) else None,
            pauses=int(self.draw(st.integers(0, 3))),
        )

    def flow(self, known: int, depth: int) -> Flow:
        of = self.places(known)
        body = self.block(len(of), depth) if of else Block((self.act_of_nothing(),), 0)
        return Flow(self.name("w"), of, body, undoable=not self.one_in(6))

    def act_of_nothing(self) -> Act:
        return Act(self.name("s"), (), plus=int(self.draw(st.integers(0, 9))))

    def each(self, known: int, depth: int) -> Each:
        return Each(
            self.name("e"),
            self.place(known),
            self.block(known + 1, depth),
            concurrency=self.draw(st.sampled_from((None, None, 1, 2))),
            ordered=not self.one_in(3),
            collects=self.one_in(2),
        )

    def choose(self, known: int, depth: int) -> Choose:
        return Choose(
            self.name("c"),
            self.place(known),
            tuple(self.block(known, depth) for _ in range(int(self.draw(st.integers(1, 2))))),
            None if self.one_in(5) else self.block(known, depth),
        )

    def first(self, known: int, depth: int) -> First:
        return First(
            self.name("f"),
            self.place(known),
            tuple(self.block(known + 1, depth) for _ in range(int(self.draw(st.integers(1, 2))))),
            None if self.one_in(5) else self.block(known + 1, depth),
        )

    def group(self, known: int, depth: int) -> Group:
        before = self.maybe(known, 0)
        return Group(self.name("g"), self.block(known, depth), before, self.maybe(known + 1, 0))

    def around(self, known: int, depth: int) -> Around:
        return Around(self.name("a"), self.block(known + 1, depth), exit_fails=self.one_in(12))

    def repeat(self, known: int, depth: int) -> Repeat:
        until = int(self.draw(st.integers(0, 2))) if self.one_in(2) else None
        return Repeat(
            self.name("r"),
            self.place(known),
            self.block(known + 1, depth),
            at_most=int(self.draw(st.integers(1, 3))),
            until=until,
            exhausts=until is not None and self.one_in(4),
        )

    def emit(self, known: int, depth: int) -> Emit:
        return Emit(
            self.name("x"),
            self.places(known),
            self.block(1, depth),
            plus=int(self.draw(st.integers(0, 9))),
            undo=not self.one_in(3),
            replaced=self.one_in(2),
        )


@st.composite
def programs(draw: Any) -> Program:
    start = int(draw(st.integers(0, 20)))
    return Program(Making(draw).block(1, DEPTH), start)
