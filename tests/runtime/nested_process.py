"""One process of the test of nested snapshots: prints the snapshot of a run that halts, or what becomes of the one that it is given."""

from __future__ import annotations

import asyncio
import json
import sys
from base64 import b64decode, b64encode
from typing import Any

from actorflow import (
    Failed,
    Halt,
    Halted,
    Outcome,
    Runtime,
    Succeeded,
    each,
    emit,
    group,
    repeat,
    step,
    step_context,
    workflow,
)

done: list[str] = []


@step
async def charge(number: int) -> int:
    done.append(step_context().node)
    if number == 4:
        emit(note(number, pause()))
    if number == 9:
        raise ValueError(number)
    return number


@charge.undo
async def refund(result: int, number: int) -> None:
    done.append(f"undo {step_context().node} {result} {number}")


@step
async def note(number: int, more: int) -> int:
    done.append(step_context().node)
    return number + more


@step
async def pause() -> int:
    raise Halt(1)


@step
async def plus(number: int) -> int:
    return number + 1


@workflow
def twice(number: int) -> int:
    return plus(charge(number))


@workflow
def nested(numbers: list[int]) -> list[Outcome[int]]:
    return each(
        numbers,
        lambda number: group(lambda: repeat(twice, number, at_most=2)),
        on_error="collect",
        key=lambda number: f"n{number}",
    )


async def main(snapshot: str = "") -> dict[str, Any]:
    async with Runtime() as runtime:
        if not snapshot:
            outcome = await (await runtime.start(nested, [1, 4, 8])).outcome()
            assert isinstance(outcome, Halted)
            assert outcome.snapshot is not None
            return {"snapshot": b64encode(outcome.snapshot).decode(), "done": done}
        ended = await (await runtime.resume(nested, b64decode(snapshot))).outcome()
        assert isinstance(ended, Succeeded), ended
        return {"values": [told(one) for one in ended.value], "done": done}


def told(outcome: Outcome[int]) -> Any:
    match outcome:
        case Succeeded(value):
            return value
        case Failed(error, rollback):
            return [rollback, *(f"{one.node} {one.error!r}" for one in error.errors)]
        case _:
            raise AssertionError(outcome)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
