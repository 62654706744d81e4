"""What people pass by mistake, and worse: any value, of any type, and objects that fail when they are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import strategies as st


class Point(msgspec.Struct):
    x: int = 0


class Blank:
    """An object of no use."""


class Evil:
    """Fails at whatever is done with it; shown, it's only odd."""

    def __bool__(self) -> bool:
        raise ZeroDivisionError("bool")

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError("eq")

    def __hash__(self) -> int:
        raise ZeroDivisionError("hash")

    def __len__(self) -> int:
        raise ZeroDivisionError("len")

    def __iter__(self) -> Iterator[Any]:
        raise ZeroDivisionError("iter")

    def __getitem__(self, key: Any) -> Any:
        raise ZeroDivisionError("getitem")

    def __lt__(self, other: object) -> bool:
        raise ZeroDivisionError("lt")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise ZeroDivisionError("call")


class Unshown:
    """Fails when it's shown."""

    def __repr__(self) -> str:
        raise ZeroDivisionError("repr")

    __str__ = __repr__


class Text(str):
    """A text, but not only."""

    __slots__ = ()


class Whole(int):
    """A number, but not only."""


def plain(value: Any) -> Any:
    return value


def by_name(*, value: Any) -> Any:
    return value


odd = st.builds(
    lambda make: make(),
    st.sampled_from(
        [
            object, Blank, Evil, Unshown, Point, lambda: Blank, lambda: Point, lambda: Text("text"), lambda: Whole(3), lambda: plain,
            lambda: by_name, lambda: ValueError("no"), lambda: ValueError, lambda: NotImplemented, lambda: ..., lambda: iter([1]),
            lambda: memoryview(b"1"), lambda: float("nan"), lambda: float("inf"), lambda: -float("inf"), lambda: 10**400,
            lambda: "\ud800", lambda: "", lambda: "\x00", lambda: " ", lambda: int, lambda: [[]], lambda: {1: 2},
        ],
    ),
)  # fmt: skip
atoms = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=8) | odd
garbage: st.SearchStrategy[Any] = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)
"""Anything."""

names = st.text(max_size=6) | st.sampled_from(["trip", "price", "legs", "self", "workflow", "args", "kwargs", "name"])
