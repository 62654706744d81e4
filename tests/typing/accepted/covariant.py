"""A workflow's result is a plain output: it may go where any object does, or one of a wider type."""

from typing import assert_type

from trip import Charge, Trip, book_trip

from actorflow import Run, Runtime, StepContext, Workflow, step, workflow


@step
async def count(city: str) -> int:
    return len(city)


@workflow
def counting(city: str) -> int:
    return count(city)


async def wider(runtime: Runtime, measuring: Workflow[[str], float]) -> float:
    return await runtime.run(measuring, "Oslo")


async def main(runtime: Runtime, context: StepContext) -> None:
    print(await runtime.run(book_trip, Trip("Oslo", 3, [])))
    print(await runtime.options(run_id="t").run(book_trip, Trip("Oslo", 3, [])), await context.run(counting, "Oslo"))
    print(await (await runtime.start(counting, city="Oslo")).result())
    found: list[object] = [await runtime.run(book_trip, Trip("Oslo", 3, []))]
    maybe: Charge | None = await runtime.run(book_trip, Trip("Oslo", 3, []))
    run: Run[object] = await runtime.start(counting, "Oslo")
    assert_type(await wider(runtime, counting), float)
    print(found, maybe, run, await count.run("Oslo"))
