"""Starting runs, and what they end with."""

from typing import assert_type

from trip import CARDS, Charge, Client, Trip, book_trip

from actorflow import Cancelled, Failed, Halted, Run, RunFailed, Runtime, Succeeded


async def main() -> None:
    async with Runtime(resources=[CARDS.provide(Client())]) as runtime:
        runtime.subscribe(print)
        assert_type(await runtime.run(book_trip, Trip("Oslo", 3, [])), Charge)
        assert_type(await runtime.run(book_trip, trip=Trip("Oslo", 3, [])), Charge)
        run = await runtime.options(run_id="t", timeout=60).start(book_trip, Trip("R", 2, []))
        assert_type(run, Run[Charge])
        match await run.outcome():
            case Succeeded(value):
                assert_type(value, Charge)
            case Failed(error, rollback):
                assert_type(error, RunFailed)
                print(rollback)
            case Halted() | Cancelled():
                ...
