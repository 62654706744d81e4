"""Schedules: inputs are those of the workflow."""

from datetime import datetime, timedelta
from typing import assert_type
from zoneinfo import ZoneInfo

from trip import Trip, book_trip

from actorflow import Cron, Every, Runtime, Schedule

NIGHTLY = Cron("0 6 * * mon-fri", "Europe/Oslo", missed="all", overlap="allow")
OFTEN = Every(timedelta(minutes=5), offset=30, missed="skip", grace=5.0)


def declare(runtime: Runtime) -> None:
    nightly = runtime.schedule("nightly", NIGHTLY, book_trip, Trip("Oslo", 3, []))
    assert_type(nightly, Schedule)
    assert_type(nightly.next_due, datetime | None)
    assert_type(nightly.last, datetime | None)
    nightly.pause()
    nightly.resume()
    nightly.remove()
    runtime.options(timeout=60, labels={"team": "travel"}).schedule("often", OFTEN, book_trip, trip=Trip("Oslo", 3, []))
    runtime.schedule("here", Cron("@daily", timezone=ZoneInfo("Europe/Oslo")), book_trip, Trip("Oslo", 3, []))
    assert_type(runtime.schedules(), list[Schedule])
    assert_type(NIGHTLY.after(datetime.now(ZoneInfo("UTC"))), datetime | None)
