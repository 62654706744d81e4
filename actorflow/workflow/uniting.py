"""Types made of other types, while a program runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Never, NoReturn, Union

from actorflow.outcome import Outcome


def united(types: Iterable[Any]) -> Any:
    """The type of a value that is of one of these; `Any` if one of them isn't known. What never gives a value says nothing."""
    known: list[Any] = []
    for each in types:
        if each is Any:
            return Any
        plain = type(None) if each is None else each
        if plain not in (Never, NoReturn) and plain not in known:
            known.append(plain)
    if not known:
        return Any
    try:
        return Union[tuple(known)]  # noqa: UP007  # as many as there are
    except TypeError:
        return Any


def list_of(type: Any) -> Any:
    """`list[type]`"""
    generic: Any = list
    return generic[type]


def outcome_of(type: Any) -> Any:
    """`Outcome[type]`, or `Any` if there is no such type."""
    generic: Any = Outcome
    try:
        return generic[type]
    except TypeError:
        return Any
