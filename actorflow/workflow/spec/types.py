"""Annotations as texts, and texts as annotations: `list[Trip]`, `str | None`, `Literal["card", 3]`. Nothing is evaluated.

type    = single ("|" single)*
single  = name | name "[" item ("," item)* "]"
item    = type | "..." | a JSON literal
"""

from __future__ import annotations

import builtins
import datetime as dt
import decimal
import json
import re
import types
import typing
import uuid
from collections import abc
from collections.abc import Callable, Mapping
from operator import getitem
from typing import Any

from actorflow.errors import suggest
from actorflow.workflow.spec.registry import Registry

PLAIN: Mapping[str, Any] = {
    "Any": Any, "None": None, "bool": bool, "int": int, "float": float, "complex": complex, "str": str, "bytes": bytes,
    "bytearray": bytearray, "list": list, "tuple": tuple, "dict": dict, "set": set, "frozenset": frozenset, "object": object,
    "datetime": dt.datetime, "date": dt.date, "time": dt.time, "timedelta": dt.timedelta, "UUID": uuid.UUID,
    "Decimal": decimal.Decimal, "Iterable": abc.Iterable, "AsyncIterable": abc.AsyncIterable, "Iterator": abc.Iterator,
    "AsyncIterator": abc.AsyncIterator, "Sequence": abc.Sequence, "Mapping": abc.Mapping, "Set": abc.Set,
    "Union": typing.Union, "Literal": typing.Literal,
}  # fmt: skip
"""What every spec may name; a type of the registry goes before one of these."""

_FORMS = frozenset({typing.Union, typing.Literal})
_ERRORS = {
    name: each for name, each in vars(builtins).items() if isinstance(each, type) and issubclass(each, BaseException)
}


class Untold(Exception):  # it says what can't be told as data; it never leaves this folder
    """Something has no name that the host allows; the text says what."""


class Unread(Exception):  # it says what is wrong with a text; it never leaves this folder
    """A text isn't a type."""


# ── telling ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def tell_type(annotation: Any, registry: Registry) -> str:
    """The text of an annotation. Raises `Untold`."""
    name = registry.name_of_type(annotation)
    if name is None:
        plain = None if annotation is types.NoneType else annotation
        name = next((name for name, each in PLAIN.items() if each is plain), None)
    if name is not None:
        return name
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is types.UnionType:
        return " | ".join(tell_type(each, registry) for each in arguments)
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(_tell_literal, arguments))}]"
    if origin is None or not arguments:
        raise Untold(f"the type {_shown(annotation)} isn't in the registry; give it to Registry(types=[…])")
    return f"{tell_type(origin, registry)}[{', '.join(_tell_item(each, registry) for each in arguments)}]"


def _tell_item(argument: Any, registry: Registry) -> str:
    return "..." if argument is ... else tell_type(argument, registry)


def _tell_literal(value: Any) -> str:
    if type(value) not in {str, int, bool, types.NoneType}:
        raise Untold(f"a Literal of {value!r} can't be told as data")
    return json.dumps(value)


def _shown(annotation: Any) -> str:
    return getattr(annotation, "__qualname__", None) or str(annotation)


def tell_error(kind: type[BaseException], registry: Registry) -> str:
    """The name of an exception class. Raises `Untold`."""
    name = registry.name_of_type(kind)
    if name is not None:
        return name
    if _ERRORS.get(kind.__name__) is kind:
        return kind.__name__
    raise Untold(f"the exception {kind.__qualname__} isn't in the registry; give it to Registry(types=[…])")


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_TOKEN = re.compile(r"\s*(?:(?P<name>[^\W\d]\w*)|(?P<literal>\"(?:[^\"\\]|\\.)*\"|-?\d+)|(?P<mark>\.\.\.|[\[\],|]))")


def read_type(text: str, registry: Registry) -> Any:
    """The annotation that a text says. Raises `Unread`."""
    parser = _Parser(text, registry)
    found = parser.union()
    parser.must_be_over()
    return found


def read_error(name: str, registry: Registry) -> type[BaseException]:
    """An exception class by name. Raises `Unread`."""
    found = registry.types.get(name, _ERRORS.get(name))
    if not isinstance(found, type) or not issubclass(found, BaseException):
        raise Unread(f"there is no exception {name!r} in the registry{suggest(name, [*registry.types, *_ERRORS])}")
    return found


def _either(one: Any, other: Any) -> Any:
    return one | other


class _Parser:
    def __init__(self, text: str, registry: Registry) -> None:
        self._text = text
        self._registry = registry
        self._tokens = list(self._split(text))
        self._at = 0

    def union(self) -> Any:
        found = [self._single()]
        while self._takes("|"):
            found.append(self._single())
        together = found[0]
        for each in found[1:]:
            together = self._made(_either, together, each)
        return together

    def must_be_over(self) -> None:
        if self._at < len(self._tokens):
            raise self._wrong(f"{self._tokens[self._at]!r} isn't expected there")

    def _single(self) -> Any:
        name = self._next()
        if not name.isidentifier():
            raise self._wrong(f"a name is expected instead of {name!r}")
        origin = self._named(name)
        if not self._takes("["):
            if origin in _FORMS:
                raise self._wrong(f"{name} needs its members, as in {name}[…]")
            return origin
        items = [self._literal() if origin is typing.Literal else self._item()]
        while self._takes(","):
            items.append(self._literal() if origin is typing.Literal else self._item())
        if not self._takes("]"):
            raise self._wrong("a `]` is missing")
        return self._made(getitem, origin, items[0] if len(items) == 1 else tuple(items))

    def _item(self) -> Any:
        return ... if self._takes("...") else self.union()

    def _literal(self) -> Any:
        token = self._next()
        words = {"true": True, "false": False, "null": None}
        if token in words:
            return words[token]
        if token[0] != '"' and not token.lstrip("-").isdecimal():
            raise self._wrong(f"a Literal holds texts in double quotes, numbers, true, false and null, not {token!r}")
        return json.loads(token)

    def _named(self, name: str) -> Any:
        known = {**PLAIN, **self._registry.types}
        if name not in known:
            raise Unread(f"there is no type {name!r} in the registry{suggest(name, known)}")
        return known[name]

    def _made(self, make: Callable[..., Any], *parts: Any) -> Any:
        try:
            return make(*parts)
        except TypeError as error:
            raise self._wrong(str(error)) from None

    def _takes(self, mark: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == mark
        self._at += found
        return found

    def _next(self) -> str:
        if self._at == len(self._tokens):
            raise self._wrong("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _split(self, text: str) -> list[str]:
        tokens: list[str] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                raise self._wrong(f"`{text[place:].strip()[:20]}` can't be read")
            tokens.append(found[0].strip())
            place = found.end()
        return tokens

    def _wrong(self, why: str) -> Unread:
        return Unread(f"{self._text!r} isn't a type: {why}")
