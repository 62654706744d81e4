"""Steps that tell `SEEN` that they ran: one with an undo, one that is irreversible, one that fails."""

from __future__ import annotations

from actorflow import step

SEEN: list[str] = []


@step
async def first() -> int:
    SEEN.append("first")
    return 1


@first.undo
async def undo_first(value: int) -> None:
    SEEN.append("undo first")


@step
async def second(value: int) -> int:
    SEEN.append("second")
    return value + 1


@step(irreversible=True)
async def pay(value: int) -> int:
    SEEN.append("pay")
    return value + 1


@step
async def fail(value: int) -> int:
    SEEN.append("fail")
    raise ValueError("no")
