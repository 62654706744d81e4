"""R2: what comes as a message is converted strictly. R3: whether one type can flow into another."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Protocol, TypedDict, TypeVar

import msgspec
import pytest

from actorflow.errors import InvalidStep
from actorflow.values import ValueMismatch, can_flow, convert, fields_of, resolve_hints

T = TypeVar("T")


class Leg(msgspec.Struct, frozen=True):
    city: str
    nights: int = 1


class Trip(msgspec.Struct, frozen=True):
    legs: list[Leg]


class Client:
    pass


class Special(Client):
    pass


class Speaks(Protocol):
    def speak(self) -> str: ...


class Options(TypedDict):
    name: str


@pytest.mark.parametrize(
    ("value", "annotation", "converted"),
    [
        ({"legs": [{"city": "Oslo"}]}, Trip, Trip([Leg("Oslo")])),
        ({"legs": [Leg("Oslo")]}, Trip, Trip([Leg("Oslo")])),
        (Trip([]), Trip, Trip([])),
        ("2026-01-02T03:04:05Z", datetime, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ([1, 2], tuple[int, ...], (1, 2)),
        (2**70, int, 2**70),
        ({"name": "x"}, Options, {"name": "x"}),
        (3, Any, 3),
    ],
)
def test_r2_what_comes_as_plain_data_becomes_the_annotated_type(value: Any, annotation: Any, converted: Any) -> None:
    assert convert(value, annotation) == converted


@pytest.mark.parametrize(
    ("value", "annotation", "path"),
    [
        ("3", int, ""),
        (True, int, ""),
        ({"legs": [{"city": "Oslo"}, {"city": 3}]}, Trip, ".legs[1].city"),
        ({"legs": [{}]}, Trip, ".legs[0]"),
        ({}, Trip, ""),
        (3, Client, ""),
        ([Client(), 3], list[Client], "[1]"),
        (-1, Annotated[int, msgspec.Meta(ge=0)], ""),
        (3, Callable[..., int], ""),
    ],
)
def test_r2_conversion_is_strict_and_names_the_path(value: Any, annotation: Any, path: str) -> None:
    with pytest.raises(ValueMismatch) as caught:
        convert(value, annotation)
    assert caught.value.path == path


def test_an_object_that_is_of_its_type_passes_as_it_is() -> None:
    client = Client()
    assert convert({"a": client}, dict[str, Client])["a"] is client


@pytest.mark.parametrize(
    ("produced", "wanted", "answer"),
    [
        (int, int, True),
        (int, float, True),
        (bool, int, True),
        (Special, Client, True),
        (list[int], list[int], True),
        (list[int], Sequence[int], True),
        (list[Special], Iterable[Client], True),
        (dict[str, int], Mapping[str, int], True),
        (int, int | None, True),
        (Literal["a"], str, True),
        (Literal["a"], Literal["a", "b"], True),
        (tuple[int, str], tuple[int, str], True),
        (None, None, True),
        (int, Any, True),
        (int, str, False),
        (Leg, Trip, False),
        (str, Leg | None, False),
        (None, Leg, False),
        (int | None, str, False),
        (list[int], list[str], False),
        (list[int], int, False),
        (Literal["c"], Literal["a", "b"], False),
        (int, Literal["a"], False),
        (tuple[int], tuple[int, str], False),
        (Options, int, False),
        (float, int, False),
        (Any, int, None),
        (T, int, None),
        (Client, Speaks, None),
        (Client, Special, None),
        (Leg | None, Leg, None),
        (str, Literal["a"], None),
        (int, Annotated[int, msgspec.Meta(ge=0)], None),
        (object, int, None),
        (Options, dict[str, Any], None),
    ],
)
def test_r3_only_what_is_sure_is_answered(produced: Any, wanted: Any, answer: bool | None) -> None:
    assert can_flow(produced, wanted) is answer


def test_fields_of_records_have_their_types() -> None:
    assert fields_of(Leg) == {"city": str, "nights": int}
    assert fields_of(int) == {}


def test_an_unknown_name_in_an_annotation_is_named() -> None:
    def takes(x: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(InvalidStep, match="'Nowhere'"):
        resolve_hints(takes, "step 'takes'")
