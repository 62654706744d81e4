"""R45: step runs are scheduled and claimed. All stores are held to the same in `StoreContract`; here each clause by its words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from actorflow import StepStatus, Store
from tests.conformance.conftest import OpenStore

RUN, STEP = "r", "charge"
ENDS = [StepStatus.RUNNING, StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.PENDING]


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[Store]:
    async with open_store() as store:
        await store.create_run(run_id=RUN, workflow="book", inputs=b"")
        yield store


async def bring_to(store: Store, status: StepStatus) -> None:
    """A step run of this status, with the input `first`."""
    await store.schedule_step(RUN, STEP, b"first")
    if status is StepStatus.PENDING:
        return
    claim = (await store.begin_step(RUN, STEP, b"")).step_run
    if status is StepStatus.COMPLETED:
        await store.complete_step(claim.id, b"out", token=claim.token)
    elif status is StepStatus.FAILED:
        await store.fail_step(claim.id, b"bad", token=claim.token)


async def test_scheduling_records_pending_and_answers_schedule(store: Store) -> None:
    scheduled = await store.schedule_step(RUN, STEP, b"first")
    assert (scheduled.decision, scheduled.step_run.status, scheduled.step_run.input) == (
        "schedule",
        "pending",
        b"first",
    )


@pytest.mark.parametrize("status", ENDS)
async def test_if_any_step_run_exists_scheduling_changes_nothing_and_answers_skip_with_that_one(
    store: Store, status: StepStatus
) -> None:
    await bring_to(store, status)
    before = await store.get_step_run(RUN, STEP)
    scheduled = await store.schedule_step(RUN, STEP, b"second")
    assert (scheduled.decision, scheduled.step_run) == ("skip", before)
    assert await store.get_step_run(RUN, STEP) == before


@pytest.mark.parametrize("status", [None, StepStatus.PENDING, StepStatus.FAILED])
async def test_claiming_none_a_pending_or_a_failed_one_executes(store: Store, status: StepStatus | None) -> None:
    if status is not None:
        await bring_to(store, status)
    claim = await store.begin_step(RUN, STEP, b"second")
    assert (claim.decision, claim.step_run.status) == ("execute", "running")


@pytest.mark.parametrize("status", [StepStatus.RUNNING, StepStatus.COMPLETED])
async def test_claiming_a_running_or_a_completed_one_changes_nothing_and_answers_skip(
    store: Store, status: StepStatus
) -> None:
    await bring_to(store, status)
    before = await store.get_step_run(RUN, STEP)
    claim = await store.begin_step(RUN, STEP, b"second")
    assert (claim.decision, claim.step_run) == ("skip", before)
    assert await store.get_step_run(RUN, STEP) == before


@pytest.mark.parametrize(("status", "input"), [(StepStatus.PENDING, b"first"), (StepStatus.FAILED, b"second")])
async def test_a_pending_one_keeps_its_input_a_failed_one_takes_the_new_one_and_both_are_cleared(
    store: Store, status: StepStatus, input: bytes
) -> None:
    """R45: both clear output and error."""
    await bring_to(store, status)
    claimed = (await store.begin_step(RUN, STEP, b"second")).step_run
    assert (claimed.input, claimed.output, claimed.error) == (input, None, None)


async def test_of_any_number_of_concurrent_claims_exactly_one_executes(store: Store) -> None:
    claims = await asyncio.gather(*(store.begin_step(RUN, STEP, b"") for _ in range(16)))
    assert sorted(claim.decision for claim in claims) == ["execute", *["skip"] * 15]
