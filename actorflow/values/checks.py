"""Checks Python values deeply against annotations, neither copying nor converting them (R2).

Each type is compiled once to a closure that raises `ValueMismatch`. An error's path is built on its way up, so that a value that is right costs
no more than looking at it. It follows the type checkers: a bool is an int, an int will do for a float. What can't be decided passes.

`exact` checks are for the codec: only what comes back from bytes as it was. There a value must be of the very class that its annotation names,
and under `Any` only plain data passes.
"""

from __future__ import annotations

import enum
import typing
from collections import abc
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_origin

from actorflow.values.constraints import constrained
from actorflow.values.containers import fixed_tuple, items_of, mapping_of, record, typed_dict
from actorflow.values.masks import holds_secrets
from actorflow.values.mismatch import ValueMismatch, shown
from actorflow.values.secret import MASK, is_marked
from actorflow.values.types import class_of, fields_of, is_record, members, type_text, unwrapped

Check: TypeAlias = Callable[[Any], None]
"""Passes, or raises `ValueMismatch`."""

_LOOSE: dict[Any, Check] = {}
_EXACT: dict[Any, Check] = {}

_ITEMS: tuple[type, ...] = (list, set, frozenset, tuple, abc.Sequence, abc.Set, abc.Collection)
_COMES_BACK_AS: dict[type, type] = {
    abc.Sequence: list,
    abc.MutableSequence: list,
    abc.Collection: list,
    abc.Set: set,
    abc.MutableSet: set,
    abc.Mapping: dict,
    abc.MutableMapping: dict,
}
_PLAIN = (type(None), bool, int, float, str, bytes)


def check(value: Any, annotation: Any) -> None:
    """Raises `ValueMismatch` unless the value, and all that it holds, is of its annotated type."""
    _run(compiled(annotation), value, annotation)


def check_exact(value: Any, annotation: Any) -> None:
    """Raises `ValueMismatch` unless the value would come back from its encoded form as it is."""
    _run(compiled(annotation, exact=True), value, annotation)


def compiled(annotation: Any, *, exact: bool = False) -> Check:
    """The closure that checks values of this type; made once for each type that can be hashed."""
    cache = _EXACT if exact else _LOOSE
    try:
        found = cache.get(annotation)
    except TypeError:
        return _compile(annotation, exact=exact)
    if found is None:
        found = cache[annotation] = _later(annotation, cache)
        found = cache[annotation] = _compile(annotation, exact=exact)
    return found


def _run(compiled_check: Check, value: Any, annotation: Any) -> None:
    try:
        compiled_check(value)
    except RecursionError:
        raise ValueMismatch(type_text(annotation), f"{shown(value)} nested too deeply, or holding itself") from None


def _later(annotation: Any, cache: dict[Any, Check]) -> Check:
    """Stands for a type that is being compiled, in types that hold themselves."""

    def check_later(value: Any) -> None:
        cache[annotation](value)

    return check_later


def _compile(annotation: Any, *, exact: bool) -> Check:
    bare, metadata = unwrapped(annotation)
    inner = _compile_bare(bare, exact=exact)
    if not metadata:
        return inner
    inner = constrained(inner, metadata)
    return _of_a_secret(inner) if is_marked(metadata) else inner


def _of_a_secret(inner: Check) -> Check:
    """What is wrong with it is told without it."""

    def check_secret(value: Any) -> None:
        try:
            inner(value)
        except ValueMismatch as mismatch:
            raise ValueMismatch(mismatch.expected, MASK) from None

    return check_secret


def _compile_bare(bare: Any, *, exact: bool) -> Check:
    if bare is Any or bare is object:
        return _plain if exact else _anything
    if isinstance(bare, TypeVar):
        return _type_variable(bare, exact=exact)
    if len(parts := members(bare)) > 1:
        return _union(bare, [compiled(part, exact=exact) for part in parts])
    if get_origin(bare) is Literal:
        return _literal(bare)
    cls = class_of(bare)
    if cls is None:
        return _anything
    return _class(bare, cls, exact=exact)


def _class(bare: Any, cls: Any, *, exact: bool) -> Check:
    if typing.is_typeddict(cls):
        return typed_dict(
            cls, _fields(bare, exact=exact), _is_a(dict, exact=exact), tells_items=not holds_secrets(bare)
        )
    if getattr(cls, "_is_protocol", False) and cls not in _COMES_BACK_AS:
        return _anything
    if issubclass(cls, enum.Enum):
        return _enumerated(cls, exact=exact)
    if is_record(cls):
        return record(_is_a(cls, exact=exact), _fields(bare, exact=exact))
    arguments = get_args(bare)
    if exact:
        cls = _COMES_BACK_AS.get(cls, cls)
    outer = _is_a(cls, exact=exact)
    if not arguments:
        return _bare_container(cls, outer) if exact else outer
    return _container(cls, arguments, outer, exact=exact)


