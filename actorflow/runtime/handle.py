"""A run as its owner sees it."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError, Future
from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, get_args

from actorflow.errors import InvalidState, RunCancelled, RunFailed, RunHalted, RuntimeClosed, StepError
from actorflow.outcome import Cancelled, Failed, Halted, Outcome, RunStatus, Succeeded

if TYPE_CHECKING:
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.row import Row
    from actorflow.store import RunRecord

T_co = TypeVar("T_co", covariant=True)


def as_status(status: str) -> RunStatus:
    if status not in get_args(RunStatus):
        raise AssertionError(f"a run can't be {status!r}")
    return cast("RunStatus", status)


class Run(Generic[T_co]):
    """A run: what came of it, and what can be done with it. Made by `Runtime.start`, `resume` and `get`."""

    def __init__(self, machine: Machine, run_id: str, workflow: str, row: Row | None) -> None:
        self.id = run_id
        self.workflow = workflow
        self._machine = machine
        self._row: Row | None = row  # dropped when it ends, unless it may be undone or resumed here
        self._inputs: tuple[Any, ...] = () if row is None else row.inputs
        self._outcome: Outcome[T_co] | None = None
        self._error: BaseException | None = None  # why there will be no outcome
        self._waiters: list[Future[None]] = []
        self._was_read = False
        self._status: RunStatus = "waiting"
        self._with_caller = False
        self._cancelled_early: str | None = None  # the reason, if it was cancelled while middleware was being asked
        self._undo_errors: list[StepError] = []
        self._is_unrecorded = False  # it has ended, and no store knows it

    @classmethod
    def elsewhere(cls, machine: Machine, record: RunRecord, outcome: Outcome[Any] | None) -> Run[Any]:
        """A run that is stored, and isn't going on here."""
        run: Run[Any] = cls(machine, record.run_id, record.workflow, None)
        run._outcome = outcome
        run._status = as_status(record.status)
        return run

    # ── waiting ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def result(self) -> T_co:
        """The value. Raises `RunFailed`, `RunHalted`, `RunCancelled` (a new exception object at each call), `RuntimeClosed`."""
        if self._outcome is None:
            await self._ended()
        outcome = self._reached()
        match outcome:
            case Succeeded(value):
                return value
            case Failed(error):
                raise again(error)
            case Halted(by, snapshot, _, set_aside):
                raise RunHalted(self.id, self.workflow, by, snapshot, set_aside)
            case Cancelled(reason, rollback, errors):
                raise RunCancelled(self.id, self.workflow, reason, errors, rollback)

    async def outcome(self) -> Succeeded[T_co] | Failed | Halted | Cancelled:
        """How it ended: the value, why it failed, the snapshot, why it was cancelled. Cancelling the wait leaves the run alone,
        unless it was started with `cancel_with_caller=True`.
        """
        if self._outcome is None:
            await self._ended()
        return self._reached()

    def _reached(self) -> Outcome[T_co]:
        self._was_read = True
        if self._outcome is None:
            raise self._error or RuntimeClosed(f"run {self.id!r} has no outcome")
        return self._outcome

    def _ended(self) -> Awaitable[None]:
        """Done when the run has ended, or won't end here."""
        waiter: Future[None] = self._machine.check_loop().create_future()
        if self._outcome is not None or self._error is not None:
            waiter.set_result(None)
            return waiter
        if self._row is None and self._machine.keeper is not None:
            return self._machine.keeper.elsewhere.ended(self)
        self._waiters.append(waiter)
        return self._ended_with_caller(waiter) if self._with_caller else waiter

    async def _ended_with_caller(self, waiter: Future[None]) -> None:
        try:
            await waiter
        except CancelledError:
            self._machine.cancel_run(self.id, "its caller was cancelled")
            raise

    # ── what can be done with it ──────────────────────────────────────────────────────────────────────────────────

    async def halt(self, reason: str = "") -> None:
        """Pauses it; returns when that is accepted. Raises `InvalidState` if it has ended or is rolling back."""
        if self._is_over:
            raise InvalidState(f"run {self.id!r} has ended, and can't be halted")
        self._machine.halt_run(self.id, reason)

    async def cancel(self, reason: str = "") -> None:
        """Cancels what is in flight and takes back what was done; returns when that is accepted. Does nothing to a run that
        has ended.
        """
        if not self._is_over:
            self._machine.cancel_run(self.id, reason)

    @property
    def _is_over(self) -> bool:
        """It has ended, and wasn't resumed here; the runtime may have forgotten it by now."""
        return self._outcome is not None and self.id not in self._machine.rows

    async def undo(self) -> None:
        """Takes back a run started with `reversible=True` that has succeeded; returns when it's done.

        Raises `InvalidState` for any other, `UndoFailed` if something couldn't be undone. A second call joins the first.
        """
        await self._machine.undoing.undo(self)

    def status(self) -> RunStatus:
        row = self._row
        if row is None or (self._outcome is not None and self._status != "undoing"):
            return self._status
        return "waiting" if self._status == "waiting" else row.state.doing

    async def events(self) -> AsyncIterator[Any]:
        """The events of this run from now on, until it has ended."""
        subscription = self._machine.events_of(self.id)
        async with subscription as events:
            if self._outcome is not None:
                return
            async for event in events:
                yield event
                if type(event.fact).__name__ == "RunEnded":
                    return

    # ── for the runtime ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def is_waited_for(self) -> bool:
        return any(not waiter.done() for waiter in self._waiters)

    def settle(self, outcome: Outcome[Any], status: RunStatus, *, keep: bool) -> None:
        """It has ended; tells all who wait."""
        self._outcome = outcome
        self._status = status
        if not keep:
            self._row = None
        self._wake()

    def close(self, error: BaseException) -> None:
        """It won't end here; whoever waits gets the error."""
        self._error = error
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.workflow!r}: {self.status()}>"


def again(error: RunFailed) -> RunFailed:
    """The same failure as a new exception object, so that tracebacks of several waiters don't mix (R27)."""
    fresh = RunFailed(error.run_id, error.workflow, error.errors, error.rollback)
    fresh.__cause__ = error.__cause__
    return fresh


async def all_ended(runs: list[Run[Any]]) -> None:
    """Waits until each of the runs has ended or was closed."""
    pending = [asyncio.ensure_future(run._ended()) for run in runs if run._outcome is None]
    try:
        if pending:
            await asyncio.wait(pending)
    finally:
        for wait in pending:
            wait.cancel()
