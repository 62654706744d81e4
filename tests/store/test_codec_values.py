"""R56, as far as it is here: values come back from their bytes as the annotated types, or are refused with the path."""

import dataclasses
import enum
import math
import re
import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar

import attrs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorflow.errors import InvalidValue, NotSerializable
from actorflow.store import Codec

T = TypeVar("T")
CODEC = Codec()


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    S = 1
    L = 2


class Right(enum.IntFlag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int
    y: float


class Leg(msgspec.Struct, frozen=True):
    city: str
    nights: int
    tags: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class Seat:
    code: str
    at: Point


@attrs.frozen
class Room:
    number: int
    rates: tuple[Decimal, ...]


class Options(TypedDict, total=False):
    depth: int
    name: str


class Box(msgspec.Struct, Generic[T]):
    value: T


class Tree(msgspec.Struct):
    value: int
    children: "list[Tree]" = []


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag=True):
    name: str


class Client:
    pass


class Desk(msgspec.Struct):
    seats: list[Any]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
HUGE = st.integers(min_value=-(2**200), max_value=2**200)
LEGS = st.builds(Leg, TEXT, HUGE, st.frozensets(TEXT, max_size=3))
PLAIN = st.recursive(
    st.none() | st.booleans() | HUGE | st.floats(allow_nan=False) | TEXT | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
LEAVES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (None, st.none()),
    (bool, st.booleans()),
    (int, HUGE),
    (float, st.floats(allow_nan=False)),
    (str, TEXT),
    (bytes, st.binary(max_size=10)),
    (Decimal, st.decimals(allow_nan=False)),
    (uuid.UUID, st.uuids()),
    (datetime, st.datetimes() | st.datetimes(timezones=st.just(UTC))),
    (date, st.dates()),
    (time, st.times()),
    (timedelta, st.timedeltas(timedelta(days=-9999), timedelta(days=9999))),
    (Color, st.sampled_from(Color)),
    (Size, st.sampled_from(Size)),
    (Literal["a", 3], st.sampled_from(["a", 3])),
    (Leg, LEGS),
    (Seat, st.builds(Seat, TEXT, st.builds(Point, HUGE, st.floats(allow_nan=False)))),
    (Room, st.builds(Room, HUGE, st.lists(st.decimals(allow_nan=False), max_size=2).map(tuple))),
    (Options, st.fixed_dictionaries({}, optional={"depth": HUGE, "name": TEXT})),
    (Cat | Dog, st.builds(Cat, HUGE) | st.builds(Dog, TEXT)),
    (Box[int], st.builds(Box, HUGE)),
    (complex, st.complex_numbers(allow_nan=False)),
    (Path, TEXT.map(lambda text: Path(text.replace("\0", "")))),
    (Any, PLAIN),
    (Tree, st.recursive(st.builds(Tree, HUGE), lambda t: st.builds(Tree, HUGE, st.lists(t, max_size=2)), max_leaves=4)),
]
HASHABLE = [leaf for leaf in LEAVES if leaf[0] in {int, str, bool, bytes, Color, uuid.UUID, Leg, date}]


def _wrap(kind: str, leaf: tuple[Any, Any], key: tuple[Any, Any]) -> tuple[Any, st.SearchStrategy[Any]]:
    annotation: Any = leaf[0]
    values = leaf[1]
    item: Any = key[0]
    wrapped: dict[str, tuple[Any, Any]] = {
        "list": (list.__class_getitem__(annotation), st.lists(values, max_size=3)),
        "tuple": (tuple.__class_getitem__((annotation, ...)), st.lists(values, max_size=3).map(tuple)),
        "pair": (tuple.__class_getitem__((annotation, str)), st.tuples(values, TEXT)),
        "dict": (dict.__class_getitem__((str, annotation)), st.dictionaries(TEXT, values, max_size=3)),
        "set": (set.__class_getitem__(item), st.sets(key[1], max_size=3)),
        "optional": (annotation and annotation | None, values | st.none()),
    }
    return wrapped.get(kind, leaf)


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[Any, Any]:
    annotation, values = draw(st.sampled_from(LEAVES))
    for kind in draw(st.lists(st.sampled_from(["list", "tuple", "pair", "dict", "optional", "set", ""]), max_size=2)):
        annotation, values = _wrap(kind, (annotation, values), draw(st.sampled_from(HASHABLE)))
    return annotation, draw(values)


