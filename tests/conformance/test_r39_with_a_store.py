"""R39: what interrupts the process, in a run that is recorded."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import Runtime, Step, step, step_context, workflow
from actorflow.testing import MockClock
from actorflow.testing.checking import check_store
from tests.conformance.conftest import OpenStore
from tests.conformance.surviving import begin, taken_over


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("irreversible", [False, True])
async def test_the_run_goes_on_in_the_next_runtime(
    clock: MockClock, open_store: OpenStore, kind: type[BaseException], *, irreversible: bool
) -> None:
    """R39, R37: recorded as *interrupted*, raised on out of the `async with`; the run is released, not taken back, and goes on with another
    attempt.
    """
    seen: list[int] = []

    async def interrupts() -> str:
        await asyncio.sleep(1)
        seen.append(step_context().attempt)
        if len(seen) == 1:
            raise kind
        return "done"

    made: Step[[], str, Any] = step(name="interrupts", irreversible=irreversible)(interrupts)

    @workflow
    def interrupted() -> str:
        return made()

    with pytest.raises(kind):
        async with Runtime(store=open_store(), clock=clock) as runtime:
            run = await begin(runtime, interrupted)
            await run.result()
    async with open_store() as store:
        await check_store(store)
    async with Runtime(store=open_store(), clock=clock, workflows=[interrupted]) as runtime:
        again = await taken_over(runtime, "r")
        if irreversible:
            await again.outcome()
            again = await runtime.resume(interrupted, "r", resolve={"interrupts": "retry"})
        assert await asyncio.wait_for(again.result(), 100) == "done"
    assert len(seen) == 2
