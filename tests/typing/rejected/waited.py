"""Waits that are given what doesn't fit."""

from datetime import datetime

from trip import Charge, Seat, charge_card, reserve_seat

from actorflow import Runtime, approval, sleep, sleep_until, wait_for_signal, workflow


@workflow
def w1(city: str) -> None:
    sleep("a while")  # BAD sleeps for a text
    sleep_until(3600)  # BAD sleeps until a number
    sleep(reserve_seat(city))  # BAD sleeps for a seat


@workflow
def w2(when: datetime) -> Charge:
    seat = wait_for_signal("seat", Charge)
    return charge_card(seat, nights=2)  # BAD a charge for a seat


@workflow
def w3() -> Charge:
    return wait_for_signal("charge", Charge, timeout=5, default=None)  # BAD may be None


@workflow
def w4() -> Seat:
    return approval("Book?")  # BAD an approval for a seat


@workflow
def w5() -> None:
    wait_for_signal(3, Charge)  # BAD a name that is no text
    wait_for_signal("charge", Charge, default=None)  # BAD a default without a timeout
    approval("Book?", by=3)  # BAD nobody by that name
    approval("Book?", reject="maybe")  # BAD neither


async def main(runtime: Runtime) -> None:
    await runtime.approve("r")  # BAD nobody said so
    await runtime.signal("r")  # BAD no name
