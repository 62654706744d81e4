"""What a class says of its fields: their types, with the parameters of generic classes filled in."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

_VALUES = (str, bytes, bytearray, int, float, complex, bool, list, tuple, dict, set, frozenset)


def plain_type(annotation: Any) -> Any:
    """An annotation without `Annotated`, aliases, `NewType`, `Literal` and type variables."""
    while True:
        origin = typing.get_origin(annotation)
        if origin in (typing.Annotated, typing.Final, typing.ClassVar, typing.Required, typing.NotRequired):
            annotation = typing.get_args(annotation)[0]
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, typing.TypeVar):
            annotation = annotation.__bound__ or Any
        elif hasattr(annotation, "__value__") and type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif origin is typing.Literal:
            return _type_of_literals(typing.get_args(annotation))
        else:
            return type(None) if annotation is None else annotation


def _type_of_literals(values: tuple[Any, ...]) -> Any:
    kinds: set[Any] = {type(value) for value in values}
    return kinds.pop() if len(kinds) == 1 else Any


def parameters_of(annotation: Any) -> tuple[Any, ...]:
    """The arguments of a generic type: `(int,)` of `list[int]`."""
    return typing.get_args(annotation)


def class_of(annotation: Any) -> type[Any] | None:
    """The class behind a plain type; None if it tells nothing."""
    cls = typing.get_origin(annotation) or annotation
    return cls if isinstance(cls, type) and cls is not object else None


def fields_of(annotation: Any) -> dict[str, Any]:
    """The annotated attributes of a class, by name; of a `TypedDict`, its keys."""
    cls = typing.get_origin(annotation) or annotation
    known = _parameters(annotation)
    return {name: _filled(each, known) for name, each in _hints(cls).items()}


@lru_cache(maxsize=1024)
def _hints(cls: type) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except (NameError, TypeError):
        return dict.fromkeys(_annotated_names(cls), Any)


def _annotated_names(cls: type) -> list[str]:
    return [name for base in reversed(cls.__mro__) for name in vars(base).get("__annotations__", {})]


def _parameters(annotation: Any) -> dict[Any, Any]:
    """What the type variables of a class and of its bases stand for."""
    cls = typing.get_origin(annotation) or annotation
    known = dict(zip(getattr(cls, "__parameters__", ()), typing.get_args(annotation), strict=False))
    for base in getattr(cls, "__orig_bases__", ()):
        origin = typing.get_origin(base)
        if isinstance(origin, type) and origin is not typing.Generic:
            given = [_filled(each, known) for each in typing.get_args(base)]
            known.update(zip(getattr(origin, "__parameters__", ()), given, strict=False))
    return known


def _filled(annotation: Any, known: Mapping[Any, Any]) -> Any:
    if isinstance(annotation, typing.TypeVar):
        return known.get(annotation, annotation.__bound__ or Any)
    wanted = getattr(annotation, "__parameters__", ())
    if not wanted or (isinstance(annotation, type) and not typing.get_args(annotation)):
        return annotation
    try:
        generic: Any = annotation
        return generic[tuple(known.get(each, Any) for each in wanted)]
    except TypeError:
        return Any


def is_typed_dict(cls: Any) -> bool:
    return typing.is_typeddict(cls)


def is_keyed(annotation: Any) -> bool:
    """Whether a value's parts are reached by key: `value["city"]`."""
    plain = plain_type(annotation)
    cls = typing.get_origin(plain) or plain
    return isinstance(cls, type) and (is_typed_dict(cls) or issubclass(cls, Mapping))


def is_closed(cls: type[Any]) -> bool:
    """Whether all attributes of the class's objects are known from the class."""
    if {"__getattr__", "__getattribute__"} & _own_names(cls):
        return False
    if cls in _VALUES or cls is types.NoneType:
        return True
    return (
        issubclass(cls, (msgspec.Struct, enum.Enum)) or hasattr(cls, "__dataclass_fields__") or hasattr(cls, "_fields")
    )


def _own_names(cls: type) -> set[str]:
    return {name for base in cls.__mro__ if base.__module__ != "builtins" for name in vars(base)}
