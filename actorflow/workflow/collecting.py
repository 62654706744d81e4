"""Finds the promises in a value: passed by itself, or within lists, tuples, dicts, sets, structs and dataclasses.

Other objects aren't searched. A container without promises stays the object that it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from actorflow.plan import Attribute, Collected, Constant, Expression, Item, Key, shape_of
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.promise import Promise, is_promise
from actorflow.workflow.step import Step
from actorflow.workflow.workflow import Workflow

Leaf = Callable[[Any], Expression]


class Unusable(Exception):  # it says what is wrong with the value; it never leaves the front end
    """A value that can't be passed; the text says why."""


_PLAIN = frozenset({int, float, str, bool, bytes, type(None), complex})


def to_expression(value: Any, leaf: Leaf, leaves: tuple[type, ...] = (Promise,)) -> Expression:
    """The expression of a value; `leaf` gives that of each leaf in it: of each promise, unless told. Raises `Unusable`."""
    if type(value) in leaves:
        return leaf(value)
    if type(value) in _PLAIN:
        return Constant(value)
    return _Walk(leaf, leaves).expression(value)


class _Walk:
    """One search; `_open` are the containers that it is in, so that one that holds itself doesn't go on for ever."""

    def __init__(self, leaf: Leaf, leaves: tuple[type, ...]) -> None:
        self._leaf = leaf
        self._leaves = leaves
        self._open: set[int] = set()

    def expression(self, value: Any) -> Expression:
        if type(value) in self._leaves:
            return self._leaf(value)
        take_apart = None if type(value) in _PLAIN or id(value) in self._open else _taker(value)
        if take_apart is None:
            _must_be_a_value(value)
            return Constant(value)
        self._open.add(id(value))
        try:
            return self._container(value, *take_apart(value))
        finally:
            self._open.discard(id(value))

    def _container(
        self, value: Any, keys: Sequence[Key], items: Iterable[Any], build: Callable[[list[Any]], Any]
    ) -> Expression:
        given = tuple(items)
        found = tuple(map(self.expression, given))
        if all(isinstance(made, Constant) and made.value is item for made, item in zip(found, given, strict=True)):
            return Constant(value)
        return Collected(shape_of(value), tuple(keys), found, build)


def _must_be_a_value(value: Any) -> None:
    if isinstance(value, (Step, Workflow, Combinator)):
        name = value.word if isinstance(value, Combinator) else value.name
        raise Unusable(f"{value!r} is passed without being called; pass its result: {name}(…)")


_Parts = tuple[Sequence[Key], Iterable[Any], Callable[[list[Any]], Any]]


def _taker(value: object) -> Callable[[Any], _Parts] | None:
    cls = shape_of(value)
    if cls in _TAKERS:
        return _TAKERS[cls]
    if isinstance(value, msgspec.Struct):
        return _struct
    if tuple in cls.__mro__ and hasattr(cls, "_fields"):
        return _named_tuple
    if hasattr(cls, "__dataclass_fields__"):
        return _dataclass
    return None


def _list(value: list[Any]) -> _Parts:
    return [Item(i) for i in range(len(value))], value, _same


def _same(items: list[Any]) -> list[Any]:
    return items


def _tuple(value: tuple[Any, ...]) -> _Parts:
    return [Item(i) for i in range(len(value))], value, tuple


def _set(value: set[Any] | frozenset[Any]) -> _Parts:
    return [Item(i) for i in range(len(value))], value, type(value)


def _dict(value: dict[Any, Any]) -> _Parts:
    names = list(value)
    if any(map(is_promise, names)):
        raise Unusable("a promise is a key of a dict; keys must be there while the workflow is drawn")
    return [Item(name) for name in names], value.values(), lambda items: dict(zip(names, items, strict=True))


def _struct(value: msgspec.Struct) -> _Parts:
    cls = shape_of(value)
    names = value.__struct_fields__
    items = [getattr(value, name) for name in names]
    return [Attribute(name) for name in names], items, lambda made: cls(**dict(zip(names, made, strict=True)))


def _named_tuple(value: Any) -> _Parts:
    cls = shape_of(value)
    return [Attribute(name) for name in cls._fields], value, lambda made: cls(*made)


def _dataclass(value: Any) -> _Parts:
    cls = shape_of(value)
    fields = dataclasses.fields(value)
    names = [field.name for field in fields]
    given = [field.name for field in fields if field.init]
    items = [getattr(value, name) for name in names]
    return (
        [Attribute(name) for name in names],
        items,
        lambda made: _built(cls, given, dict(zip(names, made, strict=True))),
    )


def rebuilt(cls: Any, names: Sequence[str]) -> Callable[[list[Any]], Any]:
    """What makes a struct, a dataclass or a named tuple of the values of all its fields."""
    if tuple in cls.__mro__:
        return lambda made: cls(*made)
    if issubclass(cls, msgspec.Struct):
        return lambda made: cls(**dict(zip(names, made, strict=True)))
    given = [field.name for field in dataclasses.fields(cls) if field.init]
    return lambda made: _built(cls, given, dict(zip(names, made, strict=True)))


def _built(cls: type, given: Sequence[str], values: dict[str, Any]) -> Any:
    made = cls(**{name: values[name] for name in given})
    for name, value in values.items():
        if name not in given:
            object.__setattr__(made, name, value)
    return made


_TAKERS: dict[type, Callable[[Any], _Parts]] = {
    list: _list,
    tuple: _tuple,
    set: _set,
    frozenset: _set,
    dict: _dict,
}
