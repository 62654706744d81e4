"""Where a value comes from: what an argument or a result is made of, before the run that makes it.

    Expression = NodeValue | InputValue | Constant | Path | Collected

Expressions speak of nodes and inputs by number. `evaluator` turns one into a closure over a run's values, once, so that no tree is walked
while a run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

Evaluator: TypeAlias = Callable[[Sequence[Any]], Any]


class NodeValue(msgspec.Struct, frozen=True, gc=False):
    """The result of a node."""

    node: int


class InputValue(msgspec.Struct, frozen=True, gc=False):
    """An input of the workflow, by its place among them."""

    index: int


class Constant(msgspec.Struct, frozen=True, eq=False):
    """A value that was there when the workflow was drawn."""

    value: Any


class Attribute(msgspec.Struct, frozen=True, gc=False):
    """`.name`"""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


class Item(msgspec.Struct, frozen=True, gc=False):
    """`[key]`"""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"


Key: TypeAlias = Attribute | Item


class Path(msgspec.Struct, frozen=True, eq=False):
    """A part of another value: `trip.legs[0]`. `type` is the annotated type of the part, `Any` where it isn't known."""

    root: Expression
    keys: tuple[Key, ...]
    type: Any


class Collected(msgspec.Struct, frozen=True, eq=False):
    """A container of expressions. `build` makes it from its items; `keys` say how each item is reached in it."""

    shape: type
    keys: tuple[Key, ...]
    items: tuple[Expression, ...]
    build: Callable[[list[Any]], Any]


Expression: TypeAlias = NodeValue | InputValue | Constant | Path | Collected

UNUSABLE: Expression = Path(Constant(None), (), Any)
"""Stands where something was refused, so that the rest can be checked; no plan is made of it."""


# ── asking and rewriting ──────────────────────────────────────────────────────────────────────────────────────────────


def shape_of(value: object) -> type[Any]:
    """The class of a value."""
    return type(value)


def nodes_in(expression: Expression) -> Sequence[int]:
    """The nodes whose results an expression is made from, in the order of their places; a node may come twice."""
    match expression:
        case NodeValue(node):
            return (node,)
        case Path(root=root):
            return nodes_in(root)
        case Collected(items=items):
            return nodes_of(items)
        case InputValue() | Constant():
            return ()


def inputs_in(expression: Expression) -> Sequence[int]:
    """The inputs that an expression is made from, by their places; one may come twice."""
    match expression:
        case InputValue(index):
            return (index,)
        case Path(root=root):
            return inputs_in(root)
        case Collected(items=items):
            return [index for item in items for index in inputs_in(item)]
        case NodeValue() | Constant():
            return ()


def nodes_of(expressions: Sequence[Expression]) -> list[int]:
    """The same of several, one after the other."""
    return [node for expression in expressions for node in nodes_in(expression)]


def part_of(expression: Expression, key: Key, type: Any) -> Expression:
    """The part of a value that `key` reaches; within a container that is at hand it's the item itself."""
    match expression:
        case Path(root=root, keys=keys):
            return Path(root, (*keys, key), type)
        case Collected(keys=keys, items=items) if key in keys:
            return items[keys.index(key)]
        case Constant(value):
            return _part_of_constant(value, key, type)
        case _:
            return Path(expression, (key,), type)


def _part_of_constant(value: Any, key: Key, type: Any) -> Expression:
    try:
        return Constant(getattr(value, key.name) if isinstance(key, Attribute) else value[key.key])
    except (AttributeError, LookupError, TypeError):
        return Path(Constant(value), (key,), type)


def moved(expression: Expression, base: int, arguments: Sequence[Expression]) -> Expression:
    """The expression as it reads in a workflow that has these nodes from number `base` on, and gives these inputs."""
    match expression:
        case NodeValue(node):
            return NodeValue(base + node)
        case InputValue(index):
            return arguments[index]
        case Path(root=root, keys=keys, type=type):
            return _followed(moved(root, base, arguments), keys, type)
        case Collected(shape=shape, keys=keys, items=items, build=build):
            return Collected(shape, keys, tuple(moved(item, base, arguments) for item in items), build)
        case Constant():
            return expression


def _followed(root: Expression, keys: tuple[Key, ...], type: Any) -> Expression:
    for key in keys:
        root = part_of(root, key, type)
    return root


# ── from expressions to closures ──────────────────────────────────────────────────────────────────────────────────────


class Slots:
    """Where everything stands in a run's values: nodes first, then inputs, then constants, each constant once."""

    def __init__(self, nodes: int, inputs: int) -> None:
        self.nodes = nodes
        self.inputs = inputs
        self.constants: list[Any] = []
        self._known: dict[Any, int] = {}

    def of(self, expression: Expression) -> int | None:
        """The slot of an expression that is one whole slot, else None."""
        match expression:
            case NodeValue(node):
                return node
            case InputValue(index):
                return self.nodes + index
            case Constant(value):
                return self._of_constant(value)
            case Path() | Collected():
                return None

    def _of_constant(self, value: Any) -> int:
        kind = shape_of(value)
        key: Any = (kind, value) if kind in _SCALARS else id(value)
        slot = self._known.get(key)
        if slot is None:
            slot = self._known[key] = self.nodes + self.inputs + len(self.constants)
            self.constants.append(value)
        return slot


_SCALARS = frozenset({int, str, bool, type(None), bytes})
"""Types whose equal values are one constant. Not floats: 0.0 and -0.0 are equal, and not one."""


def evaluator(expression: Expression, slots: Slots) -> Evaluator:
    """A closure that gives the expression's value from a run's values."""
    slot = slots.of(expression)
    if slot is not None:
        return _at(slot)
    match expression:
        case Path(root=root, keys=keys):
            return _path(root, keys, slots)
        case Collected(items=items, build=build):
            return _collected(tuple(evaluator(item, slots) for item in items), build)
        case _:
            raise AssertionError("an expression is a slot, a path or a container")


def _at(slot: int) -> Evaluator:
    return lambda values: values[slot]


def _path(root: Expression, keys: tuple[Key, ...], slots: Slots) -> Evaluator:
    slot = slots.of(root)
    if slot is not None and all(isinstance(key, Attribute) for key in keys):
        get = attrgetter(".".join(str(key)[1:] for key in keys))
        return lambda values: get(values[slot])
    result = evaluator(root, slots)
    for key in keys:
        result = _reached(result, key)
    return result


def _reached(start: Evaluator, key: Key) -> Evaluator:
    if isinstance(key, Attribute):
        get = attrgetter(key.name)
        return lambda values: get(start(values))
    index = key.key
    return lambda values: start(values)[index]


def _collected(items: tuple[Evaluator, ...], build: Callable[[list[Any]], Any]) -> Evaluator:
    return lambda values: build([item(values) for item in items])


def binder(expressions: Sequence[Expression], slots: Slots) -> Callable[[Sequence[Any]], list[Any]]:
    """A closure that gives a node's arguments, in order, from a run's values."""
    made = tuple(evaluator(expression, slots) for expression in expressions)
    match made:
        case (one,):
            return lambda values: [one(values)]
        case (one, two):
            return lambda values: [one(values), two(values)]
        case _:
            return lambda values: [make(values) for make in made]
