"""What can be iterated, and the type of its items. Says no only when sure; `Any` for what can't be known."""

from __future__ import annotations

import types
import typing
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Set,
)
from typing import Any, cast

from actorflow.errors import brief
from actorflow.plan import shape_of
from actorflow.values import type_text
from actorflow.workflow.classes import class_of, fields_of, is_closed, parameters_of, plain_type
from actorflow.workflow.uniting import united


class NotIterable(Exception):  # it says why; it never leaves the front end
    """It surely can't be iterated, or not as it should be; the text continues a name."""


def item_type(annotation: Any) -> Any:
    """The type of the items of a value. Raises `NotIterable`."""
    plain = plain_type(annotation)
    if typing.get_origin(plain) not in (typing.Union, types.UnionType):
        return _item_type(plain)
    found: list[Any] = []
    reasons: list[NotIterable] = []
    for member in map(plain_type, typing.get_args(plain)):
        try:
            found.append(_item_type(member))
        except NotIterable as reason:
            reasons.append(reason)
    if not found:
        raise reasons[0]
    return united(found)


def item_types_of_value(value: Any) -> Sequence[Any]:
    """The types that are among the items of a value that is at hand. Raises `NotIterable`."""
    if isinstance(value, (str, bytes, bytearray)):
        raise NotIterable(_letters(shape_of(value)))
    if is_one_shot(value):
        raise NotIterable(
            f"is {brief(value)}, which can be iterated once; a plan runs many times: return it from a step, or give a list"
        )
    if isinstance(value, (list, tuple, Set, Mapping, range)):
        return list(dict.fromkeys(map(shape_of, cast("Iterable[Any]", value))))
    if isinstance(value, (Iterable, AsyncIterable)) or hasattr(shape_of(value), "__getitem__"):
        return [Any]
    raise NotIterable(f"is {brief(value)}, which can't be iterated")


def is_one_shot(value: object) -> bool:
    """Whether it is used up when it has been iterated."""
    return isinstance(value, (Iterator, AsyncIterator))


def _item_type(annotation: Any) -> Any:
    cls = class_of(annotation)
    if cls is None:
        return Any
    if issubclass(cls, (str, bytes, bytearray)):
        raise NotIterable(_letters(cls))
    if issubclass(cls, range):
        return int
    if issubclass(cls, tuple):
        return _of_tuple(annotation, cls)
    if issubclass(cls, (Iterable, AsyncIterable)):
        return _of_iterable(annotation, cls)
    if is_closed(cls) and not any("__getitem__" in vars(base) for base in cls.__mro__):
        raise NotIterable(f"is {type_text(annotation)}, which can't be iterated")
    return Any


def _letters(cls: type) -> str:
    what, parts = ("a text", "letters") if issubclass(cls, str) else (f"{cls.__name__}", "numbers")
    return f"is {what}, whose items are its {parts}; give a list, or split it in a step"


def _of_tuple(annotation: Any, cls: Any) -> Any:
    found = list(fields_of(annotation).values()) if hasattr(cls, "_fields") else list(parameters_of(annotation))
    if not found:
        return Any
    return found[0] if found[-1] is Ellipsis else united(found)


def _of_iterable(annotation: Any, cls: Any) -> Any:
    """By its own parameter where its class is a known one, else by what its `__iter__` says."""
    parameters = parameters_of(annotation)
    if parameters and (cls.__module__ in ("builtins", "collections.abc", "collections") or len(parameters) == 1):
        return parameters[0]
    method = getattr(cls, "__aiter__" if issubclass(cls, AsyncIterable) else "__iter__", None)
    try:
        returned = typing.get_type_hints(method).get("return") if method is not None else None
    except (NameError, TypeError, AttributeError):
        return Any
    given = typing.get_args(returned)
    return given[0] if given and not isinstance(given[0], typing.TypeVar) else Any
