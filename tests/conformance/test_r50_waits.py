"""R50: waits are waits of a person, a signal or a time; each ends once, by what it is for. More of it is in `tests/people`."""

from __future__ import annotations

import pytest

from actorflow import Approval, Rejected, RunFailed, Runtime, approval, sleep, wait_for_signal, workflow
from actorflow.testing import MockClock


@workflow
def refund() -> Approval:
    return approval("Pay?", by=["ann", "bob"])


async def test_an_answer_of_somebody_else_doesnt_count(runtime: Runtime, clock: MockClock) -> None:
    run = await runtime.start(refund)
    await runtime.approve(run.id, "approval", who="eve")
    await clock.advance(1)
    await runtime.reject(run.id, who="ann")
    assert await run.result() == Approval(False, "ann")


async def test_a_no_may_fail_the_run(runtime: Runtime, clock: MockClock) -> None:
    @workflow
    def strict() -> Approval:
        return approval("Pay?", reject="fail")

    run = await runtime.start(strict)
    await clock.advance(1)
    await runtime.reject(run.id, who="ann", why="no")
    with pytest.raises(RunFailed) as caught:
        await run.result()
    assert isinstance(caught.value.__cause__, Rejected)


async def test_early_signals_are_taken_in_the_order_of_the_waits(runtime: Runtime) -> None:
    @workflow
    def two() -> list[int]:
        first = wait_for_signal.options(after=[sleep(5)])("n", int)
        return [first, wait_for_signal.options(after=[first])("n", int)]

    run = await runtime.start(two)
    await runtime.signal(run.id, "n", 1)
    await runtime.signal(run.id, "n", 2)
    assert await run.result() == [1, 2]
