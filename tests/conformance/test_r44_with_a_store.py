"""R44: middleware of runs that are recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from actorflow import Middleware, RunFailed, RunInfo, Runtime, step, step_context, workflow
from actorflow.testing import MockClock
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import forever
from tests.conformance.surviving import begin, lapse


class Bouncer(Middleware):
    async def init(self, run: RunInfo, *, resumed: bool) -> Mapping[str, Any] | None:
        raise PermissionError("not you")


class Stamp(Middleware):
    """`init` changes the context, `complete` the result."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bool]] = []

    async def init(self, run: RunInfo, *, resumed: bool) -> Mapping[str, Any] | None:
        self.seen.append(("init", resumed))
        return {**run.context, "stamp": len(self.seen)}

    async def complete(self, run: RunInfo, value: Any) -> Any:
        self.seen.append(("complete", False))
        return value + 1


@step
async def look() -> int:
    stamp: int = step_context().context["stamp"]
    return stamp


async def test_a_run_that_init_refuses_never_starts(clock: MockClock, open_store: OpenStore) -> None:
    """R44: `init` may refuse the run: it fails at once, and nothing of it is stored."""

    @workflow
    def looking() -> int:
        return look()

    async with Runtime(store=open_store(), clock=clock, middleware=[Bouncer()]) as runtime:
        with pytest.raises(RunFailed, match="not you"):
            await (await begin(runtime, looking)).result()
        assert (await runtime.find_runs()).runs == []


async def test_it_hears_of_a_takeover_as_of_a_resume(clock: MockClock, open_store: OpenStore) -> None:
    """R44, R50: a run that is taken over is resumed, as middleware sees it; `complete` is heard once, by who ends the run."""
    stands = True

    @step
    async def stand(value: int) -> int:
        return await forever() if stands else value

    @workflow
    def looking() -> int:
        return stand(look())

    stamp = Stamp()
    async with Life(open_store(), clock=clock, middleware=[stamp]) as life:
        await begin(life.runtime, looking)
        await asyncio.sleep(1)
        life.die()
    stands = False
    await lapse(clock)
    other = Stamp()
    async with Runtime(store=open_store(), clock=clock, middleware=[other], workflows=[looking]) as runtime:
        assert await (await begin(runtime, looking)).result() == 2
    async with Runtime(store=open_store(), clock=clock) as runtime:
        assert await (await begin(runtime, looking)).result() == 2
    assert (stamp.seen, other.seen) == ([("init", False)], [("init", True), ("complete", False)])
