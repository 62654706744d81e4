"""Random nested workflows, as data: what the model plays and what is drawn for the runtime. They print as a program is written.

A block is a list of statements, each of which gives a number. `of` are the places of the numbers that a statement takes: those of the blocks around
it first, then what its own block is given, then what the statements before it have given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, TypeAlias, cast

Places: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """`gives` is the place of its result."""

    does: tuple[Statement, ...]
    gives: int


@dataclass(frozen=True)
class Act:
    """A step: `x = sum(of) + plus` gives `3 * x % 101`, unless `x % 5` is one of `fails`.

    `tries`: attempts that ask for another one, before. `recovers`: what its compensation makes of a failure. `pauses`: how often it yields.
    """

    name: str
    of: Places
    plus: int = 0
    fails: frozenset[int] = frozenset()
    undo: bool = True
    tries: int = 0
    recovers: int | None = None
    pauses: int = 0


@dataclass(frozen=True)
class Flow:
    """A composed workflow, which is given these, and sees nothing else."""

    name: str
    of: Places
    body: Block
    undoable: bool = True


@dataclass(frozen=True)
class Each:
    """Goes through as many items as `of % 4` says, which are `of`, `of + 1`, …; an item that is lost counts for 50."""

    name: str
    of: int
    body: Block
    concurrency: int | None = None
    ordered: bool = True
    collects: bool = False


@dataclass(frozen=True)
class Choose:
    """By `of % 3`: the branches are those of 0 and 1."""

    name: str
    of: int
    branches: tuple[Block, ...]
    default: Block | None = None


@dataclass(frozen=True)
class First:
    """The first branch is for even numbers, the second one for those that 3 divides; a branch is given the number."""

    name: str
    of: int
    branches: tuple[Block, ...]
    default: Block | None = None


@dataclass(frozen=True)
class Group:
    """`after` is given the result of the body."""

    name: str
    body: Block
    before: Block | None = None
    after: Block | None = None


@dataclass(frozen=True)
class Around:
    """Lends the number 7."""

    name: str
    body: Block
    exit_fails: bool = False


@dataclass(frozen=True)
class Repeat:
    """Until the result divided by 3 leaves `until`."""

    name: str
    of: int
    body: Block
    at_most: int = 2
    until: int | None = None
    exhausts: bool = False


@dataclass(frozen=True)
class Emit:
    """A step that gives `sum(of) + plus`, and emits a block which is given that. `replaced`: by the block's result plus 1."""

    name: str
    of: Places
    body: Block
    plus: int = 0
    undo: bool = True
    replaced: bool = False


Statement: TypeAlias = Act | Flow | Each | Choose | First | Group | Around | Repeat | Emit

MODULUS = 101
LENT = 7
LOST = 50


@dataclass(frozen=True)
class Program:
    body: Block
    start: int = 0

    def __repr__(self) -> str:
        return "\n".join(["", f"start with v0 = {self.start}", *lines_of(self.body, 1, "")])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How a failing example is printed."""
        printer.text(repr(self))


# ── printing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def lines_of(block: Block, depth: int, indent: str) -> Iterator[str]:
    """`depth` is how many numbers there are before the block's own statements."""
    for number, statement in enumerate(block.does, depth):
        yield f"{indent}v{number} = {head_of(statement)}"
        for label, inner, given in blocks_of(statement):
            at = (
                (1 if isinstance(statement, Emit) else len(cast("Any", statement).of))
                if is_closed(statement)
                else number + given
            )
            taken = f" given v{at - 1}" if given else ""
            yield f"{indent}  {label}{taken}:"
            yield from lines_of(inner, at, indent + "    ")
    yield f"{indent}gives v{block.gives}"


def head_of(statement: Statement) -> str:
    shown = [f"{statement.name!r}"]
    for each in fields(statement):
        value = getattr(statement, each.name)
        if each.name == "of":
            shown.append(
                f"v{value}" if isinstance(value, int) else ", ".join(f"v{place}" for place in value) or "nothing"
            )
        elif each.name != "name" and not isinstance(value, Block) and each.name != "branches" and value != each.default:
            shown.append(f"{each.name}={set(value) if isinstance(value, frozenset) else value}")
    return f"{type(statement).__name__}({', '.join(shown)})"


def is_closed(statement: Statement) -> bool:
    """Whether its block sees what it is given and nothing else."""
    return isinstance(statement, (Flow, Emit))


def blocks_of(statement: Statement) -> Iterator[tuple[str, Block, int]]:
    """Its blocks, what they are called, and how many numbers they are given."""
    match statement:
        case Act():
            return
        case Flow(body=body, of=of):
            yield "body", body, len(of)
        case Each(body=body) | Repeat(body=body) | Emit(body=body) | Around(body=body):
            yield "body", body, 1
        case Choose(branches=branches, default=default):
            yield from ((f"{number}", branch, 0) for number, branch in enumerate(branches))
            if default is not None:
                yield "default", default, 0
        case First(branches=branches, default=default):
            yield from ((f"{number}", branch, 1) for number, branch in enumerate(branches))
            if default is not None:
                yield "default", default, 1
        case Group(body=body, before=before, after=after):
            if before is not None:
                yield "before", before, 0
            yield "body", body, 0
            if after is not None:
                yield "after", after, 1
