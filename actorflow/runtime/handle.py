"""A run as its owner sees it."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError, Future
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from actorflow.engine import CLOSING, HALTING, RUN, UNDOING_ALL
from actorflow.errors import RunCancelled, RunFailed, RunHalted, RuntimeClosed, StepError
from actorflow.outcome import Cancelled, Failed, Halted, Outcome, RunStatus, Succeeded

if TYPE_CHECKING:
    from actorflow.runtime.row import Row
    from actorflow.runtime.runtime import Runtime

T_co = TypeVar("T_co", covariant=True)


class Run(Generic[T_co]):
    """A run: what came of it, and what can be done with it. Made by `Runtime.start`, `resume` and `get`."""

    def __init__(self, runtime: Runtime, run_id: str, workflow: str, row: Row) -> None:
        self.id = run_id
        self.workflow = workflow
        self._runtime = runtime
        self._row: Row | None = row  # dropped when it ends, unless it may be undone or resumed here
        self._inputs = row.inputs
        self._outcome: Outcome[T_co] | None = None
        self._error: BaseException | None = None  # why there will be no outcome
        self._waiters: list[Future[None]] = []
        self._status: RunStatus = "waiting"
        self._with_caller = False
        self._undo_errors: list[StepError] = []

    # ── waiting ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def result(self) -> T_co:
        """The value. Raises `RunFailed`, `RunHalted`, `RunCancelled` (a new exception object at each call), `RuntimeClosed`."""
        outcome = self._outcome if self._outcome is not None else await self.outcome()
        match outcome:
            case Succeeded(value):
                return value
            case Failed(error):
                raise again(error)
            case Halted(by, snapshot):
                raise RunHalted(self.id, self.workflow, by, snapshot)
            case Cancelled(reason, rollback, errors):
                raise RunCancelled(self.id, self.workflow, reason, errors, rollback)

    async def outcome(self) -> Succeeded[T_co] | Failed | Halted | Cancelled:
        """How it ended: the value, why it failed, the snapshot, why it was cancelled. Cancelling the wait leaves the run alone,
        unless it was started with `cancel_with_caller=True`."""
        if self._outcome is None:
            await self._ended()
        if self._outcome is None:
            raise self._error or RuntimeClosed(f"run {self.id!r} has no outcome")
        return self._outcome

    async def _ended(self) -> None:
        if self._error is not None:
            return
        waiter: Future[None] = self._runtime.check_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except CancelledError:
            if self._with_caller:
                self._runtime.cancel_run(self.id, "its caller was cancelled")
            raise
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    # ── what can be done with it ──────────────────────────────────────────────────────────────────────────────────

    async def halt(self, reason: str = "") -> None:
        """Pauses it; returns when that is accepted. Raises `InvalidState` if it has ended or is rolling back."""
        self._runtime.halt_run(self.id, reason)

    async def cancel(self, reason: str = "") -> None:
        """Cancels what is in flight and takes back what was done; returns when that is accepted. Does nothing to a run that
        has ended."""
        self._runtime.cancel_run(self.id, reason)

    async def undo(self) -> None:
        """Takes back a run started with `reversible=True` that has succeeded; returns when it's done.

        Raises `InvalidState` for any other, `UndoFailed` if something couldn't be undone. A second call joins the first.
        """
        await self._runtime.undo_run(self)

    def status(self) -> RunStatus:
        row = self._row
        if row is None or (self._outcome is not None and self._status != "undoing"):
            return self._status
        state = row.state
        if self._status == "waiting" or state.phase in (RUN, CLOSING):
            return "waiting" if self._status == "waiting" else "running"
        if state.phase == HALTING:
            return "halting"
        return "undoing" if state.phase == UNDOING_ALL and state.undone else "rolling_back"

    async def events(self) -> AsyncIterator[Any]:
        """The events of this run from now on, until it has ended."""
        subscription = self._runtime.subscribe_to_run(self.id)
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
        return bool(self._waiters)

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