def _container(cls: type, arguments: tuple[Any, ...], outer: Check, *, exact: bool) -> Check:
    if issubclass(cls, tuple) and not (len(arguments) == 2 and arguments[1] is ...):
        parts = () if arguments == ((),) else arguments
        return fixed_tuple(outer, [compiled(part, exact=exact) for part in parts])
    if issubclass(cls, abc.Mapping) and len(arguments) == 2:
        key, item = (compiled(one, exact=exact) for one in arguments)
        return mapping_of(outer, key, item, tells_keys=not holds_secrets(arguments[0]))
    if issubclass(cls, _ITEMS):
        indexed = not issubclass(cls, abc.Set)
        return items_of(
            outer, compiled(arguments[0], exact=exact), indexed=indexed, tells_items=not holds_secrets(arguments[0])
        )
    return outer


def _bare_container(cls: type, outer: Check) -> Check:
    """A `list` without a word on its items: they come back as they are only if they are plain."""
    if cls is dict:
        return mapping_of(outer, _plain_key, _plain)
    return items_of(outer, _plain, indexed=cls in {list, tuple}) if cls in {list, tuple, set, frozenset} else outer


def _fields(bare: Any, *, exact: bool) -> dict[str, Check]:
    try:
        return {name: compiled(annotation, exact=exact) for name, annotation in fields_of(bare).items()}
    except NameError:
        return {}


def _is_a(cls: type, *, exact: bool) -> Check:
    expected = type_text(cls)
    if exact and not _may_differ(cls):

        def check_class(value: Any) -> None:
            if type(value) is not cls and not (cls is float and _is_whole_float(value)):
                raise ValueMismatch(f"{expected} itself", shown(value))

    else:
        accepted = (float, int) if cls is float else (complex, float, int) if cls is complex else cls

        def check_class(value: Any) -> None:
            if not isinstance(value, accepted):
                raise ValueMismatch(expected, shown(value))

    return check_class


def _is_whole_float(value: Any) -> bool:
    """Whether an int given for a float comes back equal to itself."""
    return type(value) is int and abs(value) <= 2**53


def _may_differ(cls: type) -> bool:
    """Whether values of the class are of other classes by design: abstract ones, and paths."""
    return bool(getattr(cls, "__abstractmethods__", None)) or cls.__module__.startswith("pathlib")


def _enumerated(cls: type[enum.Enum], *, exact: bool) -> Check:
    is_member = _is_a(cls, exact=False)

    def check_member(value: Any) -> None:
        is_member(value)
        if exact and value.name not in cls.__members__:
            raise ValueMismatch(f"a member of {cls.__name__}", repr(value))

    return check_member


def _type_variable(variable: TypeVar, *, exact: bool) -> Check:
    if variable.__bound__ is not None:
        return compiled(variable.__bound__, exact=exact)
    if variable.__constraints__:
        return _union(variable, [compiled(part, exact=exact) for part in variable.__constraints__])
    return _plain if exact else _anything


def _union(bare: Any, parts: list[Check]) -> Check:
    expected = type_text(bare)

    def check_union(value: Any) -> None:
        nearest: ValueMismatch | None = None
        for part in parts:
            try:
                return part(value)
            except ValueMismatch as mismatch:
                if len(mismatch.path) > len(nearest.path if nearest else ""):
                    nearest = mismatch
        raise nearest or ValueMismatch(expected, shown(value))

    return check_union


def _literal(bare: Any) -> Check:
    allowed: set[tuple[type[Any], Any]] = {(type(value), value) for value in get_args(bare)}

    def check_literal(value: Any) -> None:
        if isinstance(value, abc.Hashable) and (type(value), value) in allowed:
            return
        raise ValueMismatch(type_text(bare), shown(value))

    return check_literal


def _anything(value: Any) -> None:
    del value


def _plain(value: Any) -> None:
    """What comes back as it was with no type to tell how: numbers, texts, bytes, and lists and dicts of them."""
    if type(value) in _PLAIN:
        return
    if type(value) is list:
        _PLAIN_LIST(value)
    elif type(value) is dict:
        _PLAIN_DICT(value)
    else:
        raise ValueMismatch("plain data, as it isn't annotated more closely", shown(value))


def _plain_key(value: Any) -> None:
    if type(value) not in _PLAIN:
        raise ValueMismatch("a plain key, as it isn't annotated more closely", shown(value))


_PLAIN_LIST = items_of(_anything, _plain, indexed=True)
_PLAIN_DICT = mapping_of(_anything, _plain_key, _plain)
