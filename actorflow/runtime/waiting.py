"""Waits begin here: until when, for which signal, and who may answer. From then on nothing executes for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from actorflow.engine import NothingBegun
from actorflow.errors import InvalidValue, brief
from actorflow.facts import WaitStarted

if TYPE_CHECKING:
    from actorflow.clock import Clock
    from actorflow.plan import StepSpec, WaitSpec
    from actorflow.runtime.row import Row
    from actorflow.runtime.step_runner import StepRunner


def begin_wait(
    runner: StepRunner, row: Row, node: int, number: int, step: StepSpec, arguments: Sequence[Any]
) -> WaitStarted | NothingBegun:
    """What the engine is told: the wait, or that it can't begin with these arguments."""
    wait = step.wait
    assert wait is not None
    at = runner.monotonic()
    try:
        given = dict(zip(wait.given, arguments, strict=True))
        due = due_of(given, runner.services.clock, at)
        signal = wait.signal
        return WaitStarted(row.id, node, number, at, due, signal, question_of(wait, given), people_of(given))
    except Exception as error:
        return NothingBegun(row.id, node, number, at, error)


def due_of(given: Mapping[str, Any], clock: Clock, now: float) -> float | None:
    """A monotonic time; `None`: it isn't bound in time."""
    if "when" in given:
        return now + moment_of(given["when"]) - clock.time()
    until = given.get("seconds", given.get("timeout"))
    return None if until is None else now + seconds_of(until)


def moment_of(when: Any) -> float:
    if not isinstance(when, datetime) or when.tzinfo is None or when.utcoffset() is None:
        raise InvalidValue(f"can't tell when {brief(when)} is: it takes a datetime with a time zone")
    return when.timestamp()


def seconds_of(value: Any) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_number or not math.isfinite(seconds) or seconds < 0:
        raise InvalidValue(f"can't wait for {brief(value)}: it takes seconds from 0 on, or a timedelta")
    return float(seconds)


def question_of(wait: WaitSpec, given: Mapping[str, Any]) -> str | None:
    if wait.kind != "approval":
        return None
    question = given["question"]
    if not isinstance(question, str):
        raise InvalidValue(f"can't ask {brief(question)}: a question is text")
    return question


def people_of(given: Mapping[str, Any]) -> tuple[str, ...]:
    by: Any = given.get("by", ())
    people = (by,) if isinstance(by, str) else tuple(cast("Sequence[Any]", by))
    if not all(isinstance(one, str) and one for one in people) or ("by" in given and not people):
        raise InvalidValue(f"can't be answered by {brief(by)}: it takes names")
    return people
