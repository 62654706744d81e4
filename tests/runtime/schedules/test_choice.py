"""Which due times are fired: against a model that goes through all of them one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorflow import Cron, Every
from actorflow.runtime.schedule_choice import MADE_UP_FOR, Choice, choose, latest

NOON = datetime(2030, 3, 30, 12, tzinfo=UTC)
TRIGGERS = st.sampled_from([
    Every(60), Every(7, 3), Every(3600), Cron("*/5 * * * *"), Cron("30 2 * * *", "Europe/Oslo"), Cron("0 * * * *", "Europe/Oslo"),
    Cron("0 6 * * mon"), Cron("*/20 * * * * *"), Every(86_400),
])  # fmt: skip
POLICIES = st.sampled_from(["skip", "once", "all"])
SPANS = st.one_of(st.integers(0, 300), st.integers(0, 5_000), st.integers(0, 400_000))


def with_policy(trigger: Any, **policy: Any) -> Any:
    return type(trigger)(**{name: getattr(trigger, name) for name in trigger.__struct_fields__} | policy)


def all_due(trigger: Any, reached: datetime, now: datetime) -> list[datetime]:
    due: list[datetime] = []
    following = trigger.after(reached)
    while following is not None and following <= now:
        due.append(following)
        following = trigger.after(following)
    return due


def model(trigger: Any, reached: datetime, now: datetime) -> tuple[list[datetime], list[datetime]]:
    """What is fired, and what is passed over."""
    due = all_due(trigger, reached, now)
    kept = {"all": due[-MADE_UP_FOR:], "once": due[-1:], "skip": [one for one in due[-1:] if now - one <= GRACE]}[
        trigger.missed
    ]
    return kept, due[: len(due) - len(kept)]


GRACE = timedelta(seconds=30)


@settings(max_examples=150, deadline=None)
@given(TRIGGERS, POLICIES, st.integers(0, 90_000), SPANS)
def test_they_are_those_of_the_model(trigger: Any, missed: str, begin: int, span: int) -> None:
    trigger = with_policy(trigger, missed=missed, grace=GRACE.total_seconds())
    reached = NOON + timedelta(seconds=begin)
    now = reached + timedelta(seconds=span)
    fired, passed = model(trigger, reached, now)
    choice = choose(trigger, reached, now)
    assert list(choice.dues) == fired
    assert choice.passed == ((passed[0], passed[-1]) if passed else None)


@settings(max_examples=100, deadline=None)
@given(TRIGGERS, st.integers(0, 90_000), st.lists(SPANS, min_size=1, max_size=6))
def test_whoever_looks_however_often_fires_each_once_and_in_order(trigger: Any, begin: int, spans: list[int]) -> None:
    """With `all` nothing is left out, wherever the looks fall; with the others nothing is fired that wasn't due."""
    for missed in ("all", "once", "skip"):
        asked = with_policy(trigger, missed=missed)
        reached = now = NOON + timedelta(seconds=begin)
        fired: list[datetime] = []
        for span in spans:
            now += timedelta(seconds=span % 4_000)
            choice = choose(asked, reached, now)
            fired += choice.dues
            reached = max([reached, *choice.dues, *(choice.passed or ())])
        every = all_due(trigger, NOON + timedelta(seconds=begin), now)
        assert fired == sorted(set(fired))
        assert set(fired) <= set(every)
        if missed == "all":
            assert fired == every


def test_a_clock_that_went_back_has_nothing_due() -> None:
    assert choose(Every(1), NOON, NOON - timedelta(days=1)) == Choice(())
    assert choose(Every(1), NOON, NOON) == Choice(())


@pytest.mark.parametrize(
    "trigger", [Every(0.001, missed="all"), Cron("* * * * * *", missed="all"), Cron("* * * * * *")]
)
def test_a_year_of_nobody_being_there_is_looked_through_quickly(trigger: Any) -> None:
    before = process_time()
    choice = choose(trigger, NOON, NOON + timedelta(days=365))
    assert process_time() - before < 2.0
    assert len(choice.dues) == (MADE_UP_FOR if trigger.missed == "all" else 1)
    assert choice.dues[-1] == NOON + timedelta(days=365)
    assert choice.passed is not None
    assert choice.passed[0] - NOON == trigger.pace
    assert choice.dues[0] - choice.passed[1] == trigger.pace


def test_the_latest_are_those_before_a_moment_and_it_too() -> None:
    assert latest(Every(60), NOON, NOON + timedelta(minutes=3), 2) == (
        NOON + timedelta(minutes=2),
        NOON + timedelta(minutes=3),
    )
    assert latest(Cron("0 6 * * *"), NOON, NOON + timedelta(hours=3), 2) == ()
