"""R46: step runs are completed and failed, and looked at. All stores are held to the same in `StoreContract`; here each clause by its words."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from actorflow import RecordNotFound, StaleClaim, StepRun, Store
from tests.conformance.conftest import OpenStore

RUN = "r"


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[Store]:
    async with open_store() as store:
        await store.create_run(run_id=RUN, workflow="book", inputs=b"")
        yield store


async def claimed(store: Store, step: str = "charge") -> StepRun:
    return (await store.begin_step(RUN, step, b"in", worker="w")).step_run


async def test_completing_records_completed_and_the_output_and_clears_the_error(store: Store) -> None:
    first = await claimed(store)
    failed = await store.fail_step(first.id, b"bad", token=first.token)
    assert (failed.status, failed.error) == ("failed", b"bad")
    again = await claimed(store)
    done = await store.complete_step(again.id, b"out", token=again.token)
    assert (done.status, done.output, done.error) == ("completed", b"out", None)
    assert await store.get_step_run(RUN, "charge") == done


async def test_an_unknown_id_is_not_found(store: Store) -> None:
    with pytest.raises(RecordNotFound):
        await store.complete_step("4711", b"out")
    with pytest.raises(RecordNotFound):
        await store.fail_step("4711", b"bad")


async def test_a_write_with_an_older_claim_is_refused_as_stale_and_changes_nothing(store: Store) -> None:
    older = await claimed(store)
    await store.lose_attempt(older.id, token=older.token)
    newer = await claimed(store)
    for write in (
        store.complete_step(older.id, b"late", token=older.token),
        store.fail_step(older.id, b"late", token=older.token),
    ):
        with pytest.raises(StaleClaim):
            await write
    assert await store.get_step_run(RUN, "charge") == newer


async def test_the_same_write_repeated_with_the_same_claim_is_fine(store: Store) -> None:
    one, other = await claimed(store, "one"), await claimed(store, "other")
    done = await store.complete_step(one.id, b"out", token=one.token)
    assert await store.complete_step(one.id, b"out", token=one.token) == done
    failed = await store.fail_step(other.id, b"bad", token=other.token)
    assert await store.fail_step(other.id, b"bad", token=other.token) == failed


async def test_completed_steps_and_outputs_are_in_order_of_completion(store: Store) -> None:
    """R46: a sequence, not a clock; those that aren't completed are in the statuses alone."""
    mine = {step: await claimed(store, step) for step in ("a", "b", "c", "d")}
    for step in ("c", "a", "b"):
        await store.complete_step(mine[step].id, step.encode(), token=1)
    assert await store.completed_steps(RUN) == ["c", "a", "b"]
    assert await store.completed_outputs(RUN) == [b"c", b"a", b"b"]
    statuses = await store.step_statuses(RUN)
    assert statuses == {"a": "completed", "b": "completed", "c": "completed", "d": "running"}


async def test_every_attempt_is_kept(store: Store) -> None:
    """R46: number, worker, start, end, outcome, error."""
    first = await claimed(store)
    await store.fail_step(first.id, b"bad", token=first.token)
    second = await claimed(store)
    await store.lose_attempt(second.id, token=second.token)
    third = await claimed(store)
    await store.complete_step(third.id, b"out", token=third.token)
    attempts = await store.attempts(first.id)
    assert [(one.number, one.worker, one.outcome, one.error) for one in attempts] == [
        (1, "w", "failed", b"bad"), (2, "w", "lost", None), (3, "w", "completed", None),
    ]  # fmt: skip
    assert all(one.ended is not None and one.ended >= one.started for one in attempts)
