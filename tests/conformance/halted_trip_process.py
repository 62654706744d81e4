"""One process of the test of snapshots: `halt`, or `resume SNAPSHOT`; prints as JSON what happened."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from base64 import b64decode, b64encode
from typing import Any

import msgspec

from actorflow import Failed, Halted, Outcome, Runtime, Succeeded
from actorflow.errors import describe
from tests.conformance.halted_trip import Booking, faults, seen, trip


async def main(action: str, snapshot: str = "") -> dict[str, Any]:
    async with Runtime() as runtime:
        if action == "halt":
            run = await runtime.options(run_id="t-1", context={"note": "kept"}).start(trip, "Oslo", 3)
            return told(await run.outcome())
        happened = told(await (await runtime.resume(trip, b64decode(snapshot))).outcome())
        faults.add("book")
        return happened | {"and failing": told(await (await runtime.resume(trip, b64decode(snapshot))).outcome())}


def told(outcome: Outcome[Booking]) -> dict[str, Any]:
    """The outcome as JSON, with what the steps have seen since the last one."""
    happened = {**how(outcome), "seen": list(seen), "pid": os.getpid()}
    seen.clear()
    return happened


def how(outcome: Outcome[Booking]) -> dict[str, Any]:
    match outcome:
        case Halted(snapshot=bytes(snapshot)):
            return {"snapshot": b64encode(snapshot).decode()}
        case Failed(error, rollback):
            errors = [[each.node, each.phase, each.attempt, describe(each.error)] for each in error.errors]
            return {"rollback": rollback, "errors": errors}
        case Succeeded(booking):
            return {"result": msgspec.to_builtins(booking)}
        case _:
            raise AssertionError(f"the run ended otherwise: {outcome}")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
