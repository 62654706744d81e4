"""The annotated type of a part of a value: of `trip.legs`, of `trip.legs[0]`.

Says no only when sure: `MissingPart` for a part that surely isn't there, `Any` for what can't be known.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from actorflow.errors import suggest
from actorflow.values import type_text
from actorflow.workflow.classes import fields_of, is_closed, is_typed_dict, parameters_of, plain_type


class MissingPart(Exception):  # it says what is missing; it never leaves the front end
    """The value surely has no such part; the text continues the value's name."""


def member_type(annotation: Any, name: str) -> Any:
    """The type of `value.name`. Raises `MissingPart`."""
    alternatives = _alternatives(annotation, f".{name}")
    return _union([_member(each, name) for each in alternatives])


def item_type(annotation: Any, key: Any) -> Any:
    """The type of `value[key]`. Raises `MissingPart`."""
    alternatives = _alternatives(annotation, f"[{key!r}]")
    return _union([_item(each, key) for each in alternatives])


def _alternatives(annotation: Any, part: str) -> list[Any]:
    """The types that a union is of. A value that may be None has no parts that can be relied on."""
    plain = plain_type(annotation)
    members = list(map(plain_type, typing.get_args(plain))) if _is_union(plain) else [plain]
    if type(None) in members:
        what = "it is None" if len(members) == 1 else "it may be None"
        raise MissingPart(
            f"`{part}` can't be relied on, {what}. Use transform(promise, function), or a step that takes it"
        )
    return members


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _union(found: Sequence[Any]) -> Any:
    if any(each is Any for each in found):
        return Any
    together = found[0]
    for each in found[1:]:
        together = together | each
    return together


# ── attributes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _member(annotation: Any, name: str) -> Any:
    cls: Any = typing.get_origin(annotation) or annotation
    if not isinstance(cls, type) or cls is object:
        return Any
    fields = {} if is_typed_dict(cls) else fields_of(annotation)
    if name in fields:
        return fields[name]
    return _class_attribute(cls, name, fields)


def _class_attribute(cls: type, name: str, fields: Mapping[str, Any]) -> Any:
    missing = object()
    found = inspect.getattr_static(cls, name, missing)
    if isinstance(found, property):
        return _returned(found.fget)
    if _is_method(found):
        raise MissingPart(
            f"`.{name}` is a method of {type_text(cls)}. "
            f"Use transform(promise, lambda value: value.{name}(…)), which calls it when the value is there"
        )
    if found is not missing or not is_closed(cls):
        return Any
    known = [*fields, *(each for each in dir(cls) if not each.startswith("_"))]
    raise MissingPart(f"{type_text(cls)} has no field {name!r}{suggest(name, known)}")


def _is_method(found: object) -> bool:
    if isinstance(found, (classmethod, staticmethod)):
        return True
    return inspect.isroutine(found) and not inspect.isdatadescriptor(found)


def _returned(function: Any) -> Any:
    try:
        return typing.get_type_hints(function, include_extras=True).get("return", Any)
    except (NameError, TypeError):
        return Any


# ── items ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _item(annotation: Any, key: Any) -> Any:
    cls: Any = typing.get_origin(annotation) or annotation
    if not isinstance(cls, type) or cls is object:
        return Any
    if is_typed_dict(cls):
        return _typed_dict_item(cls, fields_of(annotation), key)
    if _is(cls, tuple):
        return _tuple_item(annotation, cls, key)
    if _is(cls, Mapping):
        return _argument(annotation, 1)
    if _is(cls, str, bytes, bytearray, Sequence):
        return _sequence_item(annotation, cls, key)
    return _other_item(cls, key)


def _is(cls: type, *kinds: type[Any]) -> bool:
    return issubclass(cls, kinds)


def _typed_dict_item(cls: type, fields: Mapping[str, Any], key: Any) -> Any:
    if key in fields:
        return fields[key]
    raise MissingPart(f"{type_text(cls)} has no key {key!r}{suggest(str(key), fields)}")


def _tuple_item(annotation: Any, cls: Any, key: Any) -> Any:
    _must_be_index(cls, key)
    fields = list(fields_of(annotation).values()) if hasattr(cls, "_fields") else list(parameters_of(annotation))
    if not fields or any(each is Ellipsis for each in fields):
        return fields[0] if fields else Any
    if not -len(fields) <= key < len(fields):
        raise MissingPart(f"{type_text(annotation)} has {len(fields)} items, so there is no `[{key}]`")
    return fields[key]


def _sequence_item(annotation: Any, cls: Any, key: Any) -> Any:
    _must_be_index(cls, key)
    if issubclass(cls, str):
        return str
    return int if issubclass(cls, (bytes, bytearray)) else _argument(annotation, 0)


def _must_be_index(cls: Any, key: Any) -> None:
    if not isinstance(key, int):
        raise MissingPart(f"{type_text(cls)} takes an index, an int, not {key!r}")


def _other_item(cls: Any, key: Any) -> Any:
    getter = getattr(cls, "__getitem__", None)
    if getter is not None:
        return _returned(getter)
    if is_closed(cls):
        raise MissingPart(f"{type_text(cls)} has no items, so there is no `[{key!r}]`; a field is `.name`")
    return Any


def _argument(annotation: Any, index: int) -> Any:
    found = parameters_of(annotation)
    return found[index] if len(found) > index else Any
