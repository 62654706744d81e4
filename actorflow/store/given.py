"""What may be recorded: what isn't is refused before any store sees it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from actorflow.errors import InvalidValue, brief
from actorflow.store.row import LARGEST


def name(what: str, value: str) -> str:
    if value == "":
        raise InvalidValue(f"{what} is empty")
    return text(what, value)


def text(what: str, value: str) -> str:
    """Text that every database takes: no NUL, and nothing that UTF-8 has no bytes for."""
    if type(value) is not str:
        raise InvalidValue(f"{what} is a str, not {brief(value)}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidValue(f"{what} holds half of a surrogate pair: {value!r}") from None
    if "\0" in value:
        raise InvalidValue(f"{what} holds a NUL: {value!r}")
    return value


def data(what: str, value: bytes) -> bytes:
    if type(value) is not bytes:
        raise InvalidValue(f"{what} is bytes, not {brief(value)}")
    return value


def claim(token: int | None) -> int | None:
    if token is not None and type(token) is not int:
        raise InvalidValue(f"token is a whole number or None, not {brief(token)}")
    return token


def number(what: str, value: int) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise InvalidValue(f"{what} is a whole number, 0 or more, not {brief(value)}")
    return value


def numbers(what: str, values: Sequence[int]) -> tuple[int, ...]:
    return tuple(number(what, each) for each in values)


def seconds(what: str, value: float) -> float:
    if type(value) not in {int, float} or not -math.inf < value < math.inf:
        raise InvalidValue(f"{what} is seconds, not {brief(value)}")
    return float(value)


def texts(what: str, values: Mapping[str, str]) -> dict[str, str]:
    return {name(what, key): text(f"{what} {key!r}", value) for key, value in values.items()}


def statuses(values: Sequence[str], known: frozenset[str]) -> tuple[str, ...]:
    """One status is a text, and a sequence of letters too: it's refused as what it isn't."""
    if isinstance(values, str) or not known.issuperset(values):
        raise InvalidValue(f"statuses are some of {', '.join(sorted(known))}, not {brief(values)}")
    return tuple(dict.fromkeys(values))
