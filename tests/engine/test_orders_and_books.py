"""What the engine orders besides facts: to stop, to give permits back; and what it keeps no longer than it must."""

from __future__ import annotations

from actorflow.engine import decide, orders
from actorflow.engine.state import GONE
from actorflow.errors import OutcomeUnknown, StepTimeout
from actorflow.facts import StepSucceeded
from tests.engine.drive import (
    Drive,
    cancel,
    chain,
    fails,
    fan,
    grace_is_over,
    halts,
    handler,
    is_overdue,
    is_undone,
    patience_is_over,
    permit_comes,
    resume,
    step,
    succeeds,
)

NO = OSError("no")


def test_r31_out_of_steps_with_cancel_stops_what_is_in_flight_at_once() -> None:
    drive = Drive(fan(step(), step()), max_steps=1, on_timeout="cancel")
    assert orders.StopStep(0, 1) in drive.take_orders()


def test_r25_cancel_stops_what_is_in_flight_at_once_and_once() -> None:
    drive = Drive(fan(step(), step()))
    drive.tell(cancel(), cancel())
    assert [order for order in drive.take_orders() if isinstance(order, orders.StopStep)] == [
        orders.StopStep(0, 1),
        orders.StopStep(1, 1),
    ]


def test_r21_a_rollback_waits_for_what_is_in_flight_then_stops_it() -> None:
    drive = Drive(fan(step(), step()), settle_timeout=3.0)
    drive.now = 1.0
    drive.tell(fails(0, NO))
    assert drive.take_orders() == [orders.Remind(4.0, orders.PatienceOver("r", 4.0, 3))]
    drive.tell(patience_is_over())
    assert drive.take_orders() == [orders.StopStep(1, 1)]


def test_r16_the_timer_of_an_earlier_halt_doesnt_shorten_a_later_one() -> None:
    drive = Drive(fan(step(), step(), step()), max_concurrency=2, halt_timeout=5.0)
    drive.tell(halts(0))
    old = orders.PatienceOver("r", drive.state.patience, drive.state.phase)
    drive.tell(succeeds(1))
    drive.now = 1.0
    drive.tell(resume())
    drive.tell(lambda _: orders.Pause("r", 1.0, "again"))
    drive.take_orders()
    drive.tell(lambda _: old)
    assert drive.take_orders() == []


def test_r29_permits_come_back_with_the_answer() -> None:
    drive = Drive(chain(step(limit="bank")))
    drive.tell(succeeds(0))
    assert drive.take_orders() == [orders.ReleasePermits(0), orders.EndRun("succeeded")]


def test_r29_a_grant_that_comes_after_the_end_is_declined() -> None:
    drive = Drive(chain(step(limit="bank")))
    drive.tell(succeeds(0))
    drive.take_orders()
    drive.tell(permit_comes(0))
    assert drive.take_orders() == [orders.DeclinePermits(0)]


def test_r29_of_two_grants_one_is_declined() -> None:
    drive = Drive(chain(step(limit="bank")))
    drive.tell(permit_comes(0))
    assert drive.take_orders() == [orders.DeclinePermits(0)]
    drive.tell(succeeds(0))
    assert orders.ReleasePermits(0) in drive.take_orders()


def test_r28_an_undo_asks_for_permits_at_the_front() -> None:
    drive = Drive(chain(step(limit="bank", undo=handler()), step()))
    drive.tell(succeeds(0), fails(1, NO))
    assert orders.AskPermits(0) in drive.take_orders()
    drive.tell(permit_comes(0), is_undone(0))
    ordered = drive.take_orders()
    assert ordered == [orders.UndoStep(0, 1, 1), orders.ReleasePermits(0), orders.EndRun("failed")] or (
        ordered == [orders.UndoStep(0, 1, 1), orders.EndRun("failed"), orders.ReleasePermits(0)]
    )


def test_r12_what_goes_on_after_its_grace_is_abandoned_with_its_permits() -> None:
    drive = Drive(chain(step(limit="bank")))
    timeout = StepTimeout("n0", 1.0)
    drive.tell(is_overdue(0, timeout), grace_is_over(0))
    assert orders.AbandonStep(0, 1, orphaned=True) in drive.take_orders()
    (error,) = drive.state.errors
    assert isinstance(error.error, OutcomeUnknown)
    assert error.error.__cause__ is timeout


def test_r11_a_late_value_is_kept_for_the_compensation() -> None:
    drive = Drive(chain(step(compensate=handler())))
    timeout = StepTimeout("n0", 1.0)
    drive.tell(is_overdue(0, timeout), succeeds(0, "late"))
    assert timeout.late == "late"


def test_r7_a_value_is_dropped_when_nothing_needs_it() -> None:
    drive = Drive(chain(step(), step(), step()))
    drive.tell(succeeds(0, "a"))
    assert drive.state.values[0] == "a"
    drive.tell(succeeds(1, "b"))
    assert drive.state.values[0] is GONE
    drive.tell(succeeds(2, "c"))
    assert drive.state.values == [GONE, GONE, "c"]
    assert drive.state.result == ("c",)


def test_r43_in_silence_no_fact_is_kept_and_the_run_does_the_same() -> None:
    drive = Drive(chain(step()))
    drive.state.facts = None
    drive.state.takes = {}
    decide(drive.state, StepSucceeded("r", 0, 1, 0.0, "x", 0.0), 0.0)
    assert drive.state.ended == "succeeded"
    assert drive.state.facts is None
