"""R50: arounds that were entered are gone with their process; their exits never ran."""

from __future__ import annotations

from actorflow import facts
from actorflow.engine import orders
from tests.engine.drawn import around
from tests.engine.drive import Drive, Message, at, fails, handler, is_compensated, is_interrupted, step, succeeds
from tests.simulation.plans import WAITS

NO = OSError("no")
AROUND, OUTSIDE = 0, 1


def is_entered(tool: str) -> Message:
    return lambda drive: facts.BodyOpened(*at(drive, AROUND), 0, 0, "", (tool,), 0.0)


def inside(drive: Drive) -> int:
    """The number of the first node in the around."""
    assert drive.state.tree is not None
    (base,) = drive.state.tree.scopes[AROUND].frames
    return base


def test_r50_an_around_is_entered_again_before_what_is_in_it_runs_again() -> None:
    drive = Drive(around(step()))
    drive.tell(is_entered("tool 1"))
    first = inside(drive)
    drive.take_history()
    drive.crash()
    assert drive.take_history() == f"LeaseTaken AttemptLost:1#1 AttemptLost:{first}#1 StepStarted:1#2"
    drive.tell(is_entered("tool 2"))
    assert drive.take_history() == f"BodyOpened:0#1 StepStarted:{first}#2"


def test_r50_one_whose_body_is_done_has_its_value_and_isnt_left_any_more() -> None:
    drive = Drive(around(step()))
    drive.tell(is_entered("tool 1"))
    drive.tell(succeeds(inside(drive), "done"))
    drive.take_history()
    drive.crash()
    assert drive.take_history().split()[-2:] == ["StepSucceeded:0#1", "StepStarted:1#2"]
    assert drive.state.values[AROUND] == "done"
    drive.tell(succeeds(OUTSIDE))
    assert drive.take_history().split()[-1] == "RunEnded:succeeded:none"


def test_r50_in_a_rollback_it_is_no_longer_entered() -> None:
    drive = Drive(around(step()))
    drive.tell(is_entered("tool 1"))
    first = inside(drive)
    drive.tell(fails(OUTSIDE, NO))
    drive.take_history()
    drive.take_orders()
    drive.crash()
    assert drive.take_history() == f"LeaseTaken AttemptLost:{first}#1 StepGaveUp:{first}#1 RunEnded:failed:incomplete"
    assert not any(isinstance(order, orders.LeaveScope) for order in drive.take_orders())


def test_r18_r50_a_compensation_waits_until_the_around_it_is_in_is_entered_again() -> None:
    """It takes what the around lends. In a sequential run nothing else may hold that up."""
    drive = Drive(around(step(compensate=handler())), sequential=True)
    drive.tell(is_entered("tool 1"))
    first = inside(drive)
    drive.tell(fails(first, NO))
    drive.take_orders()
    drive.crash()
    assert drive.take_orders() == []
    assert not drive.state.started
    drive.crash()
    assert drive.take_orders() == []
    drive.tell(is_entered("tool 2"))
    assert drive.take_orders() == [orders.CompensateStep(first, 1, 1, NO)]
    drive.tell(is_compensated(first, again=True))
    assert "RetryScheduled" in drive.take_history()


def test_r20_r50_a_compensation_that_waited_for_its_around_goes_on_in_a_rollback() -> None:
    drive = Drive(around(step(compensate=handler())))
    drive.tell(is_entered("tool 1"))
    first = inside(drive)
    drive.tell(fails(first, NO))
    drive.crash()
    drive.take_orders()
    drive.tell(fails(OUTSIDE, NO))
    assert orders.CompensateStep(first, 1, 1, NO) in drive.take_orders()
    drive.tell(is_compensated(first), is_interrupted(AROUND, entered=False))
    assert drive.take_history().split()[-1] == "RunEnded:failed:complete"


def test_r49_one_that_was_said_to_have_failed_is_compensated_when_its_around_is_entered_again() -> None:
    drive = Drive(around(step(irreversible=True, compensate=handler())))
    drive.tell(is_entered("tool 1"))
    first = inside(drive)
    drive.crash()
    drive.take_orders()
    drive.tell(lambda _: orders.Resume("r", drive.now, {first: "fail"}))
    assert drive.take_orders() == []
    drive.tell(is_entered("tool 2"))
    (order,) = drive.take_orders()
    assert isinstance(order, orders.CompensateStep)


def test_r50_one_whose_body_a_signal_has_ended_while_it_was_entered_again() -> None:
    """It is lost once more before it was entered: nothing in it is to run, so it has its value."""
    drive = Drive(around(WAITS[2]))
    drive.tell(is_entered("tool 1"))
    first = inside(drive)
    drive.tell(lambda drive: facts.WaitStarted(*at(drive, first), None, "a"))
    drive.crash()
    drive.tell(lambda drive: orders.SignalCame("r", drive.now, "a", "yes"))
    assert drive.take_history().split()[-2:] == ["SignalReceived", f"StepSucceeded:{first}#1"]
    drive.crash()
    assert drive.take_history().split()[-2:] == ["StepSucceeded:0#1", "StepStarted:1#3"]
    assert drive.state.values[AROUND] == "yes"
    drive.tell(succeeds(OUTSIDE))
    assert drive.take_history().split()[-1] == "RunEnded:succeeded:none"
