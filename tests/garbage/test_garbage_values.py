"""Bad input: whatever is passed, only ActorFlow's own errors come out, and the runtime goes on serving."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from actorflow import Actor, ActorflowError, Halt, Limit, Provided, Resource, Run, Runtime, step, workflow
from tests.garbage.garbage import garbage, names

pytestmark = pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning")
FEW = settings(max_examples=100 if os.environ.get("CI") == "true" else 25, deadline=None)


class Leg(msgspec.Struct):
    city: str
    nights: int = 1


class Trip(msgspec.Struct):
    name: str
    legs: list[Leg] = []
    notes: dict[str, list[int | None]] = {}


@step
async def take(trip: Trip, price: float) -> str:
    return trip.name


@workflow
def book(trip: Trip, price: float = 1.5) -> str:
    return take(trip, price)


@step
async def stop() -> int:
    raise Halt(7)


@workflow
def pauses() -> int:
    return stop()


class Echo(Actor[Any]):
    async def receive(self, message: Any, /) -> None: ...


GOOD = Trip("north", [Leg("Oslo", 2)], {"a": [1, None]})


async def probe(runtime: Runtime) -> None:
    """The runtime serves."""
    assert await runtime.run(book, GOOD) == "north"


async def ended(run: Any) -> None:
    """What was accepted all the same is a run like any other: it ends."""
    assert isinstance(run, Run)
    await run.outcome()


def survives(request: Callable[[Runtime], Awaitable[object]]) -> None:
    """Makes the request of a new runtime: it's answered or refused in our own words, and the runtime goes on serving."""

    async def main() -> None:
        with capture_logs():
            async with Runtime(limits=[Limit("known", at_most=3)], on_exit="cancel") as runtime:
                try:
                    await request(runtime)
                except ActorflowError as error:
                    assert str(error)
                await probe(runtime)

    asyncio.run(main())


# ── starting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@FEW
@given(garbage)
def test_anything_instead_of_a_workflow(thing: Any) -> None:
    survives(lambda runtime: runtime.run(thing))
    survives(lambda runtime: runtime.start(thing, 1, two=2))


@FEW
@given(st.lists(garbage, max_size=3), st.dictionaries(names, garbage, max_size=3))
def test_any_inputs(args: list[Any], kwargs: dict[str, Any]) -> None:
    survives(lambda runtime: runtime.run(book, *args, **kwargs))


@FEW
@given(garbage, garbage)
def test_anything_inside_of_inputs(one: Any, other: Any) -> None:
    trip = Trip(one, [Leg(other), one], {"a": other, "b": [one]})
    survives(lambda runtime: runtime.run(book, trip))


OPTIONS = [
    "run_id", "timeout", "on_timeout", "reversible", "sequential", "max_concurrency", "max_steps", "context", "labels", "priority",
    "cancel_with_caller",
]  # fmt: skip


@FEW
@given(st.dictionaries(st.sampled_from(OPTIONS), garbage, min_size=1, max_size=2))
def test_any_options(options: dict[str, Any]) -> None:
    async def start(runtime: Runtime) -> None:
        await ended(await runtime.options(**options).start(book, GOOD))

    survives(start)


@FEW
@given(garbage, garbage)
def test_anything_to_be_resumed(thing: Any, resolve: Any) -> None:
    async def halted(runtime: Runtime, **options: Any) -> Run[int]:
        run = await runtime.start(pauses)
        await run.outcome()
        return await runtime.resume(pauses, run.id, **options)

    async def resolved(runtime: Runtime) -> None:
        await ended(await halted(runtime, resolve=resolve))

    survives(lambda runtime: runtime.resume(pauses, thing))
    survives(lambda runtime: runtime.resume(thing, "r"))
    survives(resolved)


# ── the rest of the runtime's face ────────────────────────────────────────────────────────────────────────────────────


async def now(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Calls what isn't async."""
    function(*args, **kwargs)


@FEW
@given(garbage, garbage, garbage)
def test_any_limit(name: Any, at_most: Any, rate: Any) -> None:
    survives(lambda runtime: now(runtime.limit, name))
    survives(lambda runtime: now(runtime.limit, "known", at_most=at_most))
    survives(lambda runtime: now(runtime.limit, "known", rate=rate))
    survives(lambda runtime: now(runtime.limit, name, at_most=at_most, rate=rate))


@FEW
@given(garbage, garbage, garbage)
def test_any_actor(actor: Any, name: Any, mailbox: Any) -> None:
    survives(lambda runtime: now(runtime.spawn, actor))
    survives(lambda runtime: now(runtime.spawn, Echo(), name=name))
    survives(lambda runtime: now(runtime.spawn, Echo(), mailbox=mailbox))


@FEW
@given(garbage, st.lists(garbage, max_size=2), garbage)
def test_any_subscription(listener: Any, types: list[Any], buffer: Any) -> None:
    survives(lambda runtime: now(runtime.subscribe, listener))
    survives(lambda runtime: now(runtime.subscribe, None, *types))
    survives(lambda runtime: now(runtime.subscribe, print, buffer=buffer))


@FEW
@given(garbage)
def test_any_run_id(run_id: Any) -> None:
    survives(lambda runtime: now(runtime.get, run_id))
    survives(lambda runtime: runtime.undo(run_id))


@FEW
@given(garbage)
def test_any_reason(reason: Any) -> None:
    async def stopped(runtime: Runtime) -> None:
        for stop in ("halt", "cancel"):
            run = await runtime.start(book, GOOD)
            await getattr(run, stop)(reason)
            await ended(run)
            repr(run)

    survives(stopped)


CONFIG = [
    "workflows", "resources", "limits", "threads", "max_runs", "keep_finished", "on_exit", "drain_timeout", "shutdown_timeout",
    "halt_timeout", "settle_timeout", "cancel_grace", "values", "middleware", "seed", "clock",
]  # fmt: skip


@FEW
@given(st.dictionaries(st.sampled_from(CONFIG), garbage, min_size=1, max_size=2))
def test_any_runtime(config: dict[str, Any]) -> None:
    async def main() -> None:
        try:
            runtime = Runtime(**config)
        except ActorflowError as error:
            assert str(error)
            return
        async with runtime:
            await probe(runtime)

    asyncio.run(main())


@FEW
@given(garbage)
def test_anything_in_the_lists_of_a_runtime(thing: Any) -> None:
    for name in ("workflows", "resources", "limits", "middleware"):
        given_: dict[str, Any] = {name: [thing]}
        with pytest.raises(ActorflowError, match=name):
            Runtime(**given_)


@FEW
@given(garbage)
def test_any_resource(thing: Any) -> None:
    try:
        resource = Resource[Any](thing)
    except ActorflowError:
        resource = Resource[Any]("anything")
    assert isinstance(resource.provide(thing), Provided)
    with resource.provide(thing):
        assert resource.get() is thing
    with pytest.raises(ActorflowError):
        resource.get()
