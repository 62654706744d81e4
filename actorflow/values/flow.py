"""Whether a value of one annotated type can be given where another is wanted: surely, surely not, or nobody can tell (R3)."""

from __future__ import annotations

import typing
from collections import abc
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_origin

import msgspec

from actorflow.values.types import class_of, members, unwrapped

Answer: TypeAlias = bool | None
"""True: surely; False: surely not; None: it can't be decided."""

_NUMBERS: dict[type, tuple[type, ...]] = {float: (int,), complex: (int, float)}


def can_flow(produced: Any, wanted: Any) -> Answer:
    """Follows the type checkers where they are sure, and says no only when no value of the one could be of the other.

    So a `Seat | None` may be given where a `Seat` is wanted (undecided), but not an `int`.
    """
    try:
        return _flow(produced, wanted, 0)
    except RecursionError:
        return None


def _flow(produced: Any, wanted: Any, depth: int) -> Answer:
    produced, promised = unwrapped(produced)
    wanted, constraints = unwrapped(wanted)
    if depth > 20:
        return None
    answer = _flow_bare(produced, wanted, depth + 1)
    unmet = [each for each in constraints if isinstance(each, msgspec.Meta) and each not in promised]
    return None if answer and unmet else answer


def _flow_bare(produced: Any, wanted: Any, depth: int) -> Answer:
    if wanted is Any or wanted is object:
        return True
    if produced is Any or produced is object or isinstance(produced, TypeVar) or isinstance(wanted, TypeVar):
        return None
    if len(parts := members(produced)) > 1:
        return _all_or_some([_flow(part, wanted, depth) for part in parts])
    if len(parts := members(wanted)) > 1:
        return _any([_flow(produced, part, depth) for part in parts])
    if get_origin(produced) is Literal or get_origin(wanted) is Literal:
        return _literals(produced, wanted, depth)
    return _classes(produced, wanted, depth)


def _all_or_some(answers: list[Answer]) -> Answer:
    """Of a produced union: each member must fit to be sure; if some may fit, it can't be decided."""
    if all(answers):
        return True
    return False if all(answer is False for answer in answers) else None


def _any(answers: Iterable[Answer]) -> Answer:
    listed = list(answers)
    return True if True in listed else None if None in listed else False


def _literals(produced: Any, wanted: Any, depth: int) -> Answer:
    if get_origin(produced) is Literal and get_origin(wanted) is Literal:
        allowed: list[tuple[type[Any], Any]] = [(type(value), value) for value in get_args(wanted)]
        return _all_or_some([(type(value), value) in allowed for value in get_args(produced)])
    if get_origin(produced) is Literal:
        return _all_or_some([_flow(type(value), wanted, depth) for value in get_args(produced)])
    possible = any(_flow(type(value), produced, depth) is not False for value in get_args(wanted))
    return None if possible else False


def _classes(produced: Any, wanted: Any, depth: int) -> Answer:
    mine, theirs = class_of(produced), class_of(wanted)
    if mine is None or theirs is None:
        return None
    if typing.is_typeddict(mine) or typing.is_typeddict(theirs):
        return _typed_dicts(mine, theirs)
    if _is_protocol(theirs):
        return None
    if not (_is_subclass(mine, theirs) or issubclass(mine, _NUMBERS.get(theirs, ()))):
        return None if _could_be(mine, theirs) else False
    return _arguments(produced, wanted, mine, theirs, depth)


def _typed_dicts(mine: type, theirs: type) -> Answer:
    if mine is theirs:
        return True
    both = typing.is_typeddict(mine) and typing.is_typeddict(theirs)
    other = theirs if typing.is_typeddict(mine) else mine
    return None if both or _is_subclass(dict, other) or _is_subclass(other, dict) else False


def _is_protocol(cls: type) -> bool:
    return bool(getattr(cls, "_is_protocol", False)) and cls.__module__ not in {"collections.abc", "typing"}


def _is_subclass(mine: type, theirs: type) -> bool:
    try:
        return issubclass(mine, theirs)
    except TypeError:
        return False


def _could_be(mine: type, theirs: type) -> bool:
    """Whether an object annotated as `mine` may yet be of `theirs`: a subclass of it, or a mix of both."""
    if _is_subclass(theirs, mine):
        return True
    return _is_abstract(mine) and _is_abstract(theirs)


def _is_abstract(cls: type) -> bool:
    return bool(getattr(cls, "__abstractmethods__", None))


def _arguments(produced: Any, wanted: Any, mine: type, theirs: type, depth: int) -> Answer:
    given, asked = get_args(produced), get_args(wanted)
    if not asked or given == asked:
        return True
    if issubclass(mine, tuple):
        return _tuples(given, asked, theirs, depth)
    if len(given) != len(asked):
        return None
    answers = [_flow(one, other, depth) for one, other in zip(given, asked, strict=True)]
    if issubclass(theirs, _ITERATED) or mine is theirs:
        return _contents(answers)
    return None


_ITERATED = (list, set, frozenset, dict, abc.Iterable)


def _contents(answers: list[Answer]) -> Answer:
    """Of what containers hold: an empty one fits any type, but who means `list[str]` for a `list[int]` is mistaken."""
    return True if all(answers) else False if False in answers else None


def _tuples(given: tuple[Any, ...], asked: tuple[Any, ...], theirs: type, depth: int) -> Answer:
    if not given:
        return None
    if not issubclass(theirs, tuple):
        return _contents([_flow(one, asked[0], depth) for one in given if one is not ...])
    if asked[-1] is ...:
        return _contents([_flow(one, asked[0], depth) for one in given if one is not ...])
    if given[-1] is ...:
        return _contents([_flow(given[0], one, depth) for one in asked]) or None
    if len(given) != len(asked):
        return False
    return _contents([_flow(one, other, depth) for one, other in zip(given, asked, strict=True)])
