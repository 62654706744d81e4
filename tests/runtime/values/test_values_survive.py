"""R56: values of every kind come back from a store as they were, after a restart; those that can't are refused before anything acts."""

from __future__ import annotations

import dataclasses
import enum
import ipaddress
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec
import pydantic
import pytest

from actorflow import (
    Codec,
    Failed,
    InvalidValue,
    InvalidWorkflow,
    MemoryStore,
    NotSerializable,
    Operator,
    Runtime,
    SQLiteStore,
    step,
    wait_for_signal,
    workflow,
)
from actorflow.testing import MockClock

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"


class Leg(msgspec.Struct, frozen=True):
    city: str
    at: datetime
    tags: frozenset[str] = frozenset()


@dataclasses.dataclass
class Seat:
    row: int
    price: Decimal


@attrs.define
class Room:
    number: int
    booked: date


class Point(NamedTuple):
    x: float
    y: float


class Options(TypedDict, total=False):
    breakfast: bool


class Guest(pydantic.BaseModel):
    name: str
    id: UUID
    born: date
    kind: Color = Color.RED
    photo: bytes = b"\xff\x00"
    spent: dict[int, Decimal] = {}
    stays: set[int] = set()


class Strict(pydantic.BaseModel):
    """Takes no text for a UUID, but from JSON."""

    model_config = pydantic.ConfigDict(strict=True)

    id: UUID
    at: datetime
    home: pydantic.AnyUrl
    address: ipaddress.IPv4Address


class Renamed(pydantic.BaseModel):
    city: str = pydantic.Field(alias="cityName", serialization_alias="CITY")


class Box(pydantic.BaseModel, Generic[T]):
    content: T
    weight: float = math.nan


class Party(msgspec.Struct):
    """Models inside of a struct."""

    guests: list[Guest]
    host: Guest | None
    by_name: dict[str, Box[int]]


Number = pydantic.RootModel[str]

NOW = datetime(2030, 1, 2, 3, 4, 5, 6, UTC)
ID = UUID(int=7)
GUEST = Guest(name="Ann", id=ID, born=date(2000, 1, 1), spent={1: Decimal("1.10")}, stays={3})

KINDS: list[tuple[Any, Any]] = [
    (Leg, Leg("Oslo", NOW, frozenset({"a"}))),
    (Seat, Seat(3, Decimal("0.10"))),
    (Room, Room(12, date(2030, 1, 1))),
    (Point, Point(1.0, 2.5)),
    (Options, Options(breakfast=True)),
    (Color, Color.RED),
    (datetime, NOW),
    (datetime, NOW.replace(tzinfo=None)),
    (time, time(3, 4)),
    (timedelta, timedelta(days=1, microseconds=1)),
    (UUID, ID),
    (Decimal, Decimal("1.230")),
    (bytes, b"\x00\xff"),
    (tuple[int, str], (1, "a")),
    (dict[UUID, list[Leg]], {ID: [Leg("Oslo", NOW)]}),
    (int, 2**100),
    (Guest, GUEST),
    (Strict, Strict(id=ID, at=NOW, home=pydantic.AnyUrl("https://a.org/"), address=ipaddress.IPv4Address(1))),
    (Renamed, Renamed(cityName="Oslo")),
    (Box[int], Box[int](content=2**70, weight=1.0)),
    (Number, Number("abc")),
    (Guest | None, GUEST),
    (Party, Party([GUEST], None, {"a": Box[int](content=1, weight=0.5)})),
    (pydantic.SecretStr, pydantic.SecretStr("hunter2")),
]


def flow_of(kind: Any, seen: list[Any]) -> Any:
    async def make(value: Any) -> Any:
        return value

    async def use(value: Any, sent: Any) -> Any:
        assert sent == value
        seen.append(value)
        return value

    make.__annotations__.update({"value": kind, "return": kind})
    use.__annotations__.update({"value": kind, "sent": kind, "return": kind})
    made, used = step(make), step(use)

    def keeps(value: Any) -> Any:
        first = made(value)
        return used(first, wait_for_signal("go", kind))

    keeps.__annotations__.update({"value": kind, "return": kind})
    return workflow(keeps)


@pytest.mark.parametrize(("kind", "value"), KINDS, ids=lambda each: getattr(each, "__name__", None) or "")
async def test_r56_values_come_back_from_a_store_after_a_restart(
    kind: Any, value: Any, tmp_path: Path, clock: MockClock
) -> None:
    """Inputs, results, a signal's value and the outcome."""
    path, seen = tmp_path / "runs.db", list[Any]()
    flow = flow_of(kind, seen)
    async with Runtime(workflows=[flow], store=SQLiteStore(path, clock=clock), clock=clock, rest_after=0) as runtime:
        await runtime.options(run_id="r").start(flow, value)
    assert seen == []
    async with Runtime(workflows=[flow], store=SQLiteStore(path, clock=clock), clock=clock) as runtime:
        await runtime.signal("r", "go", value)
        run = await runtime.options(run_id="r").start(flow, value)
        assert await run.result() == value
    assert [(type(one), one) for one in seen] == [(type(value), value)]
    async with Runtime(workflows=[flow], store=SQLiteStore(path, clock=clock), clock=clock) as runtime:
        back = await (await runtime.options(run_id="r").start(flow, value)).result()
        assert (type(back), back) == (type(value), value)


