"""What every store must do (R45 to R47), as tests that any store can be held to: our own three, and yours.

    class TestMyStore(StoreContract):
        @pytest.fixture
        async def store(self, tmp_path):
            async with MyStore(tmp_path / "my.db") as store:
                yield store

`store` is entered, and empty.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from actorflow.errors import InvalidState, InvalidValue, RecordNotFound, RunConflict, StaleClaim
from actorflow.store import Attempt, Claim, StepRun, StepStatus, Store
from actorflow.testing.plugin import _async_fixture

RUN = "trip/17 ✈"
STATUSES = list(StepStatus)
CLAIMANTS = [2, 3, 8, 64]


async def claimed(store: Store, step: str = "charge", input: bytes = b"in") -> StepRun:
    """A step that this test has claimed."""
    claim = await store.begin_step(RUN, step, input, worker="w")
    assert claim.decision == "execute"
    return claim.step_run


async def put_into(store: Store, status: StepStatus, step: str = "charge") -> StepRun:
    """A step run in this status, by the shortest way there."""
    if status is StepStatus.PENDING:
        return (await store.schedule_step(RUN, step, b"in")).step_run
    mine = await claimed(store, step)
    if status is StepStatus.RUNNING:
        return mine
    if status is StepStatus.FAILED:
        return await store.fail_step(mine.id, b"bad", token=mine.token)
    done = await store.complete_step(mine.id, b"out", token=mine.token)
    if status is StepStatus.COMPLETED:
        return done
    undo = (await store.begin_undo(RUN, step)).step_run
    if status is StepStatus.UNDONE:
        return await store.complete_undo(undo.id, token=undo.token)
    return undo if status is StepStatus.UNDOING else await store.fail_undo(undo.id, b"stuck", token=undo.token)


async def refused_as_stale(store: Store, write: Awaitable[StepRun], before: StepRun) -> None:
    """The write is refused, says the current status, and changes nothing."""
    with pytest.raises(StaleClaim) as caught:
        await write
    assert caught.value.status == before.status
    assert await store.get_step_run(RUN, before.step) == before


def all_ends(store: Store, id: str, token: int | None) -> list[tuple[StepStatus, Callable[[], Awaitable[StepRun]]]]:
    """Every write that ends a claim, with the status that it's for."""
    return [
        (StepStatus.RUNNING, lambda: store.complete_step(id, b"other", token=token)),
        (StepStatus.RUNNING, lambda: store.fail_step(id, b"other", token=token)),
        (StepStatus.UNDOING, lambda: store.fail_undo(id, b"other", token=token)),
        (StepStatus.UNDOING, lambda: store.complete_undo(id, token=token)),
    ]


