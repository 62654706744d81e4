"""Whether values of a type can be encoded at all, told by the type alone."""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any

from msgspec import inspect, msgpack

from actorflow.errors import RunFailed
from actorflow.values.models import is_model, is_secret_class
from actorflow.values.types import type_text

WRITTEN_BY_US: frozenset[type] = frozenset(
    {object, complex, RunFailed, BaseException, PurePath, Path, PurePosixPath, PosixPath, PureWindowsPath, WindowsPath}
)
"""Classes that the codec writes and reads itself, as msgspec doesn't know them; what is annotated as `object` is plain data."""


def why_not_encodable(annotation: Any, known: Container[Any] = WRITTEN_BY_US) -> str | None:
    """Why values of this type surely can't be encoded and come back, naming the part of it; None if nothing speaks against it.

    `known` are the classes that msgspec doesn't know and somebody else does; pydantic's models are known to us.
    """
    try:
        msgpack.Decoder(annotation)
        info = inspect.type_info(annotation)
    except (TypeError, NameError, ValueError) as error:
        return _in_words(annotation, error)
    for path, cls in _custom(info, "$", set()):
        if cls not in known and not is_model(cls) and not is_secret_class(cls):
            where = f" (at {path})" if path != "$" else ""
            return f"there is no telling how to write and read a {type_text(cls)}{where}"
    return None


def _in_words(annotation: Any, error: Exception) -> str:
    text = str(error).partition("\n")[0]
    if "multiple Struct types" in text:
        union = text.partition("`tag_field` kwarg) - type ")[2].removesuffix(" is not supported") or type_text(
            annotation
        )
        return f"the structs in the union {union} can't be told apart: give them tags, as in Struct, tag=True"
    if text.startswith("Type unions") and "custom type" in text:
        union = text.partition(" - type `")[2].partition("`")[0] or type_text(annotation)
        return (
            f"the members of the union {union} can't be told apart: "
            "put each into a struct with a tag, or the union into a model"
        )
    return text


def _custom(info: Any, path: str, seen: set[int]) -> Iterator[tuple[str, type]]:
    """The classes of other makes in a type, each with the way to it."""
    if id(info) in seen:
        return
    seen.add(id(info))
    if isinstance(info, inspect.CustomType):
        yield path, info.cls
    for step, part in _parts(info):
        yield from _custom(part, path + step, seen)


def _parts(info: Any) -> Iterator[tuple[str, Any]]:
    for name in info.__struct_fields__:
        value = getattr(info, name)
        for part in value if isinstance(value, tuple) else (value,):  # pyright: ignore[reportUnknownVariableType]
            if isinstance(part, inspect.Field):
                yield f".{part.name}", part.type
            elif isinstance(part, inspect.Type):
                yield "[]" if name in {"item_type", "item_types", "key_type", "value_type"} else "", part
