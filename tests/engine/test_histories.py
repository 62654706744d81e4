"""Rules of SEMANTICS on the pure engine: what it is told, and the whole history of facts that comes of it, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from actorflow.errors import StepTimeout, WorkerLost
from actorflow.plan import Plan
from actorflow.policy import Skip, TryAgain
from tests.engine.drive import (
    Drive,
    Message,
    cancel,
    chain,
    compensation_fails,
    fails,
    fan,
    grace_is_over,
    guard_fails,
    guards_pass,
    halts,
    handler,
    handler_is_due,
    is_compensated,
    is_interrupted,
    is_overdue,
    is_skipped,
    is_undone,
    nothing_begun,
    patience_is_over,
    permit_comes,
    recovers,
    resume,
    resume_with,
    retry_is_due,
    step,
    succeeds,
    time_is_over,
    undo_all,
    undo_fails,
)
from tests.simulation.plans import build
from tests.simulation.sameness import check_same

NO = OSError("no")
LATER = TryAgain("later")


class Case(NamedTuple):
    """`errors`: those that the run carries (R24), as node, phase, attempt and class."""

    rule: str
    plan: Plan
    told: Sequence[Message]
    history: str
    errors: Sequence[str] = ()
    options: Mapping[str, Any] = {}


CASES = [
    Case(
        "R4 a run ends when every node is resolved",
        fan(step(), step()),
        [succeeds(1), succeeds(0)],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepStarted:0#1 StepStarted:1#1 StepSucceeded:1#1
        StepSucceeded:0#1 RunEnded:succeeded:none
        """,
    ),
    Case(
        "R14 another attempt is asked for, after a wait, and isn't compensated",
        chain(step(compensate=handler())),
        [fails(0, LATER, again=True), retry_is_due(0), succeeds(0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 AttemptFailed:0#1 RetryScheduled:0#1
        StepStarted:0#2 StepSucceeded:0#2 RunEnded:succeeded:none
        """,
    ),
    Case(
        "R14 out of attempts it fails, and then it is compensated",
        chain(step(compensate=handler(), attempts=2)),
        [fails(0, LATER, again=True), retry_is_due(0), fails(0, LATER, again=True), is_compensated(0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 AttemptFailed:0#1 RetryScheduled:0#1
        StepStarted:0#2 AttemptFailed:0#2 CompensationStarted:0#2/1 StepCompensated:0#2/1 StepGaveUp:0#2
        RollbackStarted RunEnded:failed:complete
        """,
        errors=["n0 run 2 AttemptsExhausted"],
    ),
    Case(
        "R14 a wait that would end after `within` isn't begun",
        chain(step(within=1.0)),
        [fails(0, LATER, again=True, delay=2.0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 AttemptFailed:0#1 StepGaveUp:0#1 RollbackStarted
        RunEnded:failed:none
        """,
        errors=["n0 run 1 AttemptsExhausted"],
    ),
    Case(
        "R16 Halt: the step is done, siblings are waited for, nothing new starts",
        build([(), (), (0,)], [(), (), (0,)], [False, False, False], [step()] * 3),
        [halts(0), succeeds(1), resume(), succeeds(2)],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepStarted:0#1 StepStarted:1#1 StepHalted:0#1
        StepScheduled:2#0 RunPaused:n0 StepSucceeded:1#1 RunEnded:halted:none RunResumed StepStarted:2#1
        StepSucceeded:2#1 RunEnded:succeeded:none
        """,
    ),
    Case(
        "R16 a sibling that goes on for too long is interrupted, and runs again on resume; that doesn't count",
        fan(step(), step(attempts=2)),
        [
            halts(0),
            patience_is_over(),
            is_interrupted(1),
            resume(),
            fails(1, LATER, again=True),
            retry_is_due(1),
            succeeds(1),
        ],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepStarted:0#1 StepStarted:1#1 StepHalted:0#1
        RunPaused:n0 StepInterrupted:1#1 RunEnded:halted:none RunResumed StepStarted:1#2
        AttemptFailed:1#2 RetryScheduled:1#2 StepStarted:1#3 StepSucceeded:1#3 RunEnded:succeeded:none
        """,
    ),
    Case(
        "R16 retries that are due wait for the resume",
        fan(step(), step()),
        [fails(0, LATER, again=True), halts(1), retry_is_due(0), resume(), retry_is_due(0), succeeds(0)],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepStarted:0#1 StepStarted:1#1 AttemptFailed:0#1
        RetryScheduled:0#1 StepHalted:1#1 RunPaused:n1 RunEnded:halted:none RunResumed StepStarted:0#2
        StepSucceeded:0#2 RunEnded:succeeded:none
        """,
    ),
    Case(
        "R16 R49 an irreversible sibling is set aside, a person says retry",
        fan(step(), step(irreversible=True)),
        [halts(0), patience_is_over(), is_interrupted(1), resume_with({1: "retry"}), succeeds(1)],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepStarted:0#1 StepStarted:1#1 StepHalted:0#1
        RunPaused:n0 StepInterrupted:1#1 RunEnded:halted:none RunResumed:(1,) StepStarted:1#2
        StepSucceeded:1#2 RunEnded:succeeded:none
        """,
    ),
    Case(
        "R49 a person says fail",
        fan(step(undo=handler()), step(irreversible=True)),
        [halts(0), patience_is_over(), is_interrupted(1), resume_with({1: "fail"}), is_undone(0)],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepStarted:0#1 StepStarted:1#1 StepHalted:0#1
        RunPaused:n0 StepInterrupted:1#1 RunEnded:halted:none RunResumed AttemptFailed:1#1
        StepGaveUp:1#1 RollbackStarted UndoStarted:0#1/1 StepUndone:0#1/1 RunEnded:failed:incomplete
        """,
        errors=["n1 run 1 OutcomeUnknown"],
    ),
    Case(
        "R49 a person gives a value",
        fan(step(), step(irreversible=True)),
        [halts(0), patience_is_over(), is_interrupted(1), resume_with({1: Skip(7)})],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepStarted:0#1 StepStarted:1#1 StepHalted:0#1
        RunPaused:n0 StepInterrupted:1#1 RunEnded:halted:none RunResumed StepSkipped:1#1
        RunEnded:succeeded:none
        """,
    ),
    Case(
        "R17 guards come first, their TryAgain counts, the first attempt takes the number of their last try",
        chain(step(guards=1)),
        [guard_fails(0, LATER, again=True), retry_is_due(0), guards_pass(0), succeeds(0)],
        """
        RunStarted StepScheduled:0#0 GuardsStarted:0#1 GuardFailed:0#1 RetryScheduled:0#1
        GuardsStarted:0#2 GuardsPassed:0#2 StepStarted:0#2 StepSucceeded:0#2 RunEnded:succeeded:none
        """,
    ),
    Case(
        "R17 a skipped step isn't undone",
        chain(step(guards=1, undo=handler()), step()),
        [is_skipped(0, 1), fails(1, NO)],
        """
        RunStarted StepScheduled:0#0 GuardsStarted:0#1 StepSkipped:0#1 StepScheduled:1#0 StepStarted:1#1
        AttemptFailed:1#1 StepGaveUp:1#1 RollbackStarted RunEnded:failed:none
        """,
        errors=["n1 run 1 OSError"],
    ),
    Case(
        "R17 a guard's error fails the step without compensation",
        chain(step(guards=1, compensate=handler())),
        [guard_fails(0, NO)],
        """
        RunStarted StepScheduled:0#0 GuardsStarted:0#1 GuardFailed:0#1 StepGaveUp:0#1 RollbackStarted
        RunEnded:failed:none
        """,
        errors=["n0 guard 1 OSError"],
    ),
    Case(
        "R18 Recover: the step succeeded, and is undone later if need be",
        chain(step(compensate=handler(), undo=handler()), step()),
        [fails(0, NO), recovers(0, 1), fails(1, NO), is_undone(0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 AttemptFailed:0#1 CompensationStarted:0#1/1
        StepRecovered:0#1/1 StepScheduled:1#0 StepStarted:1#1 AttemptFailed:1#1 StepGaveUp:1#1
        RollbackStarted UndoStarted:0#1/1 StepUndone:0#1/1 RunEnded:failed:complete
        """,
        errors=["n1 run 1 OSError"],
    ),
    Case(
        "R18 a compensation asks for another attempt; each attempt is offered once",
        chain(step(compensate=handler())),
        [fails(0, NO), is_compensated(0, again=True), retry_is_due(0), fails(0, NO), is_compensated(0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 AttemptFailed:0#1 CompensationStarted:0#1/1
        StepCompensated:0#1/1 RetryScheduled:0#1 StepStarted:0#2 AttemptFailed:0#2
        CompensationStarted:0#2/1 StepCompensated:0#2/1 StepGaveUp:0#2 RollbackStarted
        RunEnded:failed:complete
        """,
        errors=["n0 run 2 OSError"],
    ),
    Case(
        "R18 an attempt that was offered isn't offered again when a rollback finds its step waiting",
        fan(step(compensate=handler()), step()),
        [fails(0, NO), is_compensated(0, again=True), fails(1, NO)],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepStarted:0#1 StepStarted:1#1 AttemptFailed:0#1
        CompensationStarted:0#1/1 StepCompensated:0#1/1 RetryScheduled:0#1 AttemptFailed:1#1
        StepGaveUp:1#1 RollbackStarted StepGaveUp:0#1 RunEnded:failed:complete
        """,
        errors=["n1 run 1 OSError", "n0 run 1 OSError"],
    ),
    Case(
        "R18 arguments that can't be made aren't compensated",
        chain(step(compensate=handler())),
        [nothing_begun(0, NO)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 StepGaveUp:0#1 RollbackStarted RunEnded:failed:none
        """,
        errors=["n0 run 1 OSError"],
    ),
    Case(
        "R19 a compensation is tried again, then given up",
        chain(step(compensate=handler(attempts=2))),
        [fails(0, NO), compensation_fails(0, NO), handler_is_due(0), compensation_fails(0, NO)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 AttemptFailed:0#1 CompensationStarted:0#1/1
        CompensationAttemptFailed:0#1/1 CompensationRetryScheduled:0#1/1 CompensationStarted:0#1/2
        CompensationAttemptFailed:0#1/2 CompensationGaveUp:0#1/2 StepGaveUp:0#1 RollbackStarted
        RunEnded:failed:incomplete
        """,
        errors=["n0 run 1 OSError", "n0 compensate 2 CompensationFailed"],
    ),
    Case(
        "R20 a failure wins over a halt",
        fan(step(), step(), step(undo=handler())),
        [succeeds(2), halts(0), fails(1, NO), is_undone(2)],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepScheduled:2#0 StepStarted:0#1 StepStarted:1#1
        StepStarted:2#1 StepSucceeded:2#1 StepHalted:0#1 RunPaused:n0 AttemptFailed:1#1 StepGaveUp:1#1
        RollbackStarted UndoStarted:2#1/1 StepUndone:2#1/1 RunEnded:failed:complete
        """,
        errors=["n1 run 1 OSError"],
    ),
    Case(
        "R21 steps in flight end first: one succeeds and is undone, one fails and is compensated, and so is one that waited",
        fan(step(), step(undo=handler()), step(compensate=handler()), step(compensate=handler())),
        [
            fails(3, LATER, again=True),
            fails(0, NO),
            is_compensated(3),
            succeeds(1),
            fails(2, LATER, again=True),
            is_compensated(2),
            is_undone(1),
        ],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepScheduled:2#0 StepScheduled:3#0
        StepStarted:0#1 StepStarted:1#1 StepStarted:2#1 StepStarted:3#1 AttemptFailed:3#1
        RetryScheduled:3#1 AttemptFailed:0#1 StepGaveUp:0#1 RollbackStarted CompensationStarted:3#1/1
        StepCompensated:3#1/1 StepGaveUp:3#1 StepSucceeded:1#1 AttemptFailed:2#1
        CompensationStarted:2#1/1 StepCompensated:2#1/1 StepGaveUp:2#1 UndoStarted:1#1/1
        StepUndone:1#1/1 RunEnded:failed:complete
        """,
        errors=["n0 run 1 OSError", "n3 run 1 AttemptsExhausted", "n2 run 1 AttemptsExhausted"],
    ),
    Case(
        "R21 what settles for too long is cancelled and compensated",
        fan(step(), step(compensate=handler())),
        [fails(0, NO), patience_is_over(), is_interrupted(1), is_compensated(1)],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepStarted:0#1 StepStarted:1#1 AttemptFailed:0#1
        StepGaveUp:0#1 RollbackStarted StepInterrupted:1#1 CompensationStarted:1#1/1
        StepCompensated:1#1/1 StepGaveUp:1#1 RunEnded:failed:complete
        """,
        errors=["n0 run 1 OSError"],
    ),
    Case(
        "R21 in a rollback Recover makes its step one more to undo, TryAgain counts as None",
        fan(step(), step(compensate=handler(), undo=handler()), step(compensate=handler())),
        [fails(0, NO), fails(1, NO), recovers(1, 1), fails(2, NO), is_compensated(2, again=True), is_undone(1)],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepScheduled:2#0 StepStarted:0#1 StepStarted:1#1
        StepStarted:2#1 AttemptFailed:0#1 StepGaveUp:0#1 RollbackStarted AttemptFailed:1#1
        CompensationStarted:1#1/1 StepRecovered:1#1/1 AttemptFailed:2#1 CompensationStarted:2#1/1
        StepCompensated:2#1/1 StepGaveUp:2#1 UndoStarted:1#1/1 StepUndone:1#1/1 RunEnded:failed:complete
        """,
        errors=["n0 run 1 OSError", "n2 run 1 OSError"],
    ),
    Case(
        "R22 undo goes in reverse order of completion, one at a time",
        fan(step(undo=handler()), step(undo=handler()), step(undo=handler()), step()),
        [succeeds(1), succeeds(2), succeeds(0), fails(3, NO), is_undone(0), is_undone(2), is_undone(1)],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepScheduled:2#0 StepScheduled:3#0
        StepStarted:0#1 StepStarted:1#1 StepStarted:2#1 StepStarted:3#1 StepSucceeded:1#1
        StepSucceeded:2#1 StepSucceeded:0#1 AttemptFailed:3#1 StepGaveUp:3#1 RollbackStarted
        UndoStarted:0#1/1 StepUndone:0#1/1 UndoStarted:2#1/1 StepUndone:2#1/1 UndoStarted:1#1/1
        StepUndone:1#1/1 RunEnded:failed:complete
        """,
        errors=["n3 run 1 OSError"],
    ),
    Case(
        "R23 an undo that is given up doesn't strand the rest",
        chain(step(undo=handler()), step(undo=handler(attempts=2)), step()),
        [succeeds(0), succeeds(1), fails(2, NO), undo_fails(1, NO), handler_is_due(1), undo_fails(1, NO), is_undone(0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 StepSucceeded:0#1 StepScheduled:1#0 StepStarted:1#1
        StepSucceeded:1#1 StepScheduled:2#0 StepStarted:2#1 AttemptFailed:2#1 StepGaveUp:2#1
        RollbackStarted UndoStarted:1#1/1 UndoAttemptFailed:1#1/1 UndoRetryScheduled:1#1/1
        UndoStarted:1#1/2 UndoAttemptFailed:1#1/2 UndoGaveUp:1#1/2 UndoStarted:0#1/1 StepUndone:0#1/1
        RunEnded:failed:incomplete
        """,
        errors=["n2 run 1 OSError", "n1 undo 2 UndoFailed"],
    ),
    Case(
        "R23 none: nothing was compensated or undone",
        chain(step()),
        [fails(0, NO)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 AttemptFailed:0#1 StepGaveUp:0#1 RollbackStarted
        RunEnded:failed:none
        """,
        errors=["n0 run 1 OSError"],
    ),
    Case(
        "R25 cancel stops what is in flight at once, and rolls back",
        fan(step(undo=handler()), step()),
        [succeeds(0), cancel(), is_interrupted(1), is_undone(0)],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepStarted:0#1 StepStarted:1#1 StepSucceeded:0#1
        RollbackStarted:True StepInterrupted:1#1 StepGaveUp:1#1 UndoStarted:0#1/1 StepUndone:0#1/1
        RunEnded:cancelled:complete
        """,
    ),
    Case(
        "R25 a second cancel interrupts no compensation and no undo",
        fan(step(undo=handler()), step(compensate=handler())),
        [succeeds(0), fails(1, NO), cancel(), is_compensated(1), cancel(), is_undone(0)],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 StepStarted:0#1 StepStarted:1#1 StepSucceeded:0#1
        AttemptFailed:1#1 CompensationStarted:1#1/1 RollbackStarted:True StepCompensated:1#1/1
        StepGaveUp:1#1 UndoStarted:0#1/1 StepUndone:0#1/1 RunEnded:cancelled:complete
        """,
        errors=["n1 run 1 OSError"],
    ),
    Case(
        "R26 a run that succeeded is undone",
        chain(step(undo=handler()), step(undo=handler())),
        [succeeds(0), succeeds(1), undo_all(), is_undone(1), undo_all(), is_undone(0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 StepSucceeded:0#1 StepScheduled:1#0 StepStarted:1#1
        StepSucceeded:1#1 RunEnded:succeeded:none RollbackStarted UndoStarted:1#1/1 StepUndone:1#1/1
        UndoStarted:0#1/1 StepUndone:0#1/1 RunEnded:undone:complete
        """,
        options={"reversible": True},
    ),
    Case(
        "R12 R54 an abandoned attempt isn't tried again; its outcome is unknown",
        chain(step(compensate=handler())),
        [
            is_overdue(0, StepTimeout("0", 1.0), again=True),
            grace_is_over(0),
            succeeds(0),
            is_compensated(0, again=True),
        ],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 StepAbandoned:0#1 CompensationStarted:0#1/1
        StepCompensated:0#1/1 StepGaveUp:0#1 RollbackStarted RunEnded:failed:complete
        """,
        errors=["n0 run 1 OutcomeUnknown"],
    ),
    Case(
        "R54 without a compensation an undo that asked for it is called",
        chain(step(undo=handler(unknown=True))),
        [fails(0, WorkerLost(), unknown=True), is_undone(0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 AttemptFailed:0#1 StepGaveUp:0#1 RollbackStarted
        UndoStarted:0#1/1 StepUndone:0#1/1 RunEnded:failed:complete
        """,
        errors=["n0 run 1 OutcomeUnknown"],
    ),
    Case(
        "R54 R23 an outcome that stays unknown leaves the rollback incomplete",
        chain(step(undo=handler())),
        [fails(0, WorkerLost(), unknown=True)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 AttemptFailed:0#1 StepGaveUp:0#1 RollbackStarted
        RunEnded:failed:incomplete
        """,
        errors=["n0 run 1 OutcomeUnknown"],
    ),
    Case(
        "R12 an attempt that returns within its grace has succeeded, if a cancel stopped it",
        fan(step(undo=handler())),
        [cancel(), succeeds(0), is_undone(0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 RollbackStarted:True StepSucceeded:0#1
        UndoStarted:0#1/1 StepUndone:0#1/1 RunEnded:cancelled:complete
        """,
    ),
    Case(
        "R11 after a timeout it stays failed",
        chain(step()),
        [is_overdue(0, StepTimeout("0", 1.0)), succeeds(0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 AttemptFailed:0#1 StepGaveUp:0#1 RollbackStarted
        RunEnded:failed:none
        """,
        errors=["n0 run 1 StepTimeout"],
    ),
    Case(
        "R31 the run's timeout cancels",
        chain(step()),
        [time_is_over(), is_interrupted(0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 RollbackStarted:True StepInterrupted:0#1
        StepGaveUp:0#1 RunEnded:cancelled:none
        """,
        options={"timeout": 1.0, "on_timeout": "cancel"},
    ),
    Case(
        "R31 the run's timeout halts",
        chain(step(), step()),
        [time_is_over(), succeeds(0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 RunPaused:timeout StepSucceeded:0#1
        StepScheduled:1#0 RunEnded:halted:none
        """,
        options={"timeout": 1.0, "on_timeout": "halt"},
    ),
    Case(
        "R31 needing one attempt more than max_steps halts; a resume counts anew",
        chain(step(), step()),
        [succeeds(0), resume(), succeeds(1)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 StepSucceeded:0#1 StepScheduled:1#0
        RunPaused:max_steps RunEnded:halted:none RunResumed StepStarted:1#1 StepSucceeded:1#1
        RunEnded:succeeded:none
        """,
        options={"max_steps": 1, "on_timeout": "halt"},
    ),
    Case(
        "R31 needing one attempt more than max_steps cancels",
        chain(step(undo=handler()), step()),
        [succeeds(0), is_undone(0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 StepSucceeded:0#1 StepScheduled:1#0
        RollbackStarted:True UndoStarted:0#1/1 StepUndone:0#1/1 RunEnded:cancelled:complete
        """,
        options={"max_steps": 1, "on_timeout": "cancel"},
    ),
    Case(
        "R6 a sequential run does one thing at a time, in order of definition",
        fan(step(guards=1), step()),
        [guards_pass(0), succeeds(0), succeeds(1)],
        """
        RunStarted StepScheduled:0#0 StepScheduled:1#0 GuardsStarted:0#1 GuardsPassed:0#1
        StepStarted:0#1 StepSucceeded:0#1 StepStarted:1#1 StepSucceeded:1#1 RunEnded:succeeded:none
        """,
        options={"sequential": True},
    ),
    Case(
        "R28 a compensation keeps its attempt's permit, an undo takes one",
        chain(step(limit="bank", undo=handler(), compensate=handler()), step()),
        [fails(0, NO), recovers(0, 1), fails(1, NO), permit_comes(0), is_undone(0)],
        """
        RunStarted StepScheduled:0#0 StepStarted:0#1 AttemptFailed:0#1 CompensationStarted:0#1/1
        StepRecovered:0#1/1 StepScheduled:1#0 StepStarted:1#1 AttemptFailed:1#1 StepGaveUp:1#1
        RollbackStarted UndoStarted:0#1/1 StepUndone:0#1/1 RunEnded:failed:complete
        """,
        errors=["n1 run 1 OSError"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_history(case: Case) -> None:
    drive = Drive(case.plan, **case.options)
    drive.tell(*case.told)
    assert drive.take_history().split() == case.history.split()
    check_same(drive.state, drive.built_again())
    told = drive.state.errors
    assert [f"{e.node} {e.phase} {e.attempt} {type(e.error).__name__}" for e in told] == list(case.errors)
