"""R43: with a store every fact is built: it is recorded, though nobody listens."""

from __future__ import annotations

from actorflow import Runtime, Skip, each, step, workflow
from actorflow.testing import MockClock
from tests.conformance.conftest import OpenStore
from tests.conformance.surviving import begin


@step
async def first(value: int) -> int:
    return value


def skips(value: int) -> Skip[int] | None:
    return Skip(value) if value == 2 else None


@step(guards=[skips])
async def guarded(value: int) -> int:
    return value


@workflow
def several() -> list[int]:
    return each([first(1), 2], guarded)


async def test_a_fact_of_the_executors_own_is_built_if_a_store_takes_it(
    clock: MockClock, open_store: OpenStore
) -> None:
    """R43: `StepStarted` and its like are in the history of a run to which nobody has listened."""
    async with Runtime(store=open_store(), clock=clock) as runtime:
        assert await (await begin(runtime, several)).result() == [1, 2]
        kinds = [(entry.kind, entry.step) for entry in await runtime.history("r") if not entry.is_request]
    for expected in [
        ("RunStarted", ""),
        ("StepStarted", "first"),
        ("StepSucceeded", "first"),
        ("GuardsPassed", "each[0].guarded"),
        ("StepStarted", "each[0].guarded"),
        ("StepSkipped", "each[1].guarded"),
        ("RunEnded", ""),
    ]:
        assert expected in kinds, kinds
