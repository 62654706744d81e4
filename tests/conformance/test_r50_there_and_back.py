"""R50, R47: a run that goes elsewhere and comes back."""

from __future__ import annotations

import asyncio
from functools import partial

from structlog.testing import capture_logs

from actorflow import Runtime, step, step_context, workflow
from actorflow.testing import MockClock
from actorflow.testing.checking import check_store
from tests.conformance.conftest import OpenStore
from tests.conformance.surviving import begin, is_here, taken_over, until
from tests.conformance.test_r50_taking_over import Frozen

SEEN: list[str] = []


@step
async def first() -> str:
    SEEN.append("first")
    return "first"


@step
async def slow(value: str) -> str:
    SEEN.append(f"slow {step_context().attempt}")
    await asyncio.sleep(200)
    return f"attempt {step_context().attempt}"


@workflow
def two() -> str:
    return slow(first())


async def test_it_is_lost_taken_and_got_back(clock: MockClock, open_store: OpenStore) -> None:
    """R50: a runtime that lost a run may have it again, with the number that it joined with anew: the row that it had before records nothing, and who
    waits there is told of the end.
    """
    SEEN.clear()
    with capture_logs():
        async with open_store() as inner:
            ways = Frozen(inner), Frozen(open_store())
            async with ways[1].store, Runtime(store=ways[0], clock=clock, workflows=[two]) as one:
                run = await begin(one, two)
                waiting = asyncio.ensure_future(run.result())
                await until(lambda: "slow 1" in SEEN)
                ways[0].is_frozen = True
                async with Runtime(store=ways[1], clock=clock, workflows=[two]) as other:
                    await taken_over(other, "r")
                    await until(lambda: "slow 2" in SEEN)
                    ways[0].is_frozen = False
                    await until(lambda: not is_here(one, "r"))
                    ways[1].is_frozen = True
                    await until(lambda: "slow 3" in SEEN)
                    assert is_here(one, "r")
                    ways[1].is_frozen = False
                    assert await waiting == "attempt 3"
                    assert await (await begin(other, two)).result() == "attempt 3"
            await check_store(inner)
    assert SEEN == ["first", "slow 1", "slow 2", "slow 3"]


async def test_it_is_left_and_taken_up_in_turn(clock: MockClock, open_store: OpenStore) -> None:
    """R50, R37: one service after the other has it; none of that counts as a crash."""
    SEEN.clear()
    for number in range(1, 6):
        async with Runtime(store=open_store(), clock=clock, workflows=[two], drain_timeout=1.0) as runtime:
            await begin(runtime, two)
            await until(partial(SEEN.__contains__, f"slow {number}"))
    async with Runtime(store=open_store(), clock=clock, workflows=[two]) as runtime:
        assert await (await begin(runtime, two)).result() == "attempt 6"
        (lost,) = [seen for seen in (await runtime.inspect("r")).steps if seen.name == "slow"]
    assert [attempt.outcome for attempt in lost.attempts] == ["lost"] * 5 + ["completed"]
    async with open_store() as store:
        await check_store(store)
