"""How runs that have succeeded are taken back (R26)."""

from __future__ import annotations

import asyncio
from asyncio import Future
from typing import TYPE_CHECKING, Any

from actorflow.engine import UndoAll
from actorflow.errors import ActorflowError, InvalidState, StepError, UndoFailed
from actorflow.outcome import Halted, Succeeded

if TYPE_CHECKING:
    from actorflow.runtime.handle import Run
    from actorflow.runtime.keeper import Keeper
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.row import Row


class Undoing:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._under_way: dict[str, Future[None]] = {}

    async def undo(self, run: Run[Any]) -> None:
        """Takes the run back; a second call joins the first. Raises `InvalidState`, `UndoFailed`."""
        loop = self.machine.check_loop()
        if run._status != "undone":
            done = self._under_way.get(run.id)
            if done is None:
                keeper = self.machine.keeper
                done = self._under_way[run.id] = loop.create_future()
                try:
                    row = reversible_row(run) if keeper is None or is_only_here(run) else await self.stored(keeper, run)
                except BaseException:
                    del self._under_way[run.id]
                    done.cancel()
                    raise
                run._status = "undoing"
                self.machine.rows[run.id] = row
                self.machine.take_first(row)
                self.machine.post(UndoAll(run.id, self.machine.now()))
            await asyncio.shield(done)
        raise_if_incomplete(run._undo_errors)

    async def stored(self, keeper: Keeper, run: Run[Any]) -> Row:
        """R26: a run that is in the store can be taken back wherever it has succeeded."""
        if run._outcome is None or not isinstance(run._outcome, Succeeded):
            return reversible_row(run)
        row = await keeper.reclaim(run.id)
        if not row.state.options.reversible:
            await keeper.release(row)
            raise not_reversible(run)
        run._row, row.handle = row, run
        return row

    async def undo_and_report(self, run_id: str, message: object) -> None:
        """For a message, which has nobody to answer to."""
        try:
            await self.undo(self.machine.get(run_id))
        except ActorflowError as error:
            self.machine.report_refused(message, error)

    def undone(self, row: Row) -> None:
        """The rollback of the run has ended."""
        if row.handle is not None:
            row.handle._undo_errors = [error for error in row.state.errors if error.phase == "undo"]
        done = self._under_way.pop(row.id, None)
        if done is not None and not done.done():
            done.set_result(None)

    def close(self, error: ActorflowError) -> None:
        """Whoever still waits gets the error."""
        for done in self._under_way.values():
            if not done.done():
                done.set_exception(error)
        self._under_way.clear()


def reversible_row(run: Run[Any]) -> Row:
    row = run._row
    if row is None or not isinstance(run._outcome, Succeeded) or not row.state.options.reversible:
        raise not_reversible(run)
    return row


def not_reversible(run: Run[Any]) -> InvalidState:
    return InvalidState(
        f"run {run.id!r} can't be undone: it {why_not(run)}"
        "\nOnly a run started with reversible=True that has succeeded can."
    )


def is_only_here(run: Run[Any]) -> bool:
    """A run that was resumed from a snapshot isn't in the store."""
    return run._row is not None and run._row.journal is None


def why_not(run: Run[Any]) -> str:
    if run._outcome is None:
        return "hasn't ended"
    if isinstance(run._outcome, Halted):
        return "was halted"
    return "wasn't reversible" if isinstance(run._outcome, Succeeded) else "didn't succeed"


def raise_if_incomplete(errors: list[StepError]) -> None:
    if errors:
        failed = UndoFailed(errors[0].node, errors[0].attempt, errors)
        failed.__cause__ = errors[0].error
        raise failed
