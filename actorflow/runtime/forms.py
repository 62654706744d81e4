"""The forms that what callers give must have. Each answers for any object whatever, odd ones included."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, cast

from actorflow.errors import InvalidInput, brief

Form: TypeAlias = Callable[[object], bool]

HOW_DURABLE: Final = '"strict", "write_behind" or "none"'


def is_text(value: object) -> bool:
    """Text that isn't empty, and can be written down: no half of a surrogate pair."""
    return isinstance(value, str) and bool(value) and is_written(value)


def is_written(value: object) -> bool:
    """The same, or empty."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_seconds(value: object) -> bool:
    """A number that a wait can have, 0 included."""
    try:
        return isinstance(value, (int, float)) and type(value) is not bool and math.isfinite(value) and value >= 0
    except OverflowError:  # a whole number beyond all floats
        return False


def is_duration(value: object) -> bool:
    """The same, without 0."""
    return is_seconds(value) and value != 0


def is_count(value: object) -> bool:
    return is_whole(value) and value != 0


def is_whole(value: object) -> bool:
    """A whole number from 0."""
    return type(value) is int and value >= 0


def is_integer(value: object) -> bool:
    return type(value) is int


def is_yes_or_no(value: object) -> bool:
    return type(value) is bool


def is_named(value: object) -> bool:
    """A mapping of names to whatever."""
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in cast("Mapping[object, object]", value))


def is_label_set(value: object) -> bool:
    """A mapping of text to text."""
    if not isinstance(value, Mapping):
        return False
    labels = cast("Mapping[object, object]", value)
    return all(is_written(name) and is_written(label) for name, label in labels.items())


def one_of(*words: str) -> Form:
    return lambda value: isinstance(value, str) and value in words


def or_none(form: Form) -> Form:
    return lambda value: value is None or form(value)


def refuse_others(name: str, value: object, what: str, form: Form) -> None:
    """Raises `InvalidInput` for a value that hasn't the form; `what` says in words which one it is."""
    if not form(value):
        raise InvalidInput(f"{name} is {what}, not {brief(value)}")
