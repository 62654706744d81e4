"""The eight combinators, each as a shape that takes what is drawn inside of it, with what it comes to.

A shape is drawn around an inner one: `SHAPES["each"](inner)` is an each whose body is `inner`. Every shape has steps of its own before and
after what is inside, captures what is around it, and turns a number into a number, so that any shape fits into any other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from actorflow import Step, Workflow, around, choose, choose_first, each, group, repeat, step, workflow
from actorflow.workflow import emit
from tests.matrix.tale import TALE, Tool

Draw = Callable[[Any], Any]
Compute = Callable[[int], int]


class Shape(NamedTuple):
    """What draws it, and what it gives for a number."""

    draw: Draw
    gives: Compute


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@step
async def work(value: int) -> int:
    return int(await TALE.get().runs(value + 1))


@work.undo
async def unwork(result: int, value: int) -> None:
    """R22: an undo gets the value and the arguments."""
    assert result == value + 1
    TALE.get().undoes()


@step
async def plain(value: int) -> int:
    """Nothing undoes it."""
    return int(await TALE.get().runs(value * 2))


@step
async def add(one: int, other: int) -> int:
    return int(await TALE.get().runs(one + other))


@add.undo
def subtract(result: int) -> None:
    TALE.get().undoes()


@step
async def spread(value: int) -> list[int]:
    return list(await TALE.get().runs([value, value + 1]))


@spread.undo
async def gather_up(result: list[int], value: int) -> None:
    assert result == [value, value + 1]
    TALE.get().undoes()


@step
async def total(values: list[int]) -> int:
    return int(await TALE.get().runs(sum(values)))


@step
async def sign(value: int) -> str:
    return str(await TALE.get().runs("plus" if value >= 0 else "minus"))


@step
async def never(value: int) -> int:
    raise AssertionError("a branch that wasn't chosen runs")


@step
async def use(tool: Tool, value: int) -> int:
    tool.use()
    return int(await TALE.get().runs(value + 3))


@use.undo
async def unuse(result: int) -> None:
    TALE.get().undoes()


@step
async def put(tool: Tool, value: int) -> int:
    tool.use()
    return int(await TALE.get().runs(value + 5))


@step
async def note(value: int) -> int:
    return int(await TALE.get().runs(value))


@note.undo
async def unnote(result: int) -> None:
    TALE.get().undoes()


UNDOABLE = frozenset({"work", "add", "spread", "use", "note", "emitter"})
"""The names of the steps that have an undo."""


# ── shapes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def leaf() -> Shape:
    """Two steps side by side, and one that takes both."""
    return Shape(lambda value: add(work(value), plain(value)), lambda value: value + 1 + value * 2)


def in_workflow(inner: Shape) -> Shape:
    nested = workflow_of("nested", lambda value: plain(inner.draw(work(value))))
    return Shape(nested, lambda value: 2 * inner.gives(value + 1))


def in_each(inner: Shape) -> Shape:
    def draw(value: Any) -> Any:
        return total(each(spread(value), lambda item: add(inner.draw(work(item)), value)))

    return Shape(draw, lambda value: sum(inner.gives(item + 1) + value for item in (value, value + 1)))


def in_choose(inner: Shape) -> Shape:
    def draw(value: Any) -> Any:
        return choose(sign(value), {"plus": lambda: inner.draw(work(value)), "minus": lambda: never(value)})

    return Shape(draw, lambda value: inner.gives(value + 1))


def in_choose_first(inner: Shape) -> Shape:
    def positive(given: Any) -> Any:
        return plain(inner.draw(given))

    branches: list[tuple[Callable[[int], bool], Draw]] = [
        (lambda given: given < 0, never),
        (lambda given: given >= 0, positive),
    ]
    return Shape(
        lambda value: choose_first(branches, on=work(value)),
        lambda value: 2 * inner.gives(value + 1),
    )


def in_group(inner: Shape) -> Shape:
    def draw(value: Any) -> Any:
        return group(lambda: inner.draw(value), before=lambda: note(value), after=lambda result: note(result))

    return Shape(draw, inner.gives)


def in_around(inner: Shape) -> Shape:
    def draw(value: Any) -> Any:
        return around(lambda: TALE.get().lends(), lambda tool: put(tool, inner.draw(use(tool, value))))

    return Shape(draw, lambda value: inner.gives(value + 3) + 5)


def in_repeat(inner: Shape) -> Shape:
    once = workflow_of("once", lambda value: inner.draw(work(value)))
    return Shape(
        lambda value: repeat(once, value, at_most=2),
        lambda value: inner.gives(inner.gives(value + 1) + 1),
    )


def in_emit(inner: Shape) -> Shape:
    """What is emitted stands for the step that emits it."""

    async def emitter(value: int) -> int:
        await TALE.get().runs(value, halts=False)
        emit(plain.options(name="emitter")(inner.draw(work(value))))
        return value

    made: Step[[int], int, Any] = step(emitter)

    @made.undo
    async def unemit(result: int, value: int) -> None:
        assert result == value
        TALE.get().undoes()

    return Shape(made, lambda value: 2 * inner.gives(value + 1))


def workflow_of(name: str, draw: Draw) -> Workflow[[int], int]:
    @workflow(name=name)
    def drawn(value: int) -> int:
        result: int = draw(value)
        return result

    return drawn


SHAPES: dict[str, Callable[[Shape], Shape]] = {
    "workflow": in_workflow,
    "each": in_each,
    "choose": in_choose,
    "choose_first": in_choose_first,
    "group": in_group,
    "around": in_around,
    "repeat": in_repeat,
    "emit": in_emit,
}


def cell_of(*names: str) -> tuple[Workflow[[int], int], Compute]:
    """A workflow with these combinators inside each other, the outermost first, and what it gives."""
    shape = leaf()
    for name in reversed(names):
        shape = SHAPES[name](shape)
    inside = shape
    return (
        workflow_of("cell", lambda value: plain(inside.draw(work(value)))),
        lambda value: 2 * inside.gives(value + 1),
    )