# ── classes of somebody else's ────────────────────────────────────────────────────────────────────────────────────────


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.cents == self.cents

    def __hash__(self) -> int:
        return hash(self.cents)


class Shape:
    """A family: each class reads itself."""

    sides: ClassVar[int] = 0

    def __init__(self, size: int) -> None:
        self.size = size

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.size == self.size

    def __hash__(self) -> int:
        return hash(self.size)


class Square(Shape):
    sides = 4


def taught() -> Codec:
    codec = Codec()
    codec.register(Money, encode=lambda money: money.cents, decode=Money)
    codec.register_family(Shape, encode=lambda shape: shape.size, decode=lambda cls, size: cls(size))
    return codec


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Money, Money(5)), (list[Money], [Money(1)]), (Shape, Shape(2)), (dict[str, Square], {"a": Square(3)})],
)
async def test_r56_classes_that_the_codec_is_taught_survive(kind: Any, value: Any, clock: MockClock) -> None:
    store, seen = MemoryStore(clock=clock), list[Any]()
    flow = flow_of(kind, seen)
    async with Runtime(workflows=[flow], store=store, codec=taught(), clock=clock, rest_after=0) as runtime:
        await runtime.options(run_id="r").start(flow, value)
    async with Runtime(workflows=[flow], store=store, codec=taught(), clock=clock) as runtime:
        await runtime.signal("r", "go", value)
        assert await (await runtime.options(run_id="r").start(flow, value)).result() == value
    assert seen == [value]


def test_r3_a_class_that_nobody_knows_is_refused_before_it_runs() -> None:
    with pytest.raises(InvalidWorkflow, match="Money"):
        Runtime(workflows=[flow_of(Money, [])], store=MemoryStore())
    Runtime(workflows=[flow_of(Money, [])], store=MemoryStore(), codec=taught())


def test_r3_a_union_of_models_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidWorkflow, match=r"can't be told apart: put each into a struct with a tag"):
        Runtime(workflows=[flow_of(Guest | Renamed, [])], store=MemoryStore())


class Base(pydantic.BaseModel):
    a: int


class Derived(Base):
    b: int


class Holder(pydantic.BaseModel):
    held: Base


class Doubled(pydantic.BaseModel):
    n: int

    @pydantic.field_validator("n")
    @classmethod
    def twice(cls, n: int) -> int:
        return 2 * n


@pytest.mark.parametrize("value", [Holder(held=Derived(a=1, b=2)), Doubled(n=1)])
def test_r56_a_model_that_would_not_come_back_as_it_was_is_refused(value: Any) -> None:
    with pytest.raises(NotSerializable, match="doesn't come back from its own data"):
        Codec().encode(value, type(value))


def test_a_model_is_not_told_as_its_base() -> None:
    with pytest.raises(NotSerializable, match="expected Base itself"):
        Codec().encode(Derived(a=1, b=2), Base)


def test_what_is_wrong_with_a_stored_model_is_told_without_its_values() -> None:
    codec = Codec()
    with pytest.raises(InvalidValue, match=r"it is no Base: a: Input should be a valid integer") as raised:
        codec.decode(codec.encode({"a": "hunter2"}), Base)
    assert "hunter2" not in str(raised.value)


def test_a_model_without_equal_numbers_comes_back() -> None:
    codec = Codec()
    back = codec.decode(codec.encode(Box[int](content=1), Box[int]), Box[int])
    assert math.isnan(back.weight)


def test_a_seal_has_both_its_functions() -> None:
    with pytest.raises(InvalidValue, match=r"an object with seal\(data\) and open\(data\)"):
        Codec(seal=object())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_r2_models_are_made_of_what_comes_as_a_message(clock: MockClock) -> None:
    """A person at a terminal sends a signal without knowing its type."""
    store, seen = MemoryStore(clock=clock), list[Any]()
    flow = flow_of(Renamed, seen)
    async with Runtime(workflows=[flow], store=store, clock=clock) as runtime:
        run = await runtime.options(run_id="r").start(flow, Renamed(cityName="Oslo"))
        await Operator(store, clock=clock).signal("r", "go", {"cityName": "Oslo"})
        assert await run.result() == Renamed(cityName="Oslo")


async def test_r56_the_size_counts_as_it_is_stored(clock: MockClock) -> None:
    @step
    async def large() -> bytes:
        return bytes(2000)

    @workflow
    def grows() -> bytes:
        return large()

    class Short:
        def seal(self, data: bytes, /) -> bytes:
            return len(data).to_bytes(4, "big")

        def open(self, data: bytes, /) -> bytes:
            return b"\xc5" + (2000).to_bytes(2, "big") + bytes(2000)

    async def outcome(codec: Codec) -> Any:
        async with Runtime(store=MemoryStore(clock=clock), codec=codec, max_value_bytes=1000, clock=clock) as runtime:
            return await (await runtime.start(grows)).outcome()

    refused = await outcome(Codec())
    assert isinstance(refused, Failed)
    assert isinstance(refused.error.__cause__, NotSerializable)
    assert (await outcome(Codec(seal=Short()))).value == bytes(2000)
