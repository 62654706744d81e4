"""When `Cron` and `Every` come due: time zones, changes of the clocks, and what is no trigger."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorflow import Cron, Every, InvalidInput

CRON: Any = Cron
EVERY: Any = Every
"""For what type checkers would refuse."""
OSLO = ZoneInfo("Europe/Oslo")
SPRING = datetime(2030, 3, 30, 12, tzinfo=OSLO)
"""The day before 02:00 is followed by 03:00."""
AUTUMN = datetime(2030, 10, 26, 12, tzinfo=OSLO)
"""The day before 03:00 is followed by 02:00."""


def dues(trigger: Cron | Every, after: datetime, count: int) -> list[str]:
    """The first due times after a moment, with their distance from UTC."""
    found: list[str] = []
    due = trigger.after(after)
    while due is not None and len(found) < count:
        found.append(due.isoformat(sep=" ", timespec="minutes"))
        due = trigger.after(due)
    return found


# ── crontab lines ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_comes_due_at_the_times_of_its_line_in_its_time_zone() -> None:
    assert dues(Cron("0 6 * * mon-fri", "Europe/Oslo"), datetime(2030, 1, 3, 12, tzinfo=UTC), 3) == [
        "2030-01-04 06:00+01:00",
        "2030-01-07 06:00+01:00",
        "2030-01-08 06:00+01:00",
    ]
    assert dues(Cron("30 */8 1 * *"), datetime(2030, 1, 3, tzinfo=OSLO), 2) == [
        "2030-02-01 00:30+00:00",
        "2030-02-01 08:30+00:00",
    ]


def test_a_time_zone_is_a_name_or_an_object() -> None:
    begin = datetime(2030, 1, 1, tzinfo=UTC)
    assert dues(Cron("0 6 * * *", OSLO), begin, 1) == dues(Cron("0 6 * * *", "Europe/Oslo"), begin, 1)
    assert dues(Cron("0 6 * * *", timezone(timedelta(hours=5, minutes=30))), begin, 1) == ["2030-01-01 06:00+05:30"]


def test_it_may_be_told_to_the_second_and_by_nickname() -> None:
    begin = datetime(2030, 1, 1, tzinfo=UTC)
    assert Cron("*/20 * * * * *").after(begin) == begin + timedelta(seconds=20)
    assert [Cron(name).after(begin) for name in ("@hourly", "@daily", "@weekly", "@monthly", "@Yearly")] == [
        datetime(2030, 1, 1, 1, tzinfo=UTC),
        datetime(2030, 1, 2, tzinfo=UTC),
        datetime(2030, 1, 6, tzinfo=UTC),
        datetime(2030, 2, 1, tzinfo=UTC),
        datetime(2031, 1, 1, tzinfo=UTC),
    ]


def test_a_time_of_day_that_does_not_exist_comes_due_right_after_the_gap() -> None:
    assert dues(Cron("30 2 * * *", "Europe/Oslo"), SPRING, 2) == ["2030-03-31 03:00+02:00", "2030-04-01 02:30+02:00"]


def test_several_in_a_gap_come_due_once() -> None:
    assert dues(Cron("0,30,45 2 * * *", "Europe/Oslo"), SPRING, 2) == [
        "2030-03-31 03:00+02:00",
        "2030-04-01 02:00+02:00",
    ]


def test_a_time_of_day_that_comes_twice_comes_due_once() -> None:
    assert dues(Cron("30 2 * * *", "Europe/Oslo"), AUTUMN, 2) == ["2030-10-27 02:30+02:00", "2030-10-28 02:30+01:00"]
    within = datetime(2030, 10, 27, 2, 15, tzinfo=OSLO, fold=1)
    assert dues(Cron("30 2 * * *", "Europe/Oslo"), within, 1) == ["2030-10-28 02:30+01:00"]


def test_what_comes_due_through_every_hour_goes_by_the_time_that_passes() -> None:
    half_hours = Cron("*/30 * * * *", "Europe/Oslo")
    assert dues(half_hours, datetime(2030, 3, 31, 1, 15, tzinfo=OSLO), 3) == [
        "2030-03-31 01:30+01:00",
        "2030-03-31 03:00+02:00",
        "2030-03-31 03:30+02:00",
    ]
    assert dues(half_hours, datetime(2030, 10, 27, 2, 15, tzinfo=OSLO), 4) == [
        "2030-10-27 02:30+02:00",
        "2030-10-27 02:00+01:00",
        "2030-10-27 02:30+01:00",
        "2030-10-27 03:00+01:00",
    ]


def test_a_day_of_the_month_that_is_rare_is_found() -> None:
    assert dues(Cron("0 0 29 2 *"), datetime(2030, 1, 1, tzinfo=UTC), 2) == [
        "2032-02-29 00:00+00:00",
        "2036-02-29 00:00+00:00",
    ]


def at(month: int, day: int, hour: int) -> datetime:
    return datetime(2030, month, day, hour, tzinfo=UTC)


EXPRESSIONS = st.sampled_from([
    "30 2 * * *", "0,30,45 2 * * *", "*/30 * * * *", "0 * * * *", "15 */2 * * *", "0 0 * * *", "30 1,2,3 * * *", "*/7 1-3 * * *",
    "59 23 * * *",
])  # fmt: skip
ZONES = st.sampled_from(
    ["Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kolkata", "UTC"]
)
DAYS = [at(3, 30, 22), at(10, 26, 22), at(4, 6, 12), at(10, 5, 12)]
MOMENTS = st.builds(
    lambda day, seconds: day + timedelta(seconds=seconds),
    st.sampled_from(DAYS),
    st.one_of(st.integers(0, 60 * 60 * 8), st.integers(0, 86_400 * 200)),
)


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS, ZONES, MOMENTS, st.integers(0, 7 * 3600))
def test_due_times_are_the_same_from_wherever_one_begins(
    expression: str, zone: str, moment: datetime, ago: int
) -> None:
    """They grow, and the first one after a moment doesn't depend on who asks: else two replicas would fire different ones."""
    trigger = Cron(expression, zone)
    found = list(islice(trigger.following(moment - timedelta(seconds=ago)), 120))
    assert found == sorted(set(found))
    later = [due for due in found if due > moment]
    assert later[:5] == list(islice(trigger.following(moment), len(later[:5])))


