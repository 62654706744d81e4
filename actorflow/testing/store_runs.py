"""Runs: opened once, labelled, deleted, purged (R47). A part of `StoreContract`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow.errors import InvalidState, InvalidValue, RecordNotFound, RunConflict
from actorflow.store import Append, NewRun, RunChange, Store
from actorflow.testing.store_states import LEASE, StoreClock, ended, lost_its_lease, opened

FULL = NewRun("r/1 ✈", "book", b"in", "f1ng3r", b"context", {"team": "blue", "été": "☀ '"}, b"options", "parent/1")


class RunContract:
    """What is recorded of a run, and how it goes."""

    # ── opening ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_r47_a_run_is_opened_with_all_that_is_given(
        self, store: Store, one: int, store_clock: StoreClock
    ) -> None:
        answer = await store.open_run(FULL, owner=one)
        run = answer.run
        assert answer.is_new
        assert (run.run_id, run.workflow, run.inputs, run.fingerprint) == ("r/1 ✈", "book", b"in", "f1ng3r")
        assert (run.context, run.options, run.parent) == (b"context", b"options", "parent/1")
        assert run.labels == {"team": "blue", "été": "☀ '"}
        assert (run.status, run.owner, run.tail) == ("running", one, 0)
        assert run.created == run.updated == store_clock.time()
        assert (run.ended, run.wake, run.problem, run.result, run.failure) == (None,) * 5
        assert await store.get_run("r/1 ✈") == run

    async def test_r47_the_same_again_gives_the_one_that_is_there(self, store: Store, one: int, two: int) -> None:
        first = await opened(store, "r", one)
        await store.append("r", owner=one, sequence=1, turns=b"t")
        again = await store.open_run(NewRun("r", "book", b"in", "other", labels={"a": "b"}), owner=two)
        assert not again.is_new
        assert (again.run.owner, again.run.tail, again.run.fingerprint) == (one, 1, first.fingerprint)
        created = await store.create_run(run_id="r", workflow="book", inputs=b"in")
        assert created == again.run

    async def test_r47_opening_it_with_other_inputs_or_of_another_workflow_is_a_conflict(
        self, store: Store, one: int
    ) -> None:
        first = await opened(store, "r", one)
        with pytest.raises(RunConflict, match="other inputs"):
            await store.open_run(NewRun("r", "book", b"other"), owner=one)
        with pytest.raises(RunConflict, match="book"):
            await store.open_run(NewRun("r", "pay", b"in"), owner=one)
        assert await store.get_run("r") == first

    async def test_r47_of_many_who_open_it_at_once_one_has_made_it(self, store: Store, one: int, two: int) -> None:
        asked = [store.open_run(NewRun("r", "book", b"in"), owner=[one, two][each % 2]) for each in range(16)]
        answers = await asyncio.gather(*asked)
        (new,) = [answer.run for answer in answers if answer.is_new]
        assert {answer.run.owner for answer in answers} == {new.owner}

    async def test_nothing_is_opened_for_a_runtime_that_is_gone(self, store: Store, one: int) -> None:
        await store.leave(one)
        await lost_its_lease(store, one, store.open_run(NewRun("r", "book", b""), owner=one))
        await lost_its_lease(store, 999, store.open_run(NewRun("r", "book", b""), owner=999))
        with pytest.raises(RecordNotFound):
            await store.get_run("r")

    @pytest.mark.parametrize("new", [("", "w", b""), ("r", "w", b"", "", b"", {"a": "\0"}), ("r", "w", "text")])
    async def test_what_no_database_could_keep_is_refused(self, store: Store, one: int, new: Any) -> None:
        with pytest.raises(InvalidValue):
            await store.open_run(NewRun(*new), owner=one)
        assert await store.count_runs() == {}

    # ── what becomes of it ────────────────────────────────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled", "halted", "undone"])
    async def test_a_run_that_ends_is_nobodys(
        self, store: Store, one: int, store_clock: StoreClock, status: str
    ) -> None:
        await opened(store, "r", one)
        store_clock.pass_by(5)
        await store.append("r", owner=one, sequence=1, turns=b"t", change=RunChange(status, b"result", b"failure"))
        run = await store.get_run("r")
        assert (run.status, run.owner, run.result, run.failure) == (status, None, b"result", b"failure")
        assert run.ended == run.updated == store_clock.time()
        assert run.created == store_clock.time() - 5

    @pytest.mark.parametrize("status", ["running", "halting", "rolling_back", "undoing"])
    async def test_a_run_that_goes_on_stays_its_owners(self, store: Store, one: int, status: str) -> None:
        await opened(store, "r", one)
        await store.append("r", owner=one, sequence=1, turns=b"t", change=RunChange(status))
        run = await store.get_run("r")
        assert (run.status, run.owner, run.ended) == (status, one, None)

    async def test_r26_what_an_undone_run_had_come_to_stays(self, store: Store, one: int) -> None:
        await ended(store, "r", one)
        await store.claim_runs(one, run_id="r")
        await store.append("r", owner=one, sequence=2, turns=b"t2", change=RunChange("undoing"))
        undoing = await store.get_run("r")
        assert (undoing.status, undoing.result, undoing.ended) == ("undoing", b"result", None)
        await store.append("r", owner=one, sequence=3, turns=b"t3", change=RunChange("undone"))
        undone = await store.get_run("r")
        assert (undone.status, undone.result, undone.owner) == ("undone", b"result", None)

    async def test_a_failed_run_that_is_taken_up_again_has_not_failed(self, store: Store, one: int) -> None:
        await opened(store, "r", one)
        await store.append("r", owner=one, sequence=1, turns=b"t", change=RunChange("failed", failure=b"bad"))
        await store.claim_runs(one, run_id="r")
        await store.append("r", owner=one, sequence=2, turns=b"t", change=RunChange("running"))
        running = await store.get_run("r")
        assert (running.status, running.failure, running.ended, running.owner) == ("running", None, None, one)
        await store.append("r", owner=one, sequence=3, turns=b"t", change=RunChange("succeeded", b"fine"))
        done = await store.get_run("r")
        assert (done.result, done.failure) == (b"fine", None)

    async def test_of_what_becomes_of_it_in_one_commit_the_last_counts(self, store: Store, one: int) -> None:
        await opened(store, "r", one)
        await store.append("r", owner=one, sequence=1, turns=b"t", change=RunChange("failed", b"old", b"bad"))
        await store.claim_runs(one, run_id="r")
        changes = [RunChange("running"), RunChange("succeeded", b"fine")]
        assert await store.together(
            [Append("r", one, number, b"t", each) for number, each in enumerate(changes, 2)]
        ) == [2, 3]
        run = await store.get_run("r")
        assert (run.status, run.result, run.failure, run.owner) == ("succeeded", b"fine", None, None)

    # ── labels ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_labels_are_set_and_removed(self, store: Store, one: int) -> None:
        await opened(store, "r", one, labels={"team": "blue", "tier": "1"})
        assert await store.label_run("r", {"team": "red", "tier": None, "city": "Porto", "none": None}) == {
            "team": "red",
            "city": "Porto",
        }
        assert (await store.get_run("r")).labels == {"team": "red", "city": "Porto"}
        found = [await store.list_runs(labels=labels) for labels in ({"team": "blue"}, {"tier": "1"}, {"team": "red"})]
        assert [[run.run_id for run in page.runs] for page in found] == [[], [], ["r"]]
        assert await store.append("r", owner=one, sequence=1, turns=b"t") == 1

    async def test_a_label_that_is_no_text_is_refused(self, store: Store, one: int) -> None:
        await opened(store, "r", one)
        wrong: Any = {"team": 7}
        with pytest.raises(InvalidValue, match="team"):
            await store.label_run("r", wrong)
        assert (await store.get_run("r")).labels == {}

    # ── deleting ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_a_run_is_deleted_with_all_that_belongs_to_it(self, store: Store, one: int) -> None:
        await ended(store, "r", one, labels={"a": "b"})
        kept = await ended(store, "kept", one, labels={"a": "b"})
        step = (await store.begin_step("r", "charge", b"in")).step_run
        await store.fail_step(step.id, b"bad", token=1)
        await store.begin_step("r", "charge", b"in")
        await store.post("r", "signal", b"x")
        await store.note("r", who="me", what="looked")
        await store.delete_run("r")
        for gone in (
            store.get_run("r"),
            store.turns("r"),
            store.step_statuses("r"),
            store.notes("r"),
            store.delete_run("r"),
        ):
            with pytest.raises(RecordNotFound):
                await gone
        with pytest.raises(RecordNotFound):
            await store.attempts(step.id)
        assert [run.run_id for run in (await store.list_runs(labels={"a": "b"})).runs] == ["kept"]
        assert await store.get_run("kept") == kept
        await opened(store, "r", one)
        assert await store.turns("r") == []
        assert await store.step_statuses("r") == {}
        assert await store.messages(run_id="r") == []
        assert await store.notes("r") == []
        assert (await claimed_in(store, "r")).token == 1

    async def test_a_run_is_deleted_only_when_no_live_runtime_has_it(
        self, store: Store, one: int, two: int, store_clock: StoreClock
    ) -> None:
        await opened(store, "r", one)
        with pytest.raises(InvalidState, match="running"):
            await store.delete_run("r")
        await ended(store, "being undone", two)
        await store.claim_runs(two, run_id="being undone")
        with pytest.raises(InvalidState, match="succeeded"):
            await store.delete_run("being undone")
        await store.release_run("being undone", owner=two)
        await store.delete_run("being undone")
        store_clock.pass_by(LEASE + 1)
        await store.delete_run("r")
        await lost_its_lease(store, one, store.append("r", owner=one, sequence=1, turns=b"t"))
        await opened(store, "free", two)
        await store.release_run("free", owner=two)
        await store.delete_run("free")
        assert await store.count_runs() == {}

    async def test_old_runs_are_purged(self, store: Store, one: int, store_clock: StoreClock) -> None:
        for status in ("succeeded", "failed", "cancelled", "undone", "halted"):
            await ended(store, f"old {status}", one, status)
        await opened(store, "unfinished", one)
        await ended(store, "being undone", one)
        await store.claim_runs(one, run_id="being undone")
        store_clock.pass_by(100)
        await ended(store, "new", one)
        assert await store.purge(100.0) == 0
        store_clock.pass_by(1)
        assert await store.purge(100.0, limit=1) == 1
        assert await store.purge(100.0, ["succeeded", "failed"]) == 1
        assert await store.purge(100.0) == 2
        left = {run.run_id for run in (await store.list_runs()).runs}
        assert left == {"old halted", "unfinished", "being undone", "new"}
        assert await store.purge(100.0, ["halted"]) == 1
        with pytest.raises(InvalidValue, match="running"):
            await store.purge(0.0, ["running"])


async def claimed_in(store: Store, run_id: str) -> Any:
    return (await store.begin_step(run_id, "charge", b"in")).step_run
