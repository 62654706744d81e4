"""Middleware, events and what a step can ask of the runtime."""

from collections.abc import Mapping
from typing import Any, assert_type

from trip import Charge, Trip, book_trip

from actorflow import Event, Middleware, RunFailed, RunInfo, Runtime, step, step_context


class Tenant(Middleware):
    async def init(self, run: RunInfo, *, resumed: bool) -> Mapping[str, Any] | None:
        return {**run.context, "tenant": "us"}

    async def error(self, run: RunInfo, error: RunFailed) -> BaseException | None:
        return error.__cause__


def show(event: Event) -> None:
    print(event.node, event.fact)


@step
async def book_child(trip: Trip) -> Charge:
    assert_type(step_context().idempotency_key, str)
    charge = await step_context().run(book_trip, trip)
    assert_type(charge, Charge)
    return charge


async def main() -> None:
    async with Runtime(middleware=[Tenant()]) as runtime:
        runtime.subscribe(show)
        runtime.limit("gateway", at_most=9)
