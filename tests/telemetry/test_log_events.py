"""The structlog exporter: one readable line for each event."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from structlog.testing import CapturingLogger

from actorflow import facts
from actorflow.facts import Event, Fact
from actorflow.telemetry import log_events
from actorflow.telemetry.logs import level_of, words_of


def event(fact: Any, node: str = "", duration: float | None = None) -> Event:
    return Event(fact, fact.run, 1, node, fact.attempt, 1.0, fact.at, duration)


def logged(*events: Event) -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    logger = CapturingLogger()
    write = log_events(logger)
    for one in events:
        write(one)
    return [(call.method_name, call.args, dict(call.kwargs)) for call in logger.calls]


def test_a_step_that_went_well_is_a_debug_line_with_its_time_in_milliseconds() -> None:
    fact = facts.StepSucceeded("r", 0, 2, 3.0, "a value that isn't shown", 1.5)
    assert logged(event(fact, "charge", 1.5)) == [
        ("debug", ("step succeeded",), {"run": "r", "node": "charge", "attempt": 2, "ms": 1500.0})
    ]


def test_a_failed_attempt_is_a_warning_with_the_errors_text() -> None:
    fact = facts.AttemptFailed("r", 0, 1, 3.0, ValueError("no seat"), again=False, delay=0.0, began=1.0)
    [(level, words, fields)] = logged(event(fact, "book", 2.0))
    assert (level, words, fields["error"]) == ("warning", ("attempt failed",), "ValueError: no seat")


def test_a_retry_says_in_how_many_seconds_and_why() -> None:
    fact = facts.RetryScheduled("r", 0, 1, 3.0, 3.25, TimeoutError("slow"))
    [(_, words, fields)] = logged(event(fact, "book"))
    assert (words, fields["again_in_s"], fields["error"]) == (("retry scheduled",), 0.25, "TimeoutError: slow")


@pytest.mark.parametrize(
    ("status", "level"),
    [("succeeded", "info"), ("halted", "info"), ("failed", "error"), ("cancelled", "warning"), ("undone", "warning")],
)
def test_a_runs_end_has_the_level_and_the_words_of_its_status(status: str, level: str) -> None:
    ended = facts.RunEnded("r", 3.0, status, "complete", 1.0)
    assert logged(event(ended, duration=2.0)) == [
        (level, (f"run {status}",), {"run": "r", "ms": 2000.0, "rollback": "complete"})
    ]


def test_lost_events_are_a_warning_with_their_number() -> None:
    assert logged(event(facts.EventsLost("", 1.0, 17))) == [("warning", ("events lost",), {"count": 17})]


def test_an_actor_that_failed_is_an_error_and_one_that_ended_is_not() -> None:
    assert level_of(facts.ActorStopped("pool", 1.0, None)) == "debug"
    assert level_of(facts.ActorStopped("pool", 1.0, ValueError())) == "error"


def test_every_fact_has_words_and_a_level() -> None:
    def kinds(kind: type[Fact]) -> list[type[Fact]]:
        return [kind, *(below for child in kind.__subclasses__() for below in kinds(child))]

    for kind in kinds(Fact):
        fact: Any = kind(*[None] * len(kind.__struct_fields__))
        if kind not in {facts.RunEnded, facts.ActorStopped}:
            assert words_of(fact) == words_of(fact).lower()
            assert level_of(fact) in {"debug", "info", "warning", "error"}


def test_without_a_logger_structlogs_own_is_taken() -> None:
    with structlog.testing.capture_logs() as logs:
        log_events()(event(facts.RunStarted("r", 1.0, "trip", {})))
    assert logs == [{"event": "run started", "log_level": "info", "run": "r", "workflow": "trip"}]


def test_fields_are_shown_that_say_something_and_left_out_that_do_not() -> None:
    waited = facts.PermitsWaited("r", 0, 0, 1.0, ("airline",))
    ended = facts.RunEnded("r", 3.0, "succeeded", "none", 1.0)
    assert [fields for _, _, fields in logged(event(waited, "book"), event(ended))] == [
        {"run": "r", "node": "book", "pools": ("airline",)},
        {"run": "r"},
    ]
