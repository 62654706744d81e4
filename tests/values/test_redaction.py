"""What annotations mark as secret is found in types of every kind, and values are shown without it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, Optional, TypedDict

import attrs
import msgspec
import pydantic
import pytest

from actorflow import NotSerializable, Secret
from actorflow.store import Codec
from actorflow.values import ValueMismatch, check, check_exact, convert, holds_secrets, redacted

Card = Annotated[str, Secret]
Pin = Annotated[int, Secret()]
CODEC = Codec()


class Paid(msgspec.Struct, frozen=True, rename="camel"):
    card_number: Card
    cents: int


class Placed(msgspec.Struct, array_like=True, tag=True):
    card: Card
    cents: int


@dataclasses.dataclass(frozen=True, slots=True)
class Login:
    pin: Pin
    paid: list[Paid]


@attrs.frozen
class Guest:
    name: str
    login: Login | None = None


class Pair(NamedTuple):
    card: Card
    n: int


class Options(TypedDict, total=False):
    card: Card
    n: int


class Model(pydantic.BaseModel):
    card: Card
    other: Card | None = None
    key: pydantic.SecretStr = pydantic.SecretStr("4111")
    n: int = 1


class Tree(msgspec.Struct):
    card: Card
    n: int
    kids: list[Tree] = []


class Plain(msgspec.Struct):
    n: int
    kids: list[Plain] = []


PAID = Paid("4111", 5)
KINDS: list[tuple[Any, Any, Any, Any]] = [
    (Card, "4111", "***", "***"),
    (Pin, 4111, "***", "***"),
    (Optional[Card], "4111", "***", "***"),
    (pydantic.SecretStr, pydantic.SecretStr("4111"), "***", "***"),
    (Paid, PAID, Paid("***", 5), {"cardNumber": "***", "cents": 5}),
    (Paid | None, PAID, Paid("***", 5), {"cardNumber": "***", "cents": 5}),
    (Placed, Placed("4111", 5), Placed("***", 5), ["Placed", "***", 5]),
    (Pair, Pair("4111", 5), Pair("***", 5), ["***", 5]),
    (Options, {"card": "4111", "n": 5}, {"card": "***", "n": 5}, {"card": "***", "n": 5}),
    (list[Card], ["4111"], ["***"], ["***"]),
    (tuple[Card, int], ("4111", 5), ("***", 5), ["***", 5]),
    (tuple[Paid, ...], (PAID,), (Paid("***", 5),), [{"cardNumber": "***", "cents": 5}]),
    (dict[str, Card], {"a": "4111"}, {"a": "***"}, {"a": "***"}),
    (dict[Card, int], {"4111": 5}, {"***": 5}, {"***": 5}),
    (Annotated[Plain, Secret], Plain(1), "***", "***"),
    (
        Tree,
        Tree("4111", 1, [Tree("4111", 2)]),
        Tree("***", 1, [Tree("***", 2)]),
        {"card": "***", "n": 1, "kids": ["***"]},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "typed", "plain"), KINDS)
def test_r56_secrets_are_hidden_in_values_and_in_what_is_stored_of_them(
    kind: Any, value: Any, typed: Any, plain: Any
) -> None:
    """With the type known, and without it."""
    assert holds_secrets(kind)
    assert redacted(value, kind) == typed
    data = CODEC.encode(value, kind)
    assert CODEC.decode(data, kind) == value
    assert CODEC.show(data) == plain
    assert b"4111" not in CODEC.without_secrets(data)


def test_records_in_records_are_hidden() -> None:
    guest = Guest("Ann", Login(1234, [PAID]))
    assert repr(redacted(guest, Guest)) == (
        "Guest(name='Ann', login=Login(pin='***', paid=[Paid(card_number='***', cents=5)]))"
    )
    assert guest.login is not None
    assert guest.login.pin == 1234
    data = CODEC.encode(guest, Guest)
    assert CODEC.show(data) == {
        "name": "Ann", "login": {"pin": "***", "paid": [{"cardNumber": "***", "cents": 5}]},
    }  # fmt: skip


def test_fields_of_models_are_hidden() -> None:
    model = Model(card="4111", other="4111")
    assert repr(redacted(model, Model)) == "Model(card='***', other='***', key='***', n=1)"
    assert CODEC.show(CODEC.encode(model, Model)) == {"card": "***", "other": "***", "key": "***", "n": 1}


@pytest.mark.parametrize("kind", [int, str, Plain, list[Plain], dict[str, int], Any, None, Sequence[int]])
def test_types_without_secrets_cost_nothing(kind: Any) -> None:
    assert not holds_secrets(kind)
    value = Plain(1)
    assert redacted(value, kind) is value


def test_what_cannot_be_copied_is_hidden_whole() -> None:
    class Stubborn(msgspec.Struct):
        card: Card

        def __copy__(self) -> Any:
            raise RuntimeError

    assert redacted(Stubborn("4111"), Stubborn) == "***"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("hunter2", Pin),
        ({"hunter2": "x"}, dict[Card, int]),
        ({"a": "hunter2"}, dict[str, Pin]),
        ({"hunter2"}, set[Annotated[int, Secret]]),
        ("hunter2", Annotated[str, Secret, msgspec.Meta(max_length=3)]),
    ],
)
def test_r2_what_is_wrong_with_a_secret_is_told_without_it(value: Any, kind: Any) -> None:
    for checks in (check, check_exact, convert):
        with pytest.raises(ValueMismatch) as raised:
            checks(value, kind)
        assert "hunter2" not in str(raised.value)


def test_r2_a_misspelt_field_of_a_secret_is_told_without_its_value() -> None:
    with pytest.raises(ValueMismatch, match="no key 'crd'") as raised:
        check({"card": "x", "crd": "hunter2"}, Options)
    assert "hunter2" not in str(raised.value)


def test_r56_what_cannot_be_encoded_is_told_without_it() -> None:
    class Odd(msgspec.Struct):
        card: dict[Card, object]

    with pytest.raises(NotSerializable) as raised:
        CODEC.encode(Odd({"hunter2": {1, 2}}), Odd)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None
