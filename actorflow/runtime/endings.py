"""How runs end: the outcome is made, middleware is heard, and whoever waits is told."""

from __future__ import annotations

from asyncio import Task
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import structlog

from actorflow.engine import ENDED, Broken, ResultChecked, ResultRefused, set_aside
from actorflow.errors import ActorflowError, NotSerializable, RunFailed, RuntimeFault, describe
from actorflow.facts import SnapshotFailed
from actorflow.outcome import Cancelled, Failed, Halted, Outcome, Succeeded
from actorflow.runtime.carrying import report
from actorflow.runtime.handle import as_status
from actorflow.runtime.middleware import overrides
from actorflow.runtime.snapshot import snapshot_of
from actorflow.runtime.stored import result_data

if TYPE_CHECKING:
    from actorflow.runtime.handle import Run
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.row import Row

log = structlog.get_logger("actorflow")


class Endings:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.tasks: set[Task[None]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self.machine.check_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # ── the result ────────────────────────────────────────────────────────────────────────────────────────────────

    def check_result(self, row: Row, value: Any) -> None:
        self.spawn(self._check_result(row, value))

    async def _check_result(self, row: Row, value: Any) -> None:
        """R44: `complete` may change the result, or turn it into a failure."""
        try:
            for middleware in reversed(row.middleware):
                value = await middleware.complete(row.info, value)
        except Exception as error:
            self.machine.post(ResultRefused(row.id, self.machine.now(), error))
        else:
            self.machine.post(self.looked_at(row, value))

    def completes(self, row: Row) -> bool:
        """Whether middleware has something to say to the result."""
        return any(overrides(middleware, "complete") for middleware in row.middleware)

    def looked_at(self, row: Row, value: Any) -> ResultChecked | ResultRefused:
        """R56: what can't be stored is refused."""
        now = self.machine.now()
        if row.journal is not None:
            try:
                result_data(row.journal.desk, row, value)
            except NotSerializable as error:
                return ResultRefused(row.id, now, error)
        return ResultChecked(row.id, now, value)

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────

    def end(self, row: Row, status: str, now: float) -> None:
        """The engine has ended the run."""
        if row.timers:
            self.forget_timers(row)
        if row.launch.is_limited or row.state.tree is not None:
            self.machine.services.pool.drop(row, now)
        outcome = self.outcome_of(row, status)
        if row.middleware and self.is_heard(row, status):
            self.spawn(self._unwind(row, status, outcome))
        else:
            self.settle(row, status, outcome)

    def forget_timers(self, row: Row) -> None:
        for key in row.timers:
            self.machine.services.timers.cancel(key)
        row.timers.clear()

    def is_heard(self, row: Row, status: str) -> bool:
        """Whether middleware has something to say to this end."""
        hook = "error" if status == "failed" else "halt" if status == "halted" else ""
        return bool(hook) and any(overrides(middleware, hook) for middleware in row.middleware)

    def outcome_of(self, row: Row, status: str) -> Outcome[Any]:
        state = row.state
        if status in ("succeeded", "undone"):
            return Succeeded(state.result, row.id)
        rollback: Any = state.rollback
        if status == "halted":
            return Halted(state.by, self.snapshot(row), row.id, tuple(map(row.name, set_aside(state))))
        if status == "cancelled":
            return Cancelled(state.by, rollback, tuple(state.errors), row.id)
        error = RunFailed(row.id, row.launch.plan.name, state.errors, rollback)
        error.__cause__ = next((e.error for e in state.errors if e.phase in ("run", "guard")), None)
        return Failed(error, rollback, row.id)

    def snapshot(self, row: Row) -> bytes | None:
        """R16: a halted run whose values can't be encoded has none, and an event names the path."""
        try:
            return snapshot_of(row, self.machine.services.values.codec, self.machine.now(), self.machine.services.clock)
        except NotSerializable as error:
            self.machine.note(row, SnapshotFailed(row.id, self.machine.now(), error.path, str(error)))
            return None

    async def _unwind(self, row: Row, status: str, outcome: Outcome[Any]) -> None:
        """R44: in reverse; one that raises is only reported."""
        for middleware in reversed(row.middleware):
            try:
                if isinstance(outcome, Failed):
                    changed = await middleware.error(row.info, outcome.error)
                    if changed is not None:
                        outcome.error.__cause__ = changed
                else:
                    await middleware.halt(row.info)
            except Exception as error:
                report(row, middleware, error)
        self.settle(row, status, outcome)

    def settle(self, row: Row, status: str, outcome: Outcome[Any]) -> None:
        self.machine.leave_table(row)
        if status == "undone":
            self.machine.undoing.undone(row)
        handle = row.handle
        if handle is None:
            return
        if status == "undone":
            handle.settle(handle._outcome or outcome, "undone", keep=False)
            return
        watched = handle.is_waited_for
        keep = status == "halted" or (status == "succeeded" and row.state.options.reversible)
        handle.settle(outcome, as_status(status), keep=keep)
        if isinstance(outcome, Failed) and not watched:
            if row.state.began:
                self.tell_unheard(handle, outcome)
            else:  # it was refused: whoever starts it will hear of it when the start returns
                self.machine.check_loop().call_soon(self.tell_unheard, handle, outcome)

    def tell_unheard(self, run: Run[Any], outcome: Failed) -> None:
        """R32: a failed run that nobody waits for is logged once."""
        if not run._was_read:
            log.error(
                "run failed, and nobody waits for it",
                run=run.id,
                workflow=run.workflow,
                rollback=outcome.rollback,
                error=str(outcome.error),
            )

    # ── faults ────────────────────────────────────────────────────────────────────────────────────────────────────

    def fault(self, row: Row, error: Exception, *, is_sound: bool = True) -> None:
        """R35: the run is rolled back if its row is sound; a second fault, or one in the rollback itself, says that it isn't.

        Nor is that of a run with a store if the fault came while its turn was decided: what was decided by then was never recorded.
        """
        fault = RuntimeFault(
            f"the runtime failed in a turn of run {row.id!r}: {describe(error)}\nThis is a bug of ours."
        )
        fault.__cause__ = error
        log.error("a fault of the runtime", run=row.id, exc_info=error)
        state = row.state
        state.asks, state.orders, state.started = [], [], []
        if is_sound and row.failure is None and state.can_halt:
            row.failure = fault
            self.machine.post(Broken(row.id, self.machine.now(), fault))
            return
        if row.journal is not None and self.machine.keeper is not None:
            self.machine.keeper.take_overs.give_back(row, fault)
        else:
            self.give_up(row, fault)

    def give_up(self, row: Row, fault: ActorflowError) -> None:
        """Ends the run at once, as failed, its rollback incomplete."""
        state = row.state
        state.phase = ENDED
        state.incomplete = True
        for live in row.live.values():
            if live.task is not None:
                live.stopping = True
                live.task.cancel()
        if not any(e.error is row.failure for e in state.errors):
            self.machine.add_error(row, row.failure or fault)
        self.end(row, "failed", self.machine.now())
