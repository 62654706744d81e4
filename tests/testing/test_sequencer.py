"""The sequencer: races by their orders."""

from __future__ import annotations

import asyncio

import pytest

from actorflow.errors import InvalidState
from actorflow.testing import Sequencer


async def test_places_are_gone_through_in_order_whoever_comes_first(sequencer: Sequencer) -> None:
    order: list[int] = []

    async def at(*places: int) -> None:
        for place in places:
            async with sequencer(place):
                order.append(place)
                await asyncio.sleep(0)

    await asyncio.gather(at(3, 6), at(2, 5), at(1, 4))
    assert order == [1, 2, 3, 4, 5, 6]


async def test_an_error_in_a_place_lets_the_next_one_go(sequencer: Sequencer) -> None:
    async def fails() -> None:
        async with sequencer(1):
            raise ValueError("no seat")

    async def follows() -> str:
        async with sequencer(2):
            return "went"

    assert [type(left) for left in await asyncio.gather(fails(), follows(), return_exceptions=True)] == [
        ValueError,
        str,
    ]


async def test_a_place_used_twice_and_places_below_one_are_refused(sequencer: Sequencer) -> None:
    async with sequencer(1):
        pass
    with pytest.raises(InvalidState, match="place 1 of the sequencer is used twice"):
        async with sequencer(1):
            pass
    with pytest.raises(InvalidState, match="begin at 1"):
        async with sequencer(0):
            pass


async def test_a_cancelled_wait_breaks_the_order_for_all(sequencer: Sequencer) -> None:
    async def at(place: int) -> None:
        async with sequencer(place):
            pass

    second, third = asyncio.create_task(at(2)), asyncio.create_task(at(3))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(InvalidState, match="place 2 was cancelled"):
        await third
    with pytest.raises(InvalidState, match="broken"):
        await at(1)
    assert second.cancelled()


async def test_two_cancelled_at_once_end_as_cancelled(sequencer: Sequencer) -> None:
    async def at(place: int) -> None:
        async with sequencer(place):
            pass

    waiting = [asyncio.create_task(at(place)) for place in (2, 3)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(ended[0], asyncio.CancelledError)
    assert isinstance(ended[1], asyncio.CancelledError)
