"""The constraints of `Annotated[int, msgspec.Meta(ge=0)]`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from actorflow.values.mismatch import ValueMismatch, shown

Check = Callable[[Any], None]
Test = Callable[[Any], bool]


def constrained(inner: Check, metadata: Iterable[Any]) -> Check:
    """A check that also looks at the constraints among an annotation's metadata."""
    tests = [test for meta in metadata if isinstance(meta, msgspec.Meta) for test in _tests(meta)]
    return _with(inner, tests) if tests else inner


def _with(inner: Check, tests: list[tuple[str, Test]]) -> Check:
    def check_constraints(value: Any) -> None:
        inner(value)
        for expected, test in tests:
            if not test(value):
                raise ValueMismatch(expected, shown(value))

    return check_constraints


def _tests(meta: msgspec.Meta) -> list[tuple[str, Test]]:
    found: list[tuple[str, Test]] = []
    for name, (words, make) in _CONSTRAINTS.items():
        bound = getattr(meta, name)
        if bound is not None:
            found.append((f"{words} {bound}", make(bound)))
    if meta.tz is not None:
        wanted = meta.tz
        text = "a time zone" if wanted else "no time zone"
        found.append((text, lambda value: (getattr(value, "tzinfo", None) is not None) is wanted))
    return found


_CONSTRAINTS: dict[str, tuple[str, Callable[[Any], Test]]] = {
    "gt": ("more than", lambda bound: lambda value: value > bound),
    "ge": ("at least", lambda bound: lambda value: value >= bound),
    "lt": ("less than", lambda bound: lambda value: value < bound),
    "le": ("at most", lambda bound: lambda value: value <= bound),
    "multiple_of": ("a multiple of", lambda bound: lambda value: value % bound == 0),
    "min_length": ("a length of at least", lambda bound: lambda value: len(value) >= bound),
    "max_length": ("a length of at most", lambda bound: lambda value: len(value) <= bound),
    "pattern": ("a match of", lambda bound: lambda value: re.search(bound, value) is not None),
}
