"""Runs with wrong inputs, results or options."""

from trip import CARDS, Seat, Trip, book_trip, label, reserve_seat

from actorflow import Run, Runtime


async def main() -> None:
    async with Runtime() as runtime:
        await runtime.run(book_trip, "Oslo")  # BAD input
        await runtime.run(book_trip)  # BAD no input
        await runtime.run(book_trip, tripp=Trip("", 1, []))  # BAD misspelt input
        x: Seat = await runtime.run(book_trip, Trip("", 1, []))  # BAD result misused
        run: Run[Seat] = await runtime.start(book_trip, Trip("", 1, []))  # BAD handle misused
        await runtime.options(runid="x").run(book_trip, Trip("", 1, []))  # BAD option
        await runtime.options(timeout="1").run(book_trip, Trip("", 1, []))  # BAD option's type
        await runtime.run(label, "x")  # BAD a step isn't a workflow
        await runtime.executor.ask(lambda r: 3)  # BAD message
        runtime.executor.send("stop")  # BAD message
        print(x, run)


k = CARDS.provide(3)  # BAD resource
s: Seat = reserve_seat.run("x")  # BAD a coroutine isn't a seat
n: int = label.run("x")  # BAD wrong result of the bare function
label.run(3)  # BAD wrong argument of the bare function
e = Runtime(on_exit="stop")  # BAD no such way