# ── intervals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_interval_is_counted_from_the_epoch_so_that_all_processes_agree() -> None:
    begin = datetime(2030, 1, 1, 0, 7, 30, tzinfo=OSLO)
    assert dues(Every(timedelta(minutes=5)), begin, 2) == ["2029-12-31 23:10+00:00", "2029-12-31 23:15+00:00"]
    assert dues(Every(300), begin, 2) == dues(Every(timedelta(minutes=5)), begin, 2)
    assert dues(Every(3600, timedelta(minutes=15)), begin, 1) == ["2029-12-31 23:15+00:00"]
    assert dues(Every(3600, -45 * 60), begin, 1) == ["2029-12-31 23:15+00:00"]


def test_an_interval_may_be_shorter_than_a_second() -> None:
    begin = datetime(2030, 1, 1, tzinfo=UTC)
    assert list(islice(Every(0.1).following(begin), 3)) == [begin + timedelta(milliseconds=100 * n) for n in (1, 2, 3)]


def test_at_the_end_of_time_nothing_comes_due() -> None:
    late = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert Every(3600).after(late) is None
    assert Cron("0 6 * * *").after(late) is None
    assert Cron("0 6 * * *", "Europe/Oslo").after(late) is None


# ── what is no trigger ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Cron("0 6 * *"), "wrong number of fields"),
        (lambda: Cron("61 * * * *"), "bad minute"),
        (lambda: Cron("0 6 * * someday"), "bad day-of-week"),
        (lambda: Cron("0 0 30 2 *"), "bad day-of-month"),
        (lambda: Cron("@never"), "wrong number of fields"),
        (lambda: Cron(""), "is text"),
        (lambda: CRON(6), "is text"),
        (lambda: Cron("0 6 * * *", "Europe/Olso"), "there is no time zone 'Europe/Olso'"),
        (lambda: Cron("0 6 * * *", "../etc/passwd"), "there is no time zone"),
        (lambda: Cron("0 6 * * *", "Europe"), "there is no time zone"),
        (lambda: CRON("0 6 * * *", 1), "timezone is an IANA name"),
        (lambda: Every(0), "from a millisecond"),
        (lambda: Every(-5), "from a millisecond"),
        (lambda: Every(timedelta(0)), "from a millisecond"),
        (lambda: Every(timedelta.max), "from a millisecond"),
        (lambda: Every(float("nan")), "interval is a timedelta"),
        (lambda: EVERY("5m"), "interval is a timedelta"),
        (lambda: Every(True), "interval is a timedelta"),
        (lambda: EVERY(5, "x"), "offset is a timedelta"),
        (lambda: EVERY(5, missed="never"), "missed is"),
        (lambda: EVERY(5, overlap="maybe"), "overlap is"),
        (lambda: Every(5, grace=-1), "grace is a number of seconds"),
        (lambda: Every(5, missed="all", overlap="skip"), "would drop them"),
        (lambda: Every(5, missed="skip", overlap="queue"), "would drop it"),
    ],
)
def test_what_is_no_trigger_is_refused_when_it_is_made(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        make()


def test_a_moment_without_a_time_zone_is_refused() -> None:
    for trigger in (Every(5), Cron("0 6 * * *")):
        with pytest.raises(InvalidInput, match="has no time zone"):
            trigger.after(datetime(2030, 1, 1))  # noqa: DTZ001  # that is the point


def test_what_follows_from_what_is_told() -> None:
    assert [Every(5, missed=missed).overlaps for missed in ("skip", "once", "all")] == ["skip", "skip", "queue"]
    assert Every(5, missed="all", overlap="allow").overlaps == "allow"
    assert Every(60).text == Every(timedelta(minutes=1)).text != Every(61).text
    assert Cron("0  6 * * *").text == Cron("0 6 * * *").text != Cron("0 6 * * *", "Europe/Oslo").text
    assert Cron("@daily").text == Cron("0 0 * * *").text


def test_without_its_package_cron_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cronsim", None)
    with pytest.raises(ImportError, match=r"actorflow\[cron\]"):
        Cron("0 6 * * *")
    assert Every(5).after(datetime(2030, 1, 1, tzinfo=UTC)) is not None
