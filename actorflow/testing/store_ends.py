"""Ends of claims, order of completion, attempts (R46). A part of `StoreContract`."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from actorflow.errors import StaleClaim
from actorflow.store import StepRun, StepStatus, Store
from actorflow.testing.store_states import STATUSES, all_ends, claimed, put_into, refused_as_stale, told


class EndContract:
    """How claims end, and what is kept of it."""

    # ── ends ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("with_token", [True, False])
    async def test_r46_completing_records_the_output(self, store: Store, run: str, with_token: bool) -> None:
        mine = await claimed(store)
        done = await store.complete_step(mine.id, b"out", token=mine.token if with_token else None)
        assert (done.status, done.output, done.error, done.input) == ("completed", b"out", None, b"in")
        assert done.sequence > 0
        assert await store.get_step_run(run, "charge") == done

    async def test_r46_completing_after_a_failure_clears_the_error(self, store: Store, run: str) -> None:
        await put_into(store, StepStatus.FAILED)
        mine = await claimed(store)
        assert (await store.complete_step(mine.id, b"out", token=mine.token)).error is None

    @pytest.mark.parametrize("with_token", [True, False])
    async def test_r46_failing_records_the_error(self, store: Store, run: str, with_token: bool) -> None:
        mine = await claimed(store)
        failed = await store.fail_step(mine.id, b"bad", token=mine.token if with_token else None)
        assert (failed.status, failed.output, failed.error, failed.sequence) == ("failed", None, b"bad", 0)
        assert await store.get_step_run(run, "charge") == failed

    @pytest.mark.parametrize("status", STATUSES)
    async def test_r46_a_write_with_an_older_or_unknown_claim_is_stale(
        self, store: Store, run: str, status: StepStatus
    ) -> None:
        before = await put_into(store, status)
        for token in (before.token - 1, before.token + 1, -(2**70), 2**70):
            for _, write in all_ends(store, before.id, token):
                await refused_as_stale(store, write(), before)
            await refused_as_stale(store, store.lose_attempt(before.id, token=token), before)

    @pytest.mark.parametrize("status", STATUSES)
    @pytest.mark.parametrize("with_token", [True, False])
    async def test_r46_a_write_is_taken_only_in_the_status_that_it_ends(
        self, store: Store, run: str, status: StepStatus, with_token: bool
    ) -> None:
        before = await put_into(store, status)
        ends = all_ends(store, before.id, before.token if with_token else None)
        if with_token and status is StepStatus.UNDONE:
            ends.pop()  # that's the same write again
        for needed, write in ends:
            if needed is not status:
                await refused_as_stale(store, write(), before)

    async def test_r46_the_same_write_again_is_fine_and_changes_nothing(self, store: Store, run: str) -> None:
        done = await put_into(store, StepStatus.COMPLETED, "a")
        assert await store.complete_step(done.id, b"out", token=done.token) == done
        failed = await put_into(store, StepStatus.FAILED, "b")
        assert await store.fail_step(failed.id, b"bad", token=failed.token) == failed
        undone = await put_into(store, StepStatus.UNDONE, "c")
        assert await store.complete_undo(undone.id, token=undone.token) == undone
        stuck = await put_into(store, StepStatus.UNDO_FAILED, "d")
        assert await store.fail_undo(stuck.id, b"stuck", token=stuck.token) == stuck
        assert [await store.get_step_run(run, step) for step in "abcd"] == [done, failed, undone, stuck]

    async def test_r46_the_same_claim_with_another_value_is_stale(self, store: Store, run: str) -> None:
        done = await put_into(store, StepStatus.COMPLETED)
        await refused_as_stale(store, store.complete_step(done.id, b"other", token=done.token), done)
        failed = await put_into(store, StepStatus.FAILED, "pay")
        await refused_as_stale(store, store.fail_step(failed.id, b"other", token=failed.token), failed)

    async def test_r46_a_late_writer_cannot_overwrite_a_newer_result(self, store: Store, run: str) -> None:
        """A worker is taken for dead, another one has done its step; then the first one comes back."""
        first = await claimed(store)
        await store.lose_attempt(first.id, token=first.token)
        second = await claimed(store)
        done = await store.complete_step(second.id, b"second", token=second.token)
        await refused_as_stale(store, store.complete_step(first.id, b"first", token=first.token), done)
        await refused_as_stale(store, store.fail_step(first.id, b"first", token=first.token), done)

    async def test_r46_of_several_ends_of_one_claim_the_first_counts(self, store: Store, run: str) -> None:
        mine = await claimed(store)
        writes = [store.complete_step(mine.id, b"%d" % each, token=mine.token) for each in range(8)]
        answers = await asyncio.gather(*writes, return_exceptions=True)
        assert Counter(type(answer) for answer in answers) == {StepRun: 1, StaleClaim: 7}

    # ── order of completion, statuses ─────────────────────────────────────────────────────────────────────────────────

    async def test_r46_completed_steps_come_in_order_of_completion(self, store: Store, run: str) -> None:
        steps = {name: await claimed(store, name) for name in "abcde"}
        for name in "dbeac":
            await store.complete_step(steps[name].id, name.encode(), token=1)
        assert await store.completed_steps(run) == list("dbeac")
        assert await store.completed_outputs(run) == [b"d", b"b", b"e", b"a", b"c"]

    async def test_r46_only_completed_ones_are_listed_and_each_run_has_its_own(self, store: Store, run: str) -> None:
        for status in STATUSES:
            await put_into(store, status, str(status))
        assert await store.completed_steps(run) == ["completed"]
        assert await store.completed_outputs(run) == [b"out"]
        assert await store.step_statuses(run) == {str(status): status for status in sorted(STATUSES)}
        assert all(type(status) is StepStatus for status in (await store.step_statuses(run)).values())
        await store.create_run(run_id="other", workflow="book", inputs=b"")
        assert await store.step_statuses("other") == {}
        assert await store.completed_steps("other") == []
        assert await store.get_step_run("other", "completed") is None

    async def test_r46_a_step_completed_later_after_a_failure_stands_where_it_completed(
        self, store: Store, run: str
    ) -> None:
        await put_into(store, StepStatus.FAILED, "first")
        await put_into(store, StepStatus.COMPLETED, "second")
        await put_into(store, StepStatus.COMPLETED, "first")
        assert await store.completed_steps(run) == ["second", "first"]

    # ── attempts ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_r46_every_attempt_is_kept(self, store: Store, run: str) -> None:
        first = (await store.begin_step(run, "charge", b"in", worker="w1")).step_run
        await store.fail_step(first.id, b"bad", token=1)
        second = (await store.begin_step(run, "charge", b"in", worker="w2")).step_run
        await store.lose_attempt(second.id, token=2)
        third = (await store.begin_step(run, "charge", b"in", worker="w3")).step_run
        assert [told(each) for each in await store.attempts(first.id)] == [
            (1, "run", "w1", "failed", b"bad"),
            (2, "run", "w2", "lost", None),
            (3, "run", "w3", None, None),
        ]
        await store.complete_step(third.id, b"out", token=3)
        undo = (await store.begin_undo(run, "charge", worker="w4")).step_run
        await store.fail_undo(undo.id, b"stuck", token=4)
        undo = (await store.begin_undo(run, "charge", worker="w5")).step_run
        await store.complete_undo(undo.id, token=5)
        assert [told(each) for each in (await store.attempts(first.id))[2:]] == [
            (3, "run", "w3", "completed", None),
            (1, "undo", "w4", "failed", b"stuck"),
            (2, "undo", "w5", "completed", None),
        ]

    async def test_r46_an_attempt_has_its_times(self, store: Store, run: str) -> None:
        mine = await claimed(store)
        (going,) = await store.attempts(mine.id)
        assert going.started > 0
        assert going.ended is None
        await store.complete_step(mine.id, b"out", token=1)
        (ended,) = await store.attempts(mine.id)
        assert ended.started == going.started
        assert ended.ended is not None
