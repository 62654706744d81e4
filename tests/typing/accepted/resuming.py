"""Halting, resuming and undoing."""

from typing import assert_type

from trip import Charge, Trip, book_trip

from actorflow import Halted, Run, RunHalted, Runtime, Skip


async def main() -> None:
    async with Runtime(halt_timeout=1, on_exit="halt", seed=3) as runtime:
        run = await runtime.options(reversible=True, max_concurrency=3, labels={"who": "us"}).start(
            book_trip, Trip("", 1, [])
        )
        await run.halt("for the night")
        outcome = await run.outcome()
        if isinstance(outcome, Halted) and outcome.snapshot is not None:
            resumed = await runtime.resume(book_trip, outcome.snapshot, resolve={"pay": Skip(Charge("x"))})
            assert_type(resumed, Run[Charge])
            await resumed.undo()
        try:
            await run.result()
        except RunHalted as halted:
            assert_type(halted.snapshot, bytes | None)
