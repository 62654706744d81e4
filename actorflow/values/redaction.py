"""Values for people: copies with `***` for what is marked as secret. The values themselves aren't touched."""

from __future__ import annotations

import copy
import typing
from collections import abc
from collections.abc import Callable, Mapping
from typing import Annotated, Any, cast, get_args

import msgspec

from actorflow.values.checks import check
from actorflow.values.masks import holds_secrets
from actorflow.values.mismatch import ValueMismatch
from actorflow.values.models import is_model, is_secret_class, model_fields_of
from actorflow.values.secret import MASK, is_marked
from actorflow.values.types import class_of, fields_of, is_named_tuple, is_record, members, unwrapped


def redacted(value: Any, annotation: Any) -> Any:
    """The value if its type has no secrets; else a copy of the same kind that has `***` in their place.

    What can't be copied so is `***` as a whole.
    """
    if not holds_secrets(annotation):
        return value
    try:
        return _redacted(value, annotation)
    except Exception:
        return MASK


def _redacted(value: Any, annotation: Any) -> Any:
    bare, metadata = unwrapped(annotation)
    if is_marked(metadata) or is_secret_class(bare):
        return MASK
    if value is None or not holds_secrets(bare):
        return value
    parts = members(bare)
    if len(parts) > 1:
        return _of_union(value, parts)
    cls = class_of(bare)
    if cls is None:
        return MASK
    if is_model(cls) or is_record(cls) or typing.is_typeddict(cls):
        return _of_record(value, bare)
    return _of_container(value, cls, get_args(bare))


def _of_union(value: Any, parts: tuple[Any, ...]) -> Any:
    """As that member which it may be; first those with secrets."""
    for part in sorted(parts, key=holds_secrets, reverse=True):
        try:
            check(value, part)
        except ValueMismatch:
            continue
        return _redacted(value, part)
    return MASK


def _of_record(value: Any, bare: Any) -> Any:
    kinds = _kinds(bare)
    if not isinstance(value, dict) and type(value) is not class_of(bare):
        kinds = {**_kinds(type(value)), **kinds}
    hidden = [(name, kind) for name, kind in kinds.items() if holds_secrets(kind)]
    if isinstance(value, dict):
        given = cast("dict[str, Any]", value)
        return {**given, **{name: _redacted(given[name], kind) for name, kind in hidden if name in given}}
    return _with(value, {name: _redacted(getattr(value, name), kind) for name, kind in hidden if hasattr(value, name)})


def _kinds(bare: Any) -> Mapping[str, Any]:
    cls = class_of(bare)
    if not is_model(cls):
        return fields_of(bare)
    return {
        name: Annotated[kind, *metadata] if metadata else kind  # pyright: ignore[reportInvalidTypeForm]
        for name, (kind, metadata) in model_fields_of(cls).items()
    }


def _with(value: Any, changed: Mapping[str, Any]) -> Any:
    """A copy with other fields, which nobody checks."""
    if is_named_tuple(type(value)):
        return value._replace(**changed)
    if is_model(type(value)):
        return value.model_copy(update=changed)
    copied = copy.copy(value)
    put: Callable[[Any, str, Any], None] = (
        msgspec.structs.force_setattr if isinstance(value, msgspec.Struct) else object.__setattr__
    )
    for name, each in changed.items():
        put(copied, name, each)
    return copied


def _of_container(value: Any, cls: type, arguments: tuple[Any, ...]) -> Any:
    if issubclass(cls, abc.Mapping):
        key, item = arguments
        return {_redacted(name, key): _redacted(each, item) for name, each in value.items()}
    if issubclass(cls, tuple) and arguments[-1] is not ...:
        return tuple(_redacted(each, kind) for each, kind in zip(value, arguments, strict=True))
    found = [_redacted(each, arguments[0]) for each in value]
    return tuple(found) if isinstance(value, tuple) else found
