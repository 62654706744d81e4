"""What annotations say once their wrappers are off, and the typed fields of records of every kind."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, NewType, NotRequired, Required, TypeVar, Union, get_args, get_origin

import msgspec

_WRAPPERS: tuple[Any, ...] = (Final, ClassVar, Required, NotRequired, getattr(typing, "ReadOnly", Required))
_ALIASES: tuple[Any, ...] = (getattr(typing, "TypeAliasType", NewType),)


def unwrapped(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """An annotation without `Annotated`, `NewType`, aliases, `Final` and the like; and the metadata of `Annotated`, innermost first."""
    metadata: tuple[Any, ...] = ()
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            metadata = (*annotation.__metadata__, *metadata)
            annotation = annotation.__origin__
        elif origin in _WRAPPERS:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, _ALIASES):
            annotation = annotation.__value__
        elif isinstance(origin, _ALIASES):
            annotation = _aliased(annotation, origin)
        else:
            return type(None) if annotation is None else annotation, metadata


def members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the annotation alone."""
    return get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else (annotation,)


def class_of(annotation: Any) -> type | None:
    """The class behind a class or a generic alias, such as `Box` of `Box[Seat]`; None if there is none."""
    origin = get_origin(annotation) or annotation
    return origin if isinstance(origin, type) else None


def is_record(cls: Any) -> bool:
    """Whether instances have typed fields: Struct, dataclass, attrs class, NamedTuple."""
    return issubclass(cls, msgspec.Struct) or dataclasses.is_dataclass(cls) or is_attrs(cls) or is_named_tuple(cls)


def is_attrs(cls: Any) -> bool:
    return "__attrs_attrs__" in vars(cls)


def is_named_tuple(cls: Any) -> bool:
    return hasattr(cls, "_fields") and issubclass(cls, tuple)


def fields_of(annotation: Any) -> dict[str, Any]:
    """The typed fields of a record or TypedDict, by name; type variables are filled in for `Box[Seat]`. Empty for other types.

    Raises `NameError` if an annotation names what isn't there.
    """
    cls = class_of(annotation)
    if cls is None or not (is_record(cls) or typing.is_typeddict(cls)):
        return {}
    hints = _class_hints(cls, _type_arguments(annotation, cls))
    return {name: hints.get(name, Any) for name in _field_names(cls)}


def resolve_class_hints(cls: type) -> dict[str, Any]:
    """The annotations of any class; none of them if one names what isn't there."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except (NameError, TypeError):
        return {}


def type_text(annotation: Any) -> str:
    """An annotation for people: `list[Trip]`, without the modules."""
    if annotation is Any or annotation is object:
        return "Any"
    if annotation is None or annotation is type(None):
        return "None"
    if annotation is ...:
        return "..."
    if len(parts := members(annotation)) > 1:
        return " | ".join(map(type_text, parts))
    if get_origin(annotation) is typing.Literal:
        return f"Literal[{', '.join(map(repr, get_args(annotation)))}]"
    if get_origin(annotation) is not None and (cls := class_of(annotation)) is not None:
        return f"{cls.__name__}[{', '.join(map(type_text, get_args(annotation)))}]"
    return str(getattr(annotation, "__name__", annotation)).replace("typing.", "")


def substituted(annotation: Any, filled: Mapping[Any, Any]) -> Any:
    """An annotation with its type variables filled in."""
    if isinstance(annotation, TypeVar):
        return filled.get(annotation, annotation)
    parameters = getattr(annotation, "__parameters__", ())
    if not parameters or isinstance(annotation, type):
        return annotation
    return annotation[tuple(filled.get(parameter, parameter) for parameter in parameters)]


def _aliased(annotation: Any, alias: Any) -> Any:
    return substituted(alias.__value__, dict(zip(alias.__type_params__, get_args(annotation), strict=False)))


def _type_arguments(annotation: Any, cls: type) -> dict[Any, Any]:
    return dict(zip(getattr(cls, "__parameters__", ()), get_args(annotation), strict=False))


def _class_hints(cls: type, filled: Mapping[Any, Any]) -> dict[str, Any]:
    """The annotations of a class, and of its bases with what they are parametrised with."""
    hints: dict[str, Any] = {}
    for base in reversed(getattr(cls, "__orig_bases__", cls.__bases__)):
        parent = class_of(base)
        if parent is not None and parent not in {object, typing.Generic, typing.Protocol, msgspec.Struct, tuple, dict}:
            arguments = {name: substituted(value, filled) for name, value in _type_arguments(base, parent).items()}
            hints |= _class_hints(parent, arguments)
    own = vars(cls).get("__annotations__") or getattr(cls, "__annotations__", {})
    resolved = typing.get_type_hints(cls, include_extras=True) if own else {}
    return hints | {name: substituted(resolved[name], filled) for name in own if name in resolved}


def _attributes(cls: Any) -> tuple[Any, ...]:
    return tuple(cls.__attrs_attrs__)


def _field_names(cls: Any) -> tuple[str, ...]:
    if issubclass(cls, msgspec.Struct):
        return tuple(cls.__struct_fields__)
    if dataclasses.is_dataclass(cls):
        return tuple(field.name for field in dataclasses.fields(cls))
    if is_attrs(cls):
        return tuple(str(attribute.name) for attribute in _attributes(cls))
    if is_named_tuple(cls):
        return tuple(getattr(cls, "_fields", ()))
    return tuple(getattr(cls, "__required_keys__", ())) + tuple(getattr(cls, "__optional_keys__", ()))
