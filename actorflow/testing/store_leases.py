"""Runtimes, their leases, and whose a run is (R50). A part of `StoreContract`."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from actorflow.errors import InvalidState, RecordNotFound
from actorflow.store import RunChange, RunRecord, Store
from actorflow.testing.store_states import LEASE, StoreClock, ended, lost_its_lease, opened


def ids(runs: list[RunRecord]) -> list[str]:
    return [run.run_id for run in runs]


class LeaseContract:
    """A run is owned by one live runtime at a time."""

    # ── runtimes ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_r50_a_runtime_joins_renews_and_leaves(self, store: Store, store_clock: StoreClock) -> None:
        now = store_clock.time()
        first = await store.join("first", lease=10)
        second = await store.join("first", lease=20)
        assert second > first > 0
        assert [(each.number, each.name, each.expires) for each in await store.runtimes()] == [
            (first, "first", now + 10),
            (second, "first", now + 20),
        ]
        store_clock.pass_by(5)
        assert await store.renew(first, lease=10)
        assert (await store.runtimes())[0].expires == now + 15
        await store.leave(first)
        await store.leave(first)
        assert [each.number for each in await store.runtimes()] == [second]
        assert not await store.renew(first, lease=10)

    async def test_r50_numbers_only_grow(self, store: Store) -> None:
        numbers: list[int] = []
        for _ in range(5):
            numbers.append(await store.join("w", lease=1))
            await store.leave(numbers[-1])
        assert numbers == sorted(set(numbers))

    async def test_r50_a_runtime_that_leaves_leaves_its_runs_to_others(self, store: Store, one: int, two: int) -> None:
        await opened(store, "mine", one)
        await store.append("mine", owner=one, sequence=1, turns=b"t")
        await store.leave(one)
        assert (await store.get_run("mine")).owner is None
        (taken,) = await store.claim_runs(two)
        assert (taken.run_id, taken.owner, taken.inputs, taken.tail) == ("mine", two, b"in", 1)
        await lost_its_lease(store, one, store.append("mine", owner=one, sequence=2, turns=b"t"))

    # ── claiming ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_r50_what_a_live_runtime_has_is_not_claimed(
        self, store: Store, one: int, two: int, store_clock: StoreClock
    ) -> None:
        await opened(store, "r", one)
        store_clock.pass_by(LEASE)
        assert await store.claim_runs(two) == []
        assert await store.claim_runs(two, run_id="r") == []
        assert await store.renew(one, lease=LEASE)
        store_clock.pass_by(LEASE - 1)
        assert await store.claim_runs(two) == []
        assert await store.append("r", owner=one, sequence=1, turns=b"t") == 1

    async def test_r50_a_runtime_whose_lease_has_lapsed_is_fenced_by_who_claims(
        self, store: Store, one: int, two: int, store_clock: StoreClock
    ) -> None:
        """The frozen one thaws: nothing of what it writes is taken, for any of its runs."""
        for each in range(3):
            await opened(store, f"r{each}", one)
        await store.append("r0", owner=one, sequence=1, turns=b"first")
        store_clock.pass_by(LEASE + 1)
        taken = await store.claim_runs(two, limit=2)
        assert ids(taken) == ["r0", "r1"]
        assert {run.owner for run in taken} == {two}
        assert [each.number for each in await store.runtimes()] == [two]
        assert not await store.renew(one, lease=LEASE)
        for asked in (
            store.append("r0", owner=one, sequence=2, turns=b"late"),
            store.append("r0", owner=one, sequence=1, turns=b"first"),
            store.append("r2", owner=one, sequence=1, turns=b"late", change=RunChange("succeeded"), consumed=[1]),
            store.release_run("r2", owner=one),
            store.claim_runs(one),
            store.claim_runs(one, run_id="r2"),
        ):
            await lost_its_lease(store, one, asked)
        assert await store.turns("r0") == [b"first"]
        assert await store.append("r0", owner=two, sequence=2, turns=b"second") == 2
        assert ids(await store.claim_runs(two)) == ["r2"]

    async def test_r50_a_lapsed_lease_that_nobody_took_goes_on(
        self, store: Store, one: int, store_clock: StoreClock
    ) -> None:
        await opened(store, "r", one)
        store_clock.pass_by(LEASE * 10)
        assert await store.append("r", owner=one, sequence=1, turns=b"t") == 1
        assert await store.claim_runs(one) == []
        assert await store.renew(one, lease=LEASE)
        assert (await store.get_run("r")).owner == one

    async def test_r50_oldest_first_and_no_more_than_asked_for(self, store: Store, one: int, two: int) -> None:
        for each in range(7):
            await opened(store, f"r{each}", one, workflow=["book", "pay"][each % 2])
        await store.leave(one)
        assert await store.claim_runs(two, limit=0) == []
        assert ids(await store.claim_runs(two, limit=2)) == ["r0", "r1"]
        assert ids(await store.claim_runs(two, workflows=["pay", "none"])) == ["r3", "r5"]
        assert await store.claim_runs(two, workflows=[]) == []
        assert ids(await store.claim_runs(two, workflows=["pay", "book"], limit=2)) == ["r2", "r4"]
        assert ids(await store.claim_runs(two)) == ["r6"]
        assert await store.claim_runs(two) == []

    async def test_r50_of_many_who_claim_at_once_one_has_each_run(self, store: Store, one: int) -> None:
        for each in range(20):
            await opened(store, f"r{each}", one)
        others = [await store.join(f"w{each}", lease=LEASE) for each in range(4)]
        await store.leave(one)
        answers = await asyncio.gather(*(store.claim_runs(owner, limit=3) for owner in others * 3))
        claimed = [run.run_id for runs in answers for run in runs]
        assert sorted(claimed) == sorted(f"r{each}" for each in range(20))

    @pytest.mark.parametrize("status", ["running", "halting", "rolling_back", "undoing"])
    async def test_r50_unfinished_runs_are_claimed(self, store: Store, one: int, two: int, status: str) -> None:
        await opened(store, "r", one)
        await store.append("r", owner=one, sequence=1, turns=b"t", change=RunChange(status))
        await store.leave(one)
        assert ids(await store.claim_runs(two)) == ["r"]

    @pytest.mark.parametrize("status", ["halted", "succeeded", "failed", "cancelled", "undone"])
    async def test_r50_ended_runs_are_claimed_by_name_only(self, store: Store, one: int, two: int, status: str) -> None:
        await ended(store, "r", one, status)
        assert await store.claim_runs(two) == []
        (run,) = await store.claim_runs(two, run_id="r")
        assert (run.status, run.owner, run.result) == (status, two, b"result")
        assert await store.claim_runs(one, run_id="r") == []
        assert ids(await store.claim_runs(two, run_id="r")) == ["r"]
        assert await store.append("r", owner=two, sequence=2, turns=b"t2", change=RunChange("running")) == 2
        await store.leave(two)
        assert ids(await store.claim_runs(one)) == ["r"]

    async def test_claiming_an_unknown_run_by_name_is_not_found(self, store: Store, one: int) -> None:
        with pytest.raises(RecordNotFound):
            await store.claim_runs(one, run_id="r")

    # ── giving up ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_a_run_that_is_released_is_not_claimed_before_its_time(
        self, store: Store, one: int, two: int, store_clock: StoreClock
    ) -> None:
        wake = store_clock.time() + 60
        await opened(store, "later", one)
        await opened(store, "now", one)
        await store.release_run("later", owner=one, wake=wake)
        await store.release_run("now", owner=one)
        await lost_its_lease(store, one, store.append("later", owner=one, sequence=1, turns=b"t"))
        assert (await store.get_run("later")).wake == wake
        assert ids(await store.claim_runs(two, workflows=["book"])) == ["now"]
        store_clock.pass_by(60)
        (run,) = await store.claim_runs(two, workflows=["book"])
        assert (run.run_id, run.wake) == ("later", None)

    async def test_a_message_wakes_a_run_that_rests(
        self, store: Store, one: int, two: int, store_clock: StoreClock
    ) -> None:
        await opened(store, "rests", one)
        await store.release_run("rests", owner=one, wake=store_clock.time() + 600)
        assert await store.claim_runs(two) == []
        await store.post("rests", "signal", b"now")
        assert (await store.get_run("rests")).wake is None
        assert ids(await store.claim_runs(two)) == ["rests"]

    async def test_a_run_is_released_with_an_append(
        self, store: Store, one: int, two: int, store_clock: StoreClock
    ) -> None:
        wake = store_clock.time() + 60
        await opened(store, "r", one)
        await store.append("r", owner=one, sequence=1, turns=b"t", change=RunChange(wake=wake, release=True))
        run = await store.get_run("r")
        assert (run.status, run.owner, run.wake, run.tail) == ("running", None, wake, 1)
        assert await store.claim_runs(two) == []
        assert ids(await store.claim_runs(two, run_id="r")) == ["r"]

    async def test_r51_a_run_with_a_problem_is_left_alone_until_somebody_asks_for_it(
        self, store: Store, one: int, two: int
    ) -> None:
        await opened(store, "r", one)
        await store.release_run("r", owner=one, problem="its plan has changed")
        assert (await store.get_run("r")).problem == "its plan has changed"
        assert await store.claim_runs(two) == []
        (run,) = await store.claim_runs(two, run_id="r")
        assert (run.owner, run.problem) == (two, None)

    async def test_only_who_has_a_run_can_release_it(self, store: Store, one: int, two: int) -> None:
        await opened(store, "r", one)
        await lost_its_lease(store, two, store.release_run("r", owner=two))
        with pytest.raises(RecordNotFound):
            await store.release_run("none", owner=one)
        with pytest.raises(InvalidState):
            await store.messages()

    # ── from a thread ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_r55_a_lease_is_renewed_by_a_thread_while_the_loop_is_busy(
        self, store: Store, one: int, store_clock: StoreClock
    ) -> None:
        """The store beside has the same records; the loop is blocked until the thread has renewed."""

        async def renew() -> bool:
            async with store.beside() as beside:
                return await beside.renew(one, lease=LEASE)

        store_clock.pass_by(5)
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(asyncio.run, renew()).result()
        (runtime,) = await store.runtimes()
        assert runtime.expires == store_clock.time() + LEASE
