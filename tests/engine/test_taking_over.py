"""R49 to R54 on the pure engine: a run is lost with its process, built again from its messages, and taken over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from actorflow import facts
from actorflow.engine import decide, end_turn, orders
from actorflow.engine.state import READY, SET_ASIDE
from actorflow.errors import OutcomeUnknown, StepTimeout
from actorflow.plan import Plan
from actorflow.policy import TryAgain
from tests.engine.drive import (
    Drive,
    Message,
    chain,
    crash,
    fails,
    fan,
    guards_pass,
    halts,
    handler,
    is_compensated,
    is_overdue,
    is_undone,
    permit_comes,
    recovers,
    resume,
    resume_with,
    retry_is_due,
    step,
    succeeds,
    undo_fails,
)
from tests.simulation.sameness import check_same

NO = OSError("no")
LATER = TryAgain("later")


class Case(NamedTuple):
    """`history` is what follows from the messages `told`, after those of `before`."""

    rule: str
    plan: Plan
    before: Sequence[Message]
    told: Sequence[Message]
    history: str
    options: Mapping[str, Any] = {}


CASES = [
    Case(
        "R50 R53 an attempt in flight is lost, and runs again with a number of its own; what is complete doesn't",
        chain(step(), step(), step()),
        [succeeds(0, "a")],
        [crash(), succeeds(1, "b"), succeeds(2, "c")],
        """
        LeaseTaken AttemptLost:1#1 StepStarted:1#2 StepSucceeded:1#2 StepScheduled:2#0 StepStarted:2#1
        StepSucceeded:2#1 RunEnded:succeeded:none
        """,
    ),
    Case(
        "R53 a lost attempt doesn't count against Retry",
        chain(step(attempts=2)),
        [],
        [crash(), fails(0, LATER, again=True), retry_is_due(0), fails(0, LATER, again=True)],
        """
        LeaseTaken AttemptLost:0#1 StepStarted:0#2 AttemptFailed:0#2 RetryScheduled:0#2 StepStarted:0#3
        AttemptFailed:0#3 StepGaveUp:0#3 RollbackStarted RunEnded:failed:none
        """,
    ),
    Case(
        "R31 R53 nor is it one of max_steps",
        chain(step(), step()),
        [],
        [crash(), succeeds(0), succeeds(1)],
        """
        LeaseTaken AttemptLost:0#1 StepStarted:0#2 StepSucceeded:0#2 StepScheduled:1#0 StepStarted:1#1
        StepSucceeded:1#1 RunEnded:succeeded:none
        """,
        {"max_steps": 2},
    ),
    Case(
        "R53 a step that was lost three times is set aside; when a person has said retry it has three more",
        chain(step()),
        [crash(), crash()],
        [crash(), resume_with({0: "retry"}), crash(), crash(), succeeds(0)],
        """
        LeaseTaken AttemptLost:0#3 RunPaused:set_aside RunEnded:halted:none
        RunResumed:(0,) StepStarted:0#4 LeaseTaken AttemptLost:0#4 StepStarted:0#5
        LeaseTaken AttemptLost:0#5 StepStarted:0#6 StepSucceeded:0#6 RunEnded:succeeded:none
        """,
    ),
    Case(
        "R53 how often is settable",
        chain(step()),
        [],
        [crash(lost_limit=1)],
        "LeaseTaken AttemptLost:0#1 RunPaused:set_aside RunEnded:halted:none",
    ),
    Case(
        "R49 an irreversible one isn't run again: the run is halted for a person, others run again when it is resumed",
        fan(step(), step(irreversible=True)),
        [],
        [crash(), resume_with({1: "retry"})],
        """
        LeaseTaken AttemptLost:0#1 AttemptLost:1#1 RunPaused:set_aside RunEnded:halted:none
        RunResumed:(1,) StepStarted:0#2 StepStarted:1#2
        """,
    ),
    Case(
        "R49 a person says that it has failed: nobody knows what it has done",
        fan(step(undo=handler()), step(irreversible=True)),
        [succeeds(0)],
        [crash(), resume_with({1: "fail"}), is_undone(0)],
        """
        LeaseTaken AttemptLost:1#1 RunPaused:set_aside RunEnded:halted:none RunResumed AttemptFailed:1#1 StepGaveUp:1#1
        RollbackStarted UndoStarted:0#1/1 StepUndone:0#1/1 RunEnded:failed:incomplete
        """,
    ),
    Case(
        "R54 one that runs again says what became of it: its failure isn't an unknown outcome",
        chain(step(undo=handler())),
        [],
        [crash(), fails(0, NO)],
        """
        LeaseTaken AttemptLost:0#1 StepStarted:0#2 AttemptFailed:0#2 StepGaveUp:0#2 RollbackStarted
        RunEnded:failed:none
        """,
    ),
    Case(
        "R54 one that waits to run again when the run is rolled back is offered to its compensation",
        fan(step(compensate=handler()), step(irreversible=True)),
        [],
        [crash(), resume_with({1: "fail"}), is_compensated(0)],
        """
        LeaseTaken AttemptLost:0#1 AttemptLost:1#1 RunPaused:set_aside RunEnded:halted:none RunResumed AttemptFailed:1#1
        StepGaveUp:1#1 RollbackStarted CompensationStarted:0#1/1 StepCompensated:0#1/1 StepGaveUp:0#1
        RunEnded:failed:incomplete
        """,
    ),
    Case(
        "R54 in a rollback its outcome is unknown, and offered to its compensation",
        fan(step(compensate=handler()), step()),
        [fails(1, NO)],
        [crash(), is_compensated(0)],
        """
        LeaseTaken AttemptLost:0#1 CompensationStarted:0#1/1 StepCompensated:0#1/1 StepGaveUp:0#1
        RunEnded:failed:complete
        """,
    ),
    Case(
        "R54 or to an undo that asked for such",
        fan(step(undo=handler(unknown=True)), step()),
        [fails(1, NO)],
        [crash(), is_undone(0)],
        "LeaseTaken AttemptLost:0#1 StepGaveUp:0#1 UndoStarted:0#1/1 StepUndone:0#1/1 RunEnded:failed:complete",
    ),
    Case(
        "R54 R52 else it is listed: the rollback is incomplete",
        fan(step(undo=handler()), step()),
        [fails(1, NO)],
        [crash()],
        "LeaseTaken AttemptLost:0#1 StepGaveUp:0#1 RunEnded:failed:incomplete",
    ),
    Case(
        "R50 a rollback goes on where it stood: the undo is made again, as the same try",
        chain(step(undo=handler()), step(undo=handler()), step()),
        [succeeds(0), succeeds(1), fails(2, NO), is_undone(1), undo_fails(0, NO)],
        [lambda drive: orders.HandlerDue("r", 0, 1, drive.state.retry_at[0]), crash(), is_undone(0)],
        "UndoStarted:0#1/2 LeaseTaken StepUndone:0#1/2 RunEnded:failed:complete",
    ),
    Case(
        "R50 a compensation is made again, as the same try, and may still recover its step",
        chain(step(compensate=handler())),
        [fails(0, NO)],
        [crash(), crash(), recovers(0, "a")],
        "LeaseTaken LeaseTaken StepRecovered:0#1/1 RunEnded:succeeded:complete",
    ),
    Case(
        "R28 R50 an undo that had its permits asks for them again",
        chain(step(limit="bank", undo=handler()), step()),
        [succeeds(0), fails(1, NO), permit_comes(0)],
        [crash(), permit_comes(0), is_undone(0)],
        "LeaseTaken UndoStarted:0#1/1 StepUndone:0#1/1 RunEnded:failed:complete",
    ),
    Case(
        "R28 a step that had its permits asks for them again",
        chain(step(limit="bank")),
        [],
        [crash(), succeeds(0)],
        "LeaseTaken AttemptLost:0#1 StepStarted:0#2 StepSucceeded:0#2 RunEnded:succeeded:none",
    ),
    Case(
        "R17 guards run again, which doesn't count, and those that have passed don't",
        fan(step(guards=1, attempts=1), step(guards=1)),
        [guards_pass(1)],
        [crash(), guards_pass(0), succeeds(0), succeeds(1)],
        """
        LeaseTaken AttemptLost:1#1 GuardsStarted:0#2 StepStarted:1#2 GuardsPassed:0#2 StepStarted:0#2
        StepSucceeded:0#2 StepSucceeded:1#2 RunEnded:succeeded:none
        """,
    ),
    Case(
        "R16 in a halt it is interrupted: the run is halted, and it runs again on resume",
        fan(step(), step()),
        [halts(0)],
        [crash(), resume(), succeeds(1)],
        "LeaseTaken AttemptLost:1#1 RunEnded:halted:none RunResumed StepStarted:1#2 StepSucceeded:1#2 RunEnded:succeeded:none",
    ),
    Case(
        "R11 one whose time was over is lost like any other",
        chain(step()),
        [is_overdue(0, StepTimeout("0", 1.0))],
        [crash(), succeeds(0)],
        "LeaseTaken AttemptLost:0#1 StepStarted:0#2 StepSucceeded:0#2 RunEnded:succeeded:none",
    ),
    Case(
        "R50 a halted run stays as it is",
        fan(step(), step()),
        [halts(0), succeeds(1)],
        [crash(), crash()],
        "LeaseTaken LeaseTaken",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_takeover(case: Case) -> None:
    drive = Drive(case.plan, **case.options)
    drive.tell(*case.before)
    drive.take_history()
    drive.tell(*case.told)
    assert drive.take_history().split() == case.history.split()
    check_same(drive.state, drive.built_again())


# ── orders ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def orders_of_a_takeover(drive: Drive, **how: Any) -> list[Any]:
    drive.take_orders()
    drive.crash(**how)
    return drive.take_orders()


def test_r50_a_retry_is_due_when_it_was_by_the_new_runtimes_clock() -> None:
    drive = Drive(fan(step(), step()))
    drive.tell(fails(0, LATER, again=True, delay=5.0))
    assert orders_of_a_takeover(drive, shift=100.0) == [orders.Remind(105.0, orders.RetryDue("r", 0, 1, 105.0))]


def test_r50_a_retry_that_was_due_meanwhile_is_due_now() -> None:
    drive = Drive(chain(step()))
    drive.tell(fails(0, LATER, again=True, delay=5.0))
    drive.now = 9.0
    assert orders_of_a_takeover(drive) == [orders.Remind(9.0, orders.RetryDue("r", 0, 1, 9.0))]
    drive.tell(lambda _: orders.RetryDue("r", 0, 1, 9.0))
    assert drive.state.attempt == [2]


def test_r50_a_compensation_gets_its_error_again_as_the_same_try() -> None:
    drive = Drive(chain(step(compensate=handler())))
    drive.tell(fails(0, NO))
    assert orders_of_a_takeover(drive) == [orders.CompensateStep(0, 1, 1, NO)]


def test_r50_an_undo_is_ordered_again_as_the_same_try() -> None:
    drive = Drive(chain(step(undo=handler()), step()))
    drive.tell(succeeds(0), fails(1, NO), undo_fails(0, NO))
    assert orders_of_a_takeover(drive) == [orders.Remind(1.0, orders.HandlerDue("r", 0, 1, 1.0))]
    drive.now = 1.0
    drive.tell(lambda _: orders.HandlerDue("r", 0, 1, 1.0))
    assert orders_of_a_takeover(drive) == [orders.UndoStep(0, 1, 2)]


def test_r28_a_handler_that_had_permits_or_waited_for_them_asks_at_the_front() -> None:
    drive = Drive(chain(step(limit="bank", undo=handler()), step()))
    drive.tell(succeeds(0), fails(1, NO))
    assert orders_of_a_takeover(drive) == [orders.AskPermits(0)]
    drive.tell(permit_comes(0))
    assert orders_of_a_takeover(drive) == [orders.AskPermits(0)]


def test_r44_middleware_looks_at_the_result_again() -> None:
    drive = Drive(chain(step()), checked=True)
    drive.tell(succeeds(0))
    assert orders_of_a_takeover(drive) == [orders.CheckResult((None,))]


def test_r54_a_lost_attempt_is_told_with_an_unknown_outcome() -> None:
    drive = Drive(fan(step(compensate=handler()), step()))
    drive.tell(fails(1, NO))
    (order,) = orders_of_a_takeover(drive)
    assert isinstance(order, orders.CompensateStep)
    assert isinstance(order.error, OutcomeUnknown)
    assert "'n0' was in flight when its process was lost" in str(order.error)


def test_r50_permits_died_with_their_owner_so_none_is_given_back() -> None:
    drive = Drive(fan(step(limit="bank", irreversible=True), step()))
    assert not any(isinstance(order, orders.ReleasePermits) for order in orders_of_a_takeover(drive))
    assert not drive.state.held
    assert drive.state.status[0] == SET_ASIDE
    assert drive.state.status[1] == READY


# ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_r50_all_times_are_by_the_new_clock() -> None:
    """R14: `within` bounds attempts and waits together, the time while nobody had the run among them."""
    drive = Drive(chain(step(within=10.0)))
    drive.tell(fails(0, LATER, again=True, delay=1.0))
    drive.now = 4.0
    drive.crash(shift=1000.0)
    assert (drive.state.began, drive.state.first_at, drive.state.retry_at) == (1000.0, {0: 1000.0}, {0: 1004.0})


def test_a_takeover_tells_who_has_the_run_now() -> None:
    drive = Drive(chain(step()))
    again = drive.built_again()
    decide(again, orders.TakeOver("r", 3.0, 0.0, 3, "w2"), 3.0)
    assert end_turn(again)[0] == facts.LeaseTaken("r", 3.0, "w2")
