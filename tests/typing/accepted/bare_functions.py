"""`run` calls the bare function, as it was written."""

from collections.abc import Coroutine
from typing import Any, assert_type

from trip import Seat, label, reserve_seat

from actorflow import Step, step


@step(name="twice", mode="inline")
def double(number: int, /, *, extra: float = 0) -> float:
    return number * 2 + extra


async def main() -> None:
    assert_type(await reserve_seat.run("x"), Seat)
    assert_type(label.run("x"), str)
    assert_type(label.run("x", n=2), str)
    assert_type(double.run(2, extra=1.5), float)


def kept(seats: Step[[str], Seat, Coroutine[Any, Any, Seat]]) -> None: ...
