"""R2: Python values are checked deeply against annotations, and neither copied nor converted."""

import dataclasses
import enum
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    Protocol,
    TypedDict,
    TypeVar,
)

import attrs
import msgspec
import pytest

from actorflow.values import ValueMismatch, check

T = TypeVar("T")
B = TypeVar("B", bound=str)
UserId = NewType("UserId", str)
Age = Annotated[int, msgspec.Meta(ge=0, lt=150)]


class Leg(msgspec.Struct, frozen=True):
    city: str
    nights: int = 1


class Trip(msgspec.Struct, frozen=True):
    legs: list[Leg]
    by: "Leg | None" = None


class Node(msgspec.Struct):
    children: "list[Node]" = []


class Box(msgspec.Struct, Generic[T]):
    value: T


class IntBox(Box[int]):
    label: str


@dataclasses.dataclass
class Seat:
    code: str
    rows: tuple[int, ...] = ()


@attrs.define
class Room:
    number: int


class Point(NamedTuple):
    x: float
    y: float


class Options(TypedDict):
    name: str
    size: NotRequired[int]


class Color(enum.Enum):
    RED = "red"


class Speaks(Protocol):
    def speak(self) -> str: ...


GOOD: list[tuple[Any, Any]] = [
    (1, int),
    (True, int),
    (1, float),
    (1.5, float),
    (None, None),
    (None, Optional[str]),
    ("x", str | None),
    ("a", Literal["a", 3]),
    ([1, 2], list[int]),
    ([1, "x"], list),
    ({1: "x"}, dict[int, str]),
    ({1}, set[int]),
    (frozenset({1}), frozenset[int]),
    ((1, "x"), tuple[int, str]),
    ((), tuple[()]),
    ((1, 2, 3), tuple[int, ...]),
    ((1, 2), Sequence[int]),
    ({"a": 1}, Mapping[str, int]),
    (iter([1]), Iterable[str]),
    (len, Callable[..., int]),
    (Leg("Oslo"), Leg),
    (Trip([Leg("Oslo")], Leg("Rome", 2)), Trip),
    (Node([Node(), Node([Node()])]), Node),
    (Box("x"), Box[str]),
    (Box(1), Box),
    (IntBox(3, "x"), IntBox),
    (Seat("a", (1, 2)), Seat),
    (Room(3), Room),
    (Point(1, 2.0), Point),
    ({"name": "x"}, Options),
    ({"name": "x", "size": 3}, Options),
    (Color.RED, Color),
    ("u", UserId),
    (3, Age),
    ("x", T),
    ("x", B),
    (object(), Speaks),
    (3, Final[int]),
    (object(), Any),
    (object(), object),
    (datetime.now(UTC), datetime),
]

BAD: list[tuple[Any, Any, str]] = [
    ("1", int, ""),
    (1.5, int, ""),
    (None, str, ""),
    (3, str | None, ""),
    (1, Literal["a", 3], ""),
    (True, Literal[1], ""),
    ([1, "x"], list[int], "[1]"),
    ((1, 2), list[int], ""),
    ({1: 2}, dict[int, str], "[1]"),
    ({"a": {"b": [1]}}, dict[str, dict[str, list[str]]], "['a']['b'][0]"),
    ({"x"}, set[int], "[str 'x']"),
    ((1, 2), tuple[int, str], "[1]"),
    ((1,), tuple[int, str], ""),
    ((1, "x"), tuple[int, ...], "[1]"),
    (["x"], Sequence[int], "[0]"),
    (3, Callable[..., int], ""),
    (Trip([Leg("Oslo"), Leg(3)]), Trip, ".legs[1].city"),  # type: ignore[arg-type]
    (Trip([], Leg("Rome", "2")), Trip, ".by.nights"),  # type: ignore[arg-type]
    (Node([Node([3])]), Node, ".children[0].children[0]"),  # type: ignore[list-item]
    (Box("x"), Box[int], ".value"),
    (IntBox("x", "x"), IntBox, ".value"),  # type: ignore[arg-type]
    (Seat("a", (1, "b")), Seat, ".rows[1]"),  # type: ignore[arg-type]
    (Room("3"), Room, ".number"),  # type: ignore[arg-type]
    (Point("1", 2), Point, ".x"),  # type: ignore[arg-type]
    ({}, Options, ""),
    ({"name": 3}, Options, "['name']"),
    ({"name": "x", "sise": 3}, Options, ""),
    ("red", Color, ""),
    (3, UserId, ""),
    (-1, Age, ""),
    (150, Age, ""),
    (3, B, ""),
    ("x", Final[int], ""),
]


@pytest.mark.parametrize(("value", "annotation"), GOOD)
def test_r2_a_value_of_its_type_passes(value: Any, annotation: Any) -> None:
    check(value, annotation)


@pytest.mark.parametrize(("value", "annotation", "path"), BAD)
def test_r2_a_value_that_is_not_of_its_type_is_told_with_the_path_inside_it(
    value: Any, annotation: Any, path: str
) -> None:
    with pytest.raises(ValueMismatch) as caught:
        check(value, annotation)
    assert caught.value.path == path
    assert caught.value.expected
    assert caught.value.got


def test_r2_values_are_neither_copied_nor_consumed() -> None:
    items = iter([1, 2])
    check(items, Iterable[int])
    assert list(items) == [1, 2]


def test_a_value_that_holds_itself_is_refused_instead_of_recursing_for_ever() -> None:
    node = Node()
    node.children.append(node)
    with pytest.raises(ValueMismatch, match="holding itself"):
        check(node, Node)


def test_the_nearest_member_of_a_union_tells_what_is_wrong() -> None:
    with pytest.raises(ValueMismatch) as caught:
        check(Trip([Leg(3)]), int | Trip | None)  # type: ignore[arg-type]
    assert caught.value.path == ".legs[0].city"


def test_aliases_of_pep_695_are_seen_through() -> None:
    if sys.version_info < (3, 12):
        return
    names: dict[str, Any] = {}
    exec("type Names = list[str]\ntype Pair[A] = tuple[A, A]", names)
    check(["x"], names["Names"])
    check((1, 2), names["Pair"][int])
    with pytest.raises(ValueMismatch):
        check((1, "x"), names["Pair"][int])