@pytest.mark.asyncio
class StoreContract:
    """Subclass it, and give it the fixture `store`."""

    @_async_fixture
    async def run(self, store: Store) -> str:
        """The id of a run that is recorded."""
        return (await store.create_run(run_id=RUN, workflow="book", inputs=b"")).run_id

    # ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_r47_a_run_is_created_once(self, store: Store) -> None:
        first = await store.create_run(run_id=RUN, workflow="book", inputs=b"{}")
        assert (first.run_id, first.workflow, first.inputs) == (RUN, "book", b"{}")
        assert await store.create_run(run_id=RUN, workflow="book", inputs=b"{}") == first
        assert await store.get_run(RUN) == first

    async def test_r47_other_inputs_and_another_workflow_are_a_conflict(self, store: Store) -> None:
        first = await store.create_run(run_id=RUN, workflow="book", inputs=b"{}")
        with pytest.raises(RunConflict, match="other inputs"):
            await store.create_run(run_id=RUN, workflow="book", inputs=b"[]")
        with pytest.raises(RunConflict, match="book"):
            await store.create_run(run_id=RUN, workflow="pay", inputs=b"{}")
        assert await store.get_run(RUN) == first

    async def test_r47_of_many_creators_at_once_all_get_the_same_run(self, store: Store) -> None:
        made = [store.create_run(run_id=RUN, workflow="book", inputs=b"") for _ in range(16)]
        assert len(set(await asyncio.gather(*made))) == 1

    async def test_an_unknown_run_is_not_found_by_anything(self, store: Store) -> None:
        asked: list[Awaitable[Any]] = [
            store.get_run(RUN),
            store.schedule_step(RUN, "charge", b""),
            store.begin_step(RUN, "charge", b""),
            store.begin_undo(RUN, "charge"),
            store.get_step_run(RUN, "charge"),
            store.step_statuses(RUN),
            store.completed_steps(RUN),
            store.completed_outputs(RUN),
        ]
        for answer in asked:
            with pytest.raises(RecordNotFound):
                await answer

    @pytest.mark.parametrize("id", ["", "0", "1", "-1", "x", "1/charge", "٣", "9" * 19, "9" * 400, "1.0", " 1"])
    async def test_r46_an_unknown_id_is_not_found_by_any_write(self, store: Store, id: str) -> None:
        for _, write in all_ends(store, id, 1):
            with pytest.raises(RecordNotFound):
                await write()
        with pytest.raises(RecordNotFound):
            await store.lose_attempt(id)
        with pytest.raises(RecordNotFound):
            await store.attempts(id)

    async def test_a_runs_id_is_no_step_runs_id(self, store: Store) -> None:
        await store.create_run(run_id="1", workflow="book", inputs=b"")
        with pytest.raises(RecordNotFound):
            await store.complete_step("1", b"")

    # ── scheduling and claiming ───────────────────────────────────────────────────────────────────────────────────────

    async def test_r45_scheduling_records_pending(self, store: Store, run: str) -> None:
        scheduled = await store.schedule_step(run, "charge", b"in")
        now = scheduled.step_run
        assert scheduled.decision == "schedule"
        assert (now.run_id, now.step, now.status, now.input) == (run, "charge", "pending", b"in")
        assert (now.output, now.error, now.token, now.sequence) == (None, None, 0, 0)
        assert await store.get_step_run(run, "charge") == now
        assert await store.attempts(now.id) == []

    @pytest.mark.parametrize("status", STATUSES)
    async def test_r45_scheduling_what_is_recorded_skips_and_changes_nothing(
        self, store: Store, run: str, status: StepStatus
    ) -> None:
        before = await put_into(store, status)
        scheduled = await store.schedule_step(run, "charge", b"other")
        assert (scheduled.decision, scheduled.step_run) == ("skip", before)
        assert await store.get_step_run(run, "charge") == before

    async def test_r45_a_new_step_is_claimed(self, store: Store, run: str) -> None:
        claim = await store.begin_step(run, "charge", b"in", worker="w1")
        now = claim.step_run
        assert (claim.decision, now.status, now.input, now.token) == ("execute", "running", b"in", 1)
        assert await store.get_step_run(run, "charge") == now

    async def test_r45_claiming_a_pending_one_keeps_the_scheduled_input(self, store: Store, run: str) -> None:
        scheduled = await store.schedule_step(run, "charge", b"scheduled")
        claim = await store.begin_step(run, "charge", b"other")
        assert (claim.decision, claim.step_run.input, claim.step_run.id) == (
            "execute",
            b"scheduled",
            scheduled.step_run.id,
        )

    async def test_r45_claiming_a_failed_one_takes_the_new_input_and_clears_the_error(
        self, store: Store, run: str
    ) -> None:
        failed = await put_into(store, StepStatus.FAILED)
        assert failed.error == b"bad"
        again = (await store.begin_step(run, "charge", b"new")).step_run
        assert (again.status, again.input, again.output, again.error) == ("running", b"new", None, None)
        assert (again.id, again.token) == (failed.id, failed.token + 1)

    @pytest.mark.parametrize("status", [each for each in STATUSES if each not in {"pending", "failed"}])
    async def test_r45_any_other_is_skipped_and_unchanged(self, store: Store, run: str, status: StepStatus) -> None:
        before = await put_into(store, status)
        assert await store.begin_step(run, "charge", b"other") == Claim(before, "skip")
        assert await store.get_step_run(run, "charge") == before

    @pytest.mark.parametrize("claimants", CLAIMANTS)
    @pytest.mark.parametrize("before", [None, StepStatus.PENDING, StepStatus.FAILED])
    async def test_r45_of_any_number_of_claims_at_once_exactly_one_executes(
        self, store: Store, run: str, claimants: int, before: StepStatus | None
    ) -> None:
        if before is not None:
            await put_into(store, before)
        claims = [store.begin_step(run, "charge", b"%d" % each, worker=f"w{each}") for each in range(claimants)]
        answers = await asyncio.gather(*claims)
        assert Counter(claim.decision for claim in answers) == {"execute": 1, "skip": claimants - 1}
        (won,) = [claim.step_run for claim in answers if claim.decision == "execute"]
        assert {claim.step_run for claim in answers} == {won}
        assert await store.get_step_run(run, "charge") == won

    async def test_names_and_values_come_back_as_they_are(self, store: Store, run: str) -> None:
        for step in ["each[17].charge", "a/b", "' OR 1=1 --", "naïve 🙂", " ", "x" * 300, "%", "A", "a"]:
            mine = await claimed(store, step, b"\x00\xff" * 3)
            assert (mine.step, mine.input) == (step, b"\x00\xff" * 3)
            assert await store.get_step_run(run, step) == mine
        empty = await store.complete_step(mine.id, b"", token=mine.token)
        assert empty.output == b""
        large = bytes(range(256)) * 4096
        kept = await claimed(store, "large", large)
        assert kept == await store.get_step_run(run, "large")

    @pytest.mark.parametrize("name", ["", "a\0b", "\ud800", 7, None, b"x"])
    async def test_what_no_database_could_keep_as_a_name_is_refused(self, store: Store, run: str, name: Any) -> None:
        with pytest.raises(InvalidValue):
            await store.begin_step(run, name, b"")
        with pytest.raises(InvalidValue):
            await store.create_run(run_id=name, workflow="book", inputs=b"")
        assert await store.step_statuses(run) == {}

    @pytest.mark.parametrize("value", ["text", None, 7, bytearray(b"x")])
    async def test_a_value_is_bytes(self, store: Store, run: str, value: Any) -> None:
        mine = await claimed(store)
        for write in (store.complete_step(mine.id, value), store.begin_step(run, "pay", value)):
            with pytest.raises(InvalidValue, match="is bytes"):
                await write
        wrong: Any = "1"
        with pytest.raises(InvalidValue, match="token"):
            await store.complete_step(mine.id, b"", token=wrong)
        assert await store.get_step_run(run, "charge") == mine

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


def told(attempt: Attempt) -> tuple[int, str, str, str | None, bytes | None]:
    """What an attempt tells, but for its times."""
    return attempt.number, attempt.phase, attempt.worker, attempt.outcome, attempt.error
