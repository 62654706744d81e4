"""The trip example's services and their faults, over real sockets and in real processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from examples.trip.client import Refused, Service, Unavailable
from examples.trip.faults import EACH, Fault, every_fault, scenario
from examples.trip.servants import faults_met, order_faults, services


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[dict[str, Service]]:
    async with services(tmp_path) as started:
        yield started


async def test_a_second_request_with_the_same_key_gets_the_same_answer_and_does_nothing(
    running: dict[str, Service],
) -> None:
    seats = running["seats"]
    assert await seats.ask("reserve", "t", "key") == await seats.ask("reserve", "t", "key") == await seats.find("t")
    await seats.ask("release", "t", "other")
    assert await seats.find("t") is None
    assert await seats.ask("reserve", "t", "key") == "seats-1"
    assert await seats.find("t") is None


async def test_what_was_given_back_early_is_refused_to_a_belated_request(running: dict[str, Service]) -> None:
    await running["cards"].ask("refund", "t", "undo")
    with pytest.raises(Refused):
        await running["cards"].ask("charge", "t", "late")


@pytest.mark.parametrize(("moment", "done"), [("before", None), ("after", "rooms-1")])
@pytest.mark.parametrize(("kind", "error"), [("fail", Unavailable), ("drop", ConnectionError)])
async def test_a_fault_happens_once_before_or_after_the_work(
    running: dict[str, Service], kind: str, error: type[Exception], moment: str, done: str | None
) -> None:
    rooms, fault = running["rooms"], Fault("rooms", "reserve", kind, moment)
    await order_faults(running, [("t", fault)])
    with pytest.raises(error):
        await rooms.ask("reserve", "t", "key")
    assert await rooms.find("t") == done
    assert await rooms.ask("reserve", "t", "key") == "rooms-1"
    assert await faults_met(running) == Counter([fault])


def test_each_fault_is_dealt_often_enough_and_a_quarter_of_the_trips_meet_some() -> None:
    dealt = scenario(200, seed=2)
    counts = Counter(fault for hand in dealt.faults.values() for fault in hand)
    assert counts == Counter(dict.fromkeys(every_fault(), EACH))
    assert len(counts) == 36
    assert dealt.faults.keys() == dealt.faulty
    assert len(dealt.faulty) == 50
    assert dealt.withdrawn < dealt.faulty


def test_no_operation_of_a_trip_meets_more_faults_than_its_step_has_patience_for() -> None:
    dealt = scenario(200, seed=2)
    hands = Counter((n, f.service, f.operation) for n, hand in dealt.faults.items() for f in hand)
    assert max(hands.values()) < 5


def test_the_same_seed_deals_the_same_faults() -> None:
    assert scenario(200, seed=2) == scenario(200, seed=2)
    assert scenario(200, seed=2) != scenario(200, seed=3)
