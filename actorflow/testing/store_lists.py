"""Lists of runs, a page at a time. A part of `StoreContract`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actorflow.errors import InvalidValue
from actorflow.store import RunPage, Store
from actorflow.testing.store_states import StoreClock, ended, opened

MANY = 23


async def many(store: Store, owner: int, clock: StoreClock) -> list[str]:
    """Runs of several workflows, statuses and labels, one each second; the newest first."""
    for each in range(MANY):
        run_id, workflow = f"r{each}", ["book", "pay"][each % 2]
        labels = {"third": str(each % 3)} | ({"even": "yes"} if each % 2 == 0 else {})
        parent = f"r{each - 1}" if each % 5 == 4 else None
        status = ["running", "succeeded", "failed"][each % 3]
        make: Any = opened if status == "running" else ended
        more = {} if status == "running" else {"status": status}
        await make(store, run_id, owner, workflow=workflow, labels=labels, parent=parent, **more)
        clock.pass_by(1)
    return [f"r{each}" for each in reversed(range(MANY))]


def ids(page: RunPage) -> list[str]:
    return [run.run_id for run in page.runs]


async def paged(store: Store, limit: int, **asked: Any) -> list[str]:
    """All pages, one after the other."""
    found: list[str] = []
    page = await store.list_runs(limit=limit, **asked)
    while page.next is not None:
        assert len(page.runs) == limit
        found += ids(page)
        page = await store.list_runs(limit=limit, after=page.next, **asked)
    return found + ids(page)


class ListContract:
    """Which runs are listed, and in which order."""

    async def test_runs_are_listed_newest_first_without_their_bytes(
        self, store: Store, one: int, store_clock: StoreClock
    ) -> None:
        await ended(store, "r", one, labels={"a": "b"}, fingerprint="f", context=b"c", options=b"o", parent="p")
        whole = await store.get_run("r")
        await opened(store, "newer", one)
        newer, thin = (await store.list_runs()).runs
        assert newer.run_id == "newer"
        assert (thin.inputs, thin.context, thin.options, thin.result, thin.failure) == (b"", b"", b"", None, None)
        assert (whole.inputs, whole.result) == (b"in", b"result")
        kept = [
            "run_id",
            "workflow",
            "created",
            "fingerprint",
            "labels",
            "parent",
            "status",
            "updated",
            "ended",
            "owner",
        ]
        for field in [*kept, "wake", "tail", "problem"]:
            assert getattr(thin, field) == getattr(whole, field), field

    async def test_runs_are_listed_by_what_is_asked_for(self, store: Store, one: int, store_clock: StoreClock) -> None:
        start = store_clock.time()
        all = await many(store, one, store_clock)

        def those(wanted: Callable[[int], object]) -> list[str]:
            return [run_id for run_id in all if wanted(int(run_id[1:]))]

        cases: list[tuple[dict[str, Any], Callable[[int], object]]] = [
            ({}, lambda each: True),
            ({"status": ["failed"]}, lambda each: each % 3 == 2),
            ({"status": ["failed", "running"]}, lambda each: each % 3 != 1),
            ({"status": ["halted"]}, lambda each: False),
            ({"workflow": "pay"}, lambda each: each % 2),
            ({"workflow": "pay", "status": ["succeeded", "failed"]}, lambda each: each % 2 and each % 3),
            ({"workflow": "none"}, lambda each: False),
            ({"labels": {"third": "1"}}, lambda each: each % 3 == 1),
            ({"labels": {"third": "1", "even": "yes"}}, lambda each: each % 6 == 4),
            ({"labels": {"third": "1"}, "workflow": "pay"}, lambda each: each % 6 == 1),
            ({"labels": {"third": "x"}}, lambda each: False),
            ({"parent": "r3"}, lambda each: each == 4),
            ({"since": start + 10}, lambda each: each >= 10),
            ({"until": start + 10}, lambda each: each < 10),
            (
                {"since": start + 3, "until": start + 10, "status": ["failed"]},
                lambda each: 3 <= each < 10 and each % 3 == 2,
            ),
            (
                {"since": start + 3, "labels": {"even": "yes"}, "workflow": "book"},
                lambda each: each >= 3 and each % 2 == 0,
            ),
        ]
        for asked, wanted in cases:
            for limit in (2, 100):
                assert await paged(store, limit, **asked) == those(wanted), asked

    async def test_a_page_goes_on_where_the_one_before_ended_whatever_came_since(
        self, store: Store, one: int, store_clock: StoreClock
    ) -> None:
        all = await many(store, one, store_clock)
        first = await store.list_runs(limit=5)
        await opened(store, "newest", one)
        await store.delete_run("r19")
        assert ids(first) == all[:5]
        assert ids(await store.list_runs(limit=5, after=first.next)) == all[5:10]

    async def test_a_page_that_is_just_full_is_the_last_one(self, store: Store, one: int) -> None:
        await opened(store, "a", one)
        await opened(store, "b", one)
        page = await store.list_runs(limit=2)
        assert (ids(page), page.next) == (["b", "a"], None)

    async def test_runs_of_one_moment_are_paged_too(self, store: Store, one: int, store_clock: StoreClock) -> None:
        for each in range(5):
            await opened(store, f"r{each}", one)
        assert await paged(store, 2, since=store_clock.time()) == ["r4", "r3", "r2", "r1", "r0"]

    @pytest.mark.parametrize("asked", [{"after": "x"}, {"status": "failed"}, {"status": ["lost"]}, {"limit": -1}])
    async def test_a_list_that_makes_no_sense_is_refused(self, store: Store, asked: dict[str, Any]) -> None:
        with pytest.raises(InvalidValue):
            await store.list_runs(**asked)

    async def test_runs_are_counted_by_status(self, store: Store, one: int, store_clock: StoreClock) -> None:
        assert await store.count_runs() == {}
        await many(store, one, store_clock)
        assert await store.count_runs() == {"running": 8, "succeeded": 8, "failed": 7}
