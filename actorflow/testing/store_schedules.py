"""How far schedules have come. A part of `StoreContract`."""

from __future__ import annotations

import asyncio

import pytest

from actorflow.errors import InvalidValue, RecordNotFound
from actorflow.store import ScheduleRecord, Store


class ScheduleContract:
    """A due time is dealt with once, whoever says so."""

    async def test_a_schedule_begins_when_it_is_first_opened(self, store: Store) -> None:
        assert await store.schedules() == []
        assert await store.schedules("nightly") == []
        begun = ScheduleRecord("nightly", "0 6 * * *", 100.5)
        assert await store.open_schedule("nightly", trigger="0 6 * * *", since=100.5) == begun
        assert await store.open_schedule("nightly", trigger="0 6 * * *", since=300.0) == begun
        assert await store.schedules("nightly") == [begun]
        assert begun.reached == 100.5

    async def test_of_those_who_open_one_at_once_all_find_the_same(self, store: Store) -> None:
        async with store.beside() as other:
            opened = await asyncio.gather(
                *(each.open_schedule("n", trigger="t", since=1.0 + at) for at, each in enumerate([store, other] * 4))
            )
        assert len({schedule.since for schedule in opened}) == 1

    async def test_it_moves_on_and_never_back(self, store: Store) -> None:
        await store.open_schedule("n", trigger="t", since=100.0)
        assert not await store.move_schedule("n", last=99.0)
        assert not await store.move_schedule("n", last=100.0)
        assert await store.move_schedule("n", last=110.25)
        assert not await store.move_schedule("n", last=110.25)
        assert not await store.move_schedule("n", last=105.0)
        assert await store.schedules() == [ScheduleRecord("n", "t", 100.0, 110.25)]
        opened = await store.open_schedule("n", trigger="t", since=500.0)
        assert (opened.last, opened.reached) == (110.25, 110.25)

    async def test_of_those_who_move_it_at_once_one_has_news(self, store: Store) -> None:
        await store.open_schedule("n", trigger="t", since=0.0)
        async with store.beside() as other:
            for due in (1.0, 2.0, 3.0):
                moved = await asyncio.gather(*(each.move_schedule("n", last=due) for each in [store, other] * 4))
                assert moved.count(True) == 1

    async def test_one_that_has_another_trigger_begins_anew(self, store: Store) -> None:
        await store.open_schedule("n", trigger="hourly", since=100.0)
        await store.move_schedule("n", last=200.0)
        begun = ScheduleRecord("n", "daily", 300.0)
        assert await store.open_schedule("n", trigger="daily", since=300.0) == begun
        assert await store.schedules() == [begun]

    async def test_schedules_are_listed_by_name(self, store: Store) -> None:
        for name in ("b", "a", "é", "B", "a b"):
            await store.open_schedule(name, trigger="t", since=1.0)
        assert [each.name for each in await store.schedules()] == ["B", "a", "a b", "b", "é"]
        assert [each.name for each in await store.schedules("a b")] == ["a b"]

    async def test_one_that_is_not_known_is_not_moved(self, store: Store) -> None:
        with pytest.raises(RecordNotFound, match="no schedule 'n'"):
            await store.move_schedule("n", last=1.0)
        assert await store.schedules() == []

    async def test_what_no_schedule_can_be_is_refused(self, store: Store) -> None:
        for name in ("", "a\0b", "\ud800", 3):
            with pytest.raises(InvalidValue):
                await store.open_schedule(name, trigger="t", since=1.0)  # type: ignore[arg-type]
        with pytest.raises(InvalidValue):
            await store.open_schedule("n", trigger="t", since=float("nan"))
        with pytest.raises(InvalidValue):
            await store.move_schedule("n", last="soon")  # type: ignore[arg-type]
