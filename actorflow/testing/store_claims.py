"""Runs, schedules and claims (R45, R47). A part of `StoreContract`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any

import pytest

from actorflow.errors import InvalidValue, RecordNotFound, RunConflict
from actorflow.store import Claim, StepStatus, Store
from actorflow.testing.store_states import CLAIMANTS, RUN, STATUSES, all_ends, claimed, put_into


class ClaimContract:
    """What may be created, scheduled and claimed."""

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
