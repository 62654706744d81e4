"""Where in the encoded form of a type its secrets are, so that what is stored can be shown without them by who doesn't know the type.

A mask is written next to each value that has one. `mask_of` follows the encoded form: structs by the names that they are written under, named tuples and
array-like structs by place.
"""

from __future__ import annotations

import typing
from collections import abc
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any, Final, cast, get_args

import msgspec

from actorflow.values.models import is_model, is_secret_class, model_fields_of
from actorflow.values.secret import MASK, is_marked
from actorflow.values.types import class_of, fields_of, is_named_tuple, is_record, members, unwrapped


class Mask(msgspec.Struct, frozen=True, array_like=True):
    """`whole`: all of it is secret. Else its fields by name or place, what it holds, and its keys may be, or have secrets in them."""

    whole: bool = False
    fields: dict[str | int, Mask] = {}
    items: Mask | None = None
    keys: bool = False


WHOLE: Final = Mask(whole=True)


_KNOWN: dict[Any, Mask | None] = {}


def mask_of(annotation: Any) -> Mask | None:
    """Where the secrets of a type are; None if it has none. What holds itself, and secrets, is secret below the first level."""
    try:
        if annotation not in _KNOWN:
            _KNOWN[annotation] = _found(annotation)
        return _KNOWN[annotation]
    except TypeError:
        return _found(annotation)


def holds_secrets(annotation: Any) -> bool:
    """Whether something in a type is marked as secret."""
    return mask_of(annotation) is not None


def _found(annotation: Any) -> Mask | None:
    """Of types that can't be looked into nothing is known: then only what is marked as a whole is secret."""
    try:
        found = _mask(annotation, ())
    except (AttributeError, LookupError, NameError, TypeError, ValueError):
        found = WHOLE if is_marked(unwrapped(annotation)[1]) else None
    return found if found is not None and _is_secret(found) else None


def masked(plain: Any, mask: Mask) -> Any:
    """Plain data, as values are decoded without their type, with `***` for its secrets."""
    if mask.whole:
        return MASK
    if isinstance(plain, dict):
        given = cast("dict[Any, Any]", plain)  # type: ignore[redundant-cast]
        return {
            (MASK if mask.keys else key): _masked(each, mask.fields.get(key, mask.items)) for key, each in given.items()
        }
    if isinstance(plain, list | tuple):
        listed = cast("list[Any]", plain)
        return [_masked(each, mask.fields.get(place, mask.items)) for place, each in enumerate(listed)]
    return None if plain is None else MASK  # a part of a union, or JSON text


def _masked(plain: Any, mask: Mask | None) -> Any:
    return plain if mask is None else masked(plain, mask)


# ── made of a type ────────────────────────────────────────────────────────────────────────────────────────────────────

_AGAIN: Final = Mask()
"""Stands for a type inside of itself, until it's known whether it has secrets."""


def _is_secret(mask: Mask) -> bool:
    parts = [*mask.fields.values(), *([mask.items] if mask.items is not None else [])]
    return mask.whole or mask.keys or any(map(_is_secret, parts))


def _mask(annotation: Any, around: tuple[Any, ...]) -> Mask | None:
    bare, metadata = unwrapped(annotation)
    if is_marked(metadata) or is_secret_class(bare):
        return WHOLE
    if bare in around:
        return _AGAIN
    parts = members(bare)
    if len(parts) > 1:
        found = [one for part in parts if (one := _mask(part, around)) is not None]
        return reduce(_both, found) if found else None
    cls = class_of(bare)
    return None if cls is None else _of_class(bare, cls, (*around, bare))


def _of_class(bare: Any, cls: Any, around: tuple[Any, ...]) -> Mask | None:
    if typing.is_typeddict(cls) or is_record(cls) or is_model(cls):
        return _of_fields({name: found for name, kind in _fields(bare, cls) if (found := _mask(kind, around))})
    arguments = get_args(bare)
    if not arguments:
        return None
    if issubclass(cls, tuple) and arguments[-1] is not ...:
        return _of_fields({place: one for place, kind in enumerate(arguments) if (one := _mask(kind, around))})
    if issubclass(cls, abc.Mapping) and len(arguments) == 2:
        key, item = _mask(arguments[0], around), _mask(arguments[1], around)
        return None if key is None and item is None else Mask(items=item, keys=key is not None)
    if issubclass(cls, abc.Iterable):
        item = _mask(arguments[0], around)
        return None if item is None else Mask(items=item)
    return None


def _of_fields(found: Mapping[str | int, Mask]) -> Mask | None:
    """What holds itself is secret from there on if any of it is."""
    if not found:
        return None
    if not any(map(_is_secret, found.values())):
        return _AGAIN
    return Mask(fields={name: _closed(mask) for name, mask in found.items()})


def _closed(mask: Mask) -> Mask:
    if mask is _AGAIN:
        return WHOLE
    items = None if mask.items is None else _closed(mask.items)
    return Mask(mask.whole, {name: _closed(one) for name, one in mask.fields.items()}, items, mask.keys)


def _both(one: Mask, other: Mask) -> Mask:
    """Of a union: whatever is secret in one of its members. What holds itself isn't known to have secrets by that."""
    if one.whole or other.whole:
        return WHOLE
    if one is _AGAIN or other is _AGAIN:
        return other if one is _AGAIN else one
    fields = dict(one.fields)
    for name, mask in other.fields.items():
        fields[name] = _both(fields[name], mask) if name in fields else mask
    items = (
        _both(one.items, other.items) if one.items is not None and other.items is not None else one.items or other.items
    )
    return Mask(fields=fields, items=items, keys=one.keys or other.keys)


def _fields(bare: Any, cls: Any) -> Iterator[tuple[str | int, Any]]:
    """By the names or places that they are written under."""
    if is_model(cls):
        for name, (kind, metadata) in model_fields_of(cls).items():
            yield name, typing.Annotated[kind, *metadata] if metadata else kind  # pyright: ignore[reportInvalidTypeForm]
        return
    try:
        hints = fields_of(bare)
    except NameError:
        return
    if issubclass(cls, msgspec.Struct):
        config, first = cls.__struct_config__, int(cls.__struct_config__.tag is not None)
        for place, field in enumerate(msgspec.structs.fields(cls), first):
            yield place if config.array_like else field.encode_name, hints.get(field.name, Any)
    elif is_named_tuple(cls):
        yield from enumerate(hints.values())
    else:
        yield from hints.items()
