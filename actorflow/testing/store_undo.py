"""Lost claims, undo, and many at once (R53, R54). A part of `StoreContract`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any, cast

import pytest

from actorflow.errors import InvalidState, RecordNotFound, StaleClaim
from actorflow.store import Claim, StepStatus, Store
from actorflow.testing.store_states import CLAIMANTS, STATUSES, claimed, put_into, refused_as_stale


class UndoContract:
    """How claims are lost, steps undone, and neighbours left alone."""

    # ── lost claims ───────────────────────────────────────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("with_token", [True, False])
    async def test_r53_a_lost_attempt_can_be_claimed_again_with_its_input(
        self, store: Store, run: str, with_token: bool
    ) -> None:
        mine = await claimed(store)
        lost = await store.lose_attempt(mine.id, token=mine.token if with_token else None)
        assert (lost.status, lost.input, lost.token) == ("pending", b"in", 1)
        assert await store.lose_attempt(mine.id, token=mine.token) == lost
        again = await store.begin_step(run, "charge", b"other")
        assert (again.decision, again.step_run.input, again.step_run.token) == ("execute", b"in", 2)
        await refused_as_stale(store, store.lose_attempt(mine.id, token=1), again.step_run)

    async def test_r53_a_lost_undo_leaves_the_step_completed(self, store: Store, run: str) -> None:
        done = await put_into(store, StepStatus.COMPLETED)
        undo = (await store.begin_undo(run, "charge")).step_run
        lost = await store.lose_attempt(undo.id, token=undo.token)
        assert (lost.status, lost.output, lost.sequence) == ("completed", b"out", done.sequence)
        assert await store.completed_steps(run) == ["charge"]
        assert (await store.begin_undo(run, "charge")).decision == "execute"

    @pytest.mark.parametrize("status", [each for each in STATUSES if each not in {"running", "undoing"}])
    async def test_r53_only_a_claim_can_be_lost(self, store: Store, run: str, status: StepStatus) -> None:
        before = await put_into(store, status)
        await refused_as_stale(store, store.lose_attempt(before.id), before)
        await refused_as_stale(store, store.lose_attempt(before.id, token=before.token), before)

    # ── undo ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("status", [StepStatus.COMPLETED, StepStatus.UNDO_FAILED])
    async def test_an_undo_is_claimed_and_fences_the_step_before_it(
        self, store: Store, run: str, status: StepStatus
    ) -> None:
        before = await put_into(store, status)
        claim = await store.begin_undo(run, "charge")
        now = claim.step_run
        assert (claim.decision, now.status, now.output, now.error) == ("execute", "undoing", b"out", None)
        assert now.token == before.token + 1
        await refused_as_stale(store, store.complete_step(now.id, b"out", token=before.token), now)
        undone = await store.complete_undo(now.id, token=now.token)
        assert (undone.status, undone.output, undone.error) == ("undone", b"out", None)

    @pytest.mark.parametrize("claimants", CLAIMANTS)
    async def test_of_any_number_of_undo_claims_at_once_exactly_one_executes(
        self, store: Store, run: str, claimants: int
    ) -> None:
        await put_into(store, StepStatus.COMPLETED)
        answers = await asyncio.gather(*(store.begin_undo(run, "charge") for _ in range(claimants)))
        assert Counter(claim.decision for claim in answers) == {"execute": 1, "skip": claimants - 1}

    @pytest.mark.parametrize("status", [StepStatus.UNDOING, StepStatus.UNDONE])
    async def test_what_is_undone_or_about_to_be_is_skipped(self, store: Store, run: str, status: StepStatus) -> None:
        before = await put_into(store, status)
        assert await store.begin_undo(run, "charge", unknown=True) == Claim(before, "skip")

    @pytest.mark.parametrize("status", [StepStatus.PENDING, StepStatus.RUNNING, StepStatus.FAILED])
    async def test_what_has_not_completed_has_nothing_to_undo(self, store: Store, run: str, status: StepStatus) -> None:
        before = await put_into(store, status)
        with pytest.raises(InvalidState, match=str(status)):
            await store.begin_undo(run, "charge")
        assert await store.get_step_run(run, "charge") == before
        with pytest.raises(RecordNotFound):
            await store.begin_undo(run, "never")

    async def test_r54_a_failed_one_of_unknown_outcome_can_be_undone(self, store: Store, run: str) -> None:
        await put_into(store, StepStatus.FAILED)
        undo = (await store.begin_undo(run, "charge", unknown=True)).step_run
        assert (undo.status, undo.output, undo.error) == ("undoing", None, b"bad")
        lost = await store.lose_attempt(undo.id, token=undo.token)
        assert (lost.status, lost.error) == ("failed", b"bad")
        undo = (await store.begin_undo(run, "charge", unknown=True)).step_run
        assert (await store.complete_undo(undo.id, token=undo.token)).error is None
        assert await store.completed_steps(run) == []

    async def test_a_failed_undo_keeps_its_error_until_it_is_claimed_again(self, store: Store, run: str) -> None:
        failed = await put_into(store, StepStatus.UNDO_FAILED)
        assert (failed.error, failed.output) == (b"stuck", b"out")
        assert (await store.begin_undo(run, "charge")).step_run.error is None

    # ── many at once ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_one_that_is_refused_does_not_disturb_those_beside_it(self, store: Store, run: str) -> None:
        """They may share a transaction."""
        done = await put_into(store, StepStatus.COMPLETED)
        asked: list[Awaitable[Any]] = []
        for each in range(20):
            asked += [store.begin_step(run, f"step{each}", b""), store.complete_step(done.id, b"x", token=0)]
        answers: list[Any] = await asyncio.gather(*asked, return_exceptions=True)
        assert Counter(type(answer) for answer in cast("list[object]", answers)) == {Claim: 20, StaleClaim: 20}
        assert len(await store.step_statuses(run)) == 21

    async def test_a_cancelled_wait_does_not_disturb_those_beside_it(self, store: Store, run: str) -> None:
        asked = [asyncio.ensure_future(store.begin_step(run, f"step{each}", b"")) for each in range(10)]
        await asyncio.sleep(0)
        asked[3].cancel()
        answers: list[Any] = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(answer) for answer in answers[:3] + answers[4:]} == {Claim}
