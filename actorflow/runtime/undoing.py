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
        self.machine.check_loop()
        keeper = self.machine.keeper
        if run._status == "undone":
            raise_if_incomplete(run._undo_errors)
        elif keeper is None or is_only_here(run):
            await self.undo_here(run)
        else:
            await self.undo_stored(keeper, run)

    async def undo_by_id(self, run_id: str) -> None:
        """The same, for a run that needn't be known here if it is in the store."""
        self.machine.check_loop()
        keeper = self.machine.keeper
        run = self.machine.find(run_id) if keeper is None else self.machine.find_current(run_id)
        if run is None and keeper is not None:
            run = await keeper.stored_run(run_id)
        await self.undo(self.machine.get(run_id) if run is None else run)

    async def undo_here(self, run: Run[Any]) -> None:
        if run.id not in self._under_way:
            self.begin(run, reversible_row(run))
        await self.joined(run)

    async def undo_stored(self, keeper: Keeper, run: Run[Any]) -> None:
        """R26: a run that is in the store can be taken back wherever it has succeeded, whoever began with it."""
        async with keeper.alone(run.id):
            here = self.machine.rows.get(run.id)
            if run.id in self._under_way:
                run = here.handle or run if here is not None else run
            elif here is not None and here.state.doing == "undoing":
                run = here.handle or run
                self._under_way.setdefault(run.id, self.machine.loop.create_future())
            elif run._outcome is None or not isinstance(run._outcome, Succeeded):
                raise not_reversible(run)
            else:
                await self.take_back(keeper, run)
        if run.id in self._under_way:
            await self.joined(run)
        else:
            await keeper.elsewhere.until_undone(run.id)

    async def take_back(self, keeper: Keeper, run: Run[Any]) -> None:
        """Unless it is being taken back elsewhere, or was."""
        if (await keeper.record(run.id)).status != "succeeded":
            return
        row = await keeper.take_overs.reclaim(run.id, "succeeded")
        if not row.state.options.reversible:
            await keeper.release(row)
            raise not_reversible(run)
        run._row, run._inputs, row.handle = row, row.inputs, run
        self.begin(run, row)

    def begin(self, run: Run[Any], row: Row) -> None:
        self._under_way[run.id] = self.machine.loop.create_future()
        run._status = "undoing"
        self.machine.rows[run.id] = row
        self.machine.take_first(row)
        self.machine.post(UndoAll(run.id, self.machine.now()))

    async def joined(self, run: Run[Any]) -> None:
        await asyncio.shield(self._under_way[run.id])
        raise_if_incomplete(run._undo_errors)

    async def undo_and_report(self, run_id: str, message: object) -> None:
        """For a message, which has nobody to answer to."""
        try:
            await self.undo_by_id(run_id)
        except ActorflowError as error:
            self.machine.report_refused(message, error)

    def under_way(self) -> list[Future[None]]:
        """What to wait for until no run is being undone."""
        return [done for done in self._under_way.values() if not done.done()]

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
                done.exception()  # nobody may wait for it
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
