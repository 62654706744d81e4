"""Types of signals that an emitted step waits for, told to another process (R16, R48)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import msgspec
import pytest

from actorflow import Approval, InvalidState, NotSerializable
from actorflow.runtime.snapshot_types import told_type, type_told


class Payment(msgspec.Struct, frozen=True):
    amount: int

    class Part(msgspec.Struct, frozen=True):
        cents: int


TYPES: list[Any] = [
    int, Payment, Payment.Part, Approval, Any, list[Payment], dict[str, list[int]], int | None, Payment | list[int] | None,
    tuple[int, str], Sequence[Payment], Optional[int],
]  # fmt: skip


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_what_is_told_is_found_again(kind: Any) -> None:
    packed = msgspec.msgpack.encode(told_type(kind))
    assert type_told(msgspec.msgpack.decode(packed)) == kind


def test_none_is_a_type() -> None:
    assert type_told(told_type(None)) is type_told(told_type(type(None))) is type(None)


def test_what_has_no_name_isnt_told() -> None:
    class Local(msgspec.Struct):
        amount: int

    with pytest.raises(NotSerializable, match="Local"):
        told_type(Local)
    with pytest.raises(NotSerializable, match="top of a module"):
        told_type(list[Local])


@pytest.mark.parametrize("told", ["nowhere.at.All", "tests.runtime.test_snapshot_types.TYPES", "no_builtin"])
def test_what_isnt_here_any_more_is_refused(told: str) -> None:
    with pytest.raises(InvalidState, match="isn't a class here"):
        type_told(told)
