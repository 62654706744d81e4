"""Types told to another process: classes as module and qualified name, and what is made of them.

list[Payment] | None    ["|", ["[]", "list", "shop.Payment"], "None"]
"""

from __future__ import annotations

import builtins
import types
import typing
from importlib import import_module
from typing import Any, TypeAlias

from actorflow.errors import InvalidState, NotSerializable

ToldType: TypeAlias = "str | list[ToldType]"

NOTHING, ANYTHING = "None", "Any"


def told_type(kind: Any) -> ToldType:
    """Raises `NotSerializable` for what has no name that another process could find it by."""
    if kind in {None, types.NoneType}:
        return NOTHING
    if kind is Any:
        return ANYTHING
    origin, given = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        return ["|", *map(told_type, given)]
    if isinstance(origin, type) and given:
        return ["[]", told_type(origin), *map(told_type, given)]
    if isinstance(kind, type):
        path = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        if found(path) is kind:
            return path
    raise NotSerializable(f"{kind!r} can't be told to another process\nUse a class at the top of a module.")


def type_told(told: ToldType) -> Any:
    """Raises `InvalidState` if it isn't here."""
    if isinstance(told, list):
        first, *parts = map(type_told, told[1:])
        return first[tuple(parts)] if told[0] == "[]" else typing.Union[(first, *parts)]
    if told in {NOTHING, ANYTHING}:
        return Any if told == ANYTHING else types.NoneType
    kind = found(told)
    if not isinstance(kind, type):
        raise InvalidState(f"{told} isn't a class here\nResume the run with the code that it was started with.")
    return kind


def found(path: str) -> Any:
    """What a dotted path names; None if nothing does."""
    names = path.split(".")
    if len(names) == 1:
        return getattr(builtins, path, None)
    for end in range(len(names) - 1, 0, -1):
        try:
            here: Any = import_module(".".join(names[:end]))
        except ImportError:
            continue
        for name in names[end:]:
            here = getattr(here, name, None)
        return here
    return None
