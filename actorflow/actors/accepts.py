"""Which messages an actor takes: read once per class from `Actor[…]` or the annotation of its handler (R36)."""

from __future__ import annotations

import sys
import types
import typing
from typing import Any, ForwardRef, Generic, TypeVar, get_args, get_origin

from actorflow.errors import InvalidMessage

_CACHE = "_actorflow_accepts"
_REMEMBERED = 256
_ANYTHING: tuple[type, ...] = (object,)
_NUMBERS: dict[Any, tuple[type, ...]] = {float: (float, int), complex: (complex, float, int)}


class Accepts:
    """The types that an actor takes. `known` holds the exact types seen and found good: the only check on the hot path."""

    __slots__ = ("kinds", "known")

    def __init__(self, kinds: tuple[type, ...]) -> None:
        self.kinds = kinds
        self.known: set[type] = set()

    def check(self, message: object, address: str) -> None:
        """Raises `InvalidMessage` for a message that isn't of one of the kinds."""
        if not isinstance(message, self.kinds):
            takes = " or ".join(kind.__qualname__ for kind in self.kinds)
            raise InvalidMessage(f"{address} takes no {type(message).__qualname__}\nIt takes {takes}.")
        if len(self.known) < _REMEMBERED:
            self.known.add(type(message))


def accepts_of(cls: type, root: type, handler: str) -> Accepts:
    """What actors of this class take. `root` is the generic class it comes from, `handler` the name of its method."""
    found: Accepts | None = cls.__dict__.get(_CACHE)
    if found is None:
        found = Accepts(_kinds_of(_declared(cls, root, handler), cls))
        setattr(cls, _CACHE, found)
    return found


def _declared(cls: type, root: type, handler: str) -> Any:
    parameter = _argument(cls, root)
    if parameter is not None and not isinstance(parameter, TypeVar):
        return parameter
    function = getattr(cls, handler)
    try:
        hints = typing.get_type_hints(function)
    except NameError:  # a name that exists for type checkers only: nothing is known
        return Any
    names = function.__code__.co_varnames[1 : function.__code__.co_argcount]
    return hints.get(names[0], Any) if names else Any


def _argument(cls: type, root: type) -> Any:
    """The argument that `root` gets from `cls`, through generic classes between them; None if none is given."""
    for base in getattr(cls, "__orig_bases__", ()):
        origin = get_origin(base) or base
        if origin is root:
            return get_args(base)[0] if get_args(base) else None
        if isinstance(origin, type) and issubclass(origin, root):
            inner = _argument(origin, root)
            parameters = getattr(origin, "__parameters__", ())
            if isinstance(inner, TypeVar) and inner in parameters and get_args(base):
                return get_args(base)[parameters.index(inner)]
            return inner
    plain = [base for base in cls.__bases__ if base is not root and base is not Generic and issubclass(base, root)]
    return _argument(plain[0], root) if plain else None


def _kinds_of(hint: Any, cls: type) -> tuple[type, ...]:
    """Classes for `isinstance`; what can't be told by class is taken as anything."""
    origin = get_origin(hint)
    if isinstance(hint, str | ForwardRef):
        return _kinds_of(_resolved(hint, cls), cls)
    if hint is None:
        return (type(None),)
    if origin is typing.Union or isinstance(hint, types.UnionType):
        kinds: tuple[Any, ...] = tuple(kind for part in get_args(hint) for kind in _kinds_of(part, cls))
        return _ANYTHING if object in kinds else tuple(dict.fromkeys(kinds))
    if origin is typing.Annotated:
        return _kinds_of(get_args(hint)[0], cls)
    if origin is typing.Literal:
        values: tuple[object, ...] = get_args(hint)
        return tuple({type(value): None for value in values})
    for inner in ("__value__", "__supertype__"):  # `type X = …`, NewType
        if hasattr(hint, inner):
            return _kinds_of(getattr(hint, inner), cls)
    if typing.is_typeddict(hint):
        return (dict,)
    return _NUMBERS.get(hint) or _instances_of(origin or hint)


def _instances_of(kind: Any) -> tuple[type, ...]:
    try:
        isinstance(None, kind)
    except TypeError:  # Any, a type variable, a protocol that isn't checked at run time
        return _ANYTHING
    return (kind,) if isinstance(kind, type) else _ANYTHING


def _resolved(hint: str | ForwardRef, cls: type) -> Any:
    text = hint if isinstance(hint, str) else hint.__forward_arg__
    names = vars(sys.modules[cls.__module__])
    try:
        return eval(text, dict(names))  # noqa: S307 - an annotation of the user's own class
    except NameError:
        return Any
