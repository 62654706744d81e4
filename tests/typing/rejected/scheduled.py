"""Schedules with wrong inputs, or that can't be."""

from trip import Trip, book_trip, label

from actorflow import Cron, Every, Runtime


def declare(runtime: Runtime) -> None:
    runtime.schedule("nightly", Cron("@daily"), book_trip, "Oslo")  # BAD input
    runtime.schedule("nightly", Cron("@daily"), book_trip)  # BAD no input
    runtime.schedule("nightly", Cron("@daily"), book_trip, tripp=Trip("", 1, []))  # BAD misspelt input
    runtime.schedule("nightly", "0 6 * * *", book_trip, Trip("", 1, []))  # BAD no trigger
    runtime.schedule(Cron("@daily"), book_trip, Trip("", 1, []))  # BAD no name
    runtime.schedule("nightly", Cron("@daily"), label, "x")  # BAD a step isn't a workflow
    runtime.options(timeout=60).schedule("nightly", Cron("@daily"), book_trip, 3)  # BAD input


a = Cron("@daily", missed="never")  # BAD no such policy
b = Every("5m")  # BAD no interval
c = Every(5, overlap="wait")  # BAD no such policy
d = Cron("@daily", 3)  # BAD no time zone