@given(typed_values())
@settings(max_examples=400, deadline=None)
def test_r56_values_come_back_equal_and_of_the_same_type(typed: tuple[Any, Any]) -> None:
    annotation, value = typed
    back = CODEC.decode(CODEC.encode(value, annotation), annotation)
    assert back == value
    assert type(back) is type(value)
    assert CODEC.can_encode(annotation) is None


def test_numbers_without_a_decimal_value_come_back() -> None:
    assert math.isnan(CODEC.round_trip(math.nan, float))
    assert CODEC.round_trip([math.inf, -math.inf], list[float]) == [math.inf, -math.inf]


def test_an_aware_datetime_comes_back_as_the_same_moment() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, timezone(timedelta(hours=2)))
    assert CODEC.round_trip(moment, datetime) == moment


REFUSED: list[tuple[Any, Any, str]] = [
    (Client(), Any, "$"),
    (Leg("x", 1), Any, "$"),
    ((1, 2), Any, "$"),
    ({1, 2}, object, "$"),
    ([1, (2,)], list, "$[1]"),
    ({"a": [Leg("x", 1)]}, dict[str, Any], "$['a'][0]"),
    (Desk([1, 2, Client()]), Desk, "$.seats[2]"),
    (Desk([{"client": Client()}]), Desk, "$.seats[0]['client']"),
    ("x", int, "$"),
    (True, int, "$"),
    (Size.S, int, "$"),
    (Leg("x", "1"), Leg, "$.nights"),  # type: ignore[arg-type]
    (Client(), Client, "$"),
    (Cat(1), Client | Dog, "$"),
    ("\ud800", str, "$"),
    ([["\ud800"]], list[list[str]], "$[0][0]"),
    (Right.READ | Right.WRITE, Right, "$"),
    (2**60 + 1, float, "$"),
]


@pytest.mark.parametrize(("value", "annotation", "path"), REFUSED)
def test_r56_what_would_not_come_back_as_it_is_is_refused_with_the_path(value: Any, annotation: Any, path: str) -> None:
    with pytest.raises(NotSerializable) as caught:
        CODEC.encode(value, annotation, "the result of 'charge'")
    assert caught.value.path == path
    assert "the result of 'charge'" in str(caught.value)


def test_a_value_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(NotSerializable):
        CODEC.encode(loop, Any)


class Plain(msgspec.Struct):
    x: int


class Other(msgspec.Struct):
    y: int


class Holder(msgspec.Struct):
    clients: list[Client]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Plain | Other, "Other"),
        (dict[str, Plain | Other | None], "Plain"),
        (Client, "Client"),
        (Holder, r"\$\.clients\[\]"),
        (list[Client] | None, "Client"),
        (set[int] | list[int], "more than one array-like"),
    ],
)
def test_r3_types_that_surely_cannot_be_encoded_are_told_with_the_reason(annotation: Any, words: str) -> None:
    reason = CODEC.can_encode(annotation)
    assert reason is not None
    assert re.search(words, reason)


@pytest.mark.parametrize("annotation", [Any, object, T, Annotated[int, msgspec.Meta(ge=0)], list[Leg], Tree, Box[Leg]])
def test_types_that_can_be_encoded_or_depend_on_the_value_pass(annotation: Any) -> None:
    assert CODEC.can_encode(annotation) is None


def test_a_registered_class_is_written_and_read_by_its_own_functions() -> None:
    codec = Codec()
    assert codec.can_encode(list[Client]) is not None
    codec.register(Client, encode=lambda client: "client", decode=lambda text: Client())
    assert codec.can_encode(list[Client]) is None
    assert type(codec.round_trip([Client()], list[Client])[0]) is Client


def test_bytes_of_another_type_are_refused_with_an_error_of_our_own() -> None:
    with pytest.raises(InvalidValue, match="isn't of type Leg"):
        CODEC.decode(CODEC.encode("x", str), Leg)
    with pytest.raises(InvalidValue):
        CODEC.decode(b"", int)
    with pytest.raises(InvalidValue):
        CODEC.decode(b"\xc1", Any)
