"""Runs that steps start (R30): each is the child of the attempt that started it, and is settled before that ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from actorflow.errors import ActorflowError
from actorflow.ids import step_key
from actorflow.outcome import Succeeded
from actorflow.runtime.commands import command_data
from actorflow.runtime.handle import Run, all_ended

if TYPE_CHECKING:
    from actorflow.runtime.keeper import Keeper
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.row import Row
    from actorflow.store import RunRecord

log = structlog.get_logger("actorflow")


class Children:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def settle_then(self, row: Row, node: int, go_on: Callable[[], None]) -> bool:
        """Cancels the children that still run, waits for their end, and goes on; False if there are none."""
        children = row.children[node]
        running = [child for child in children.values() if child._outcome is None]
        for child in running:
            self.cancel(child.id, "the step that started it has ended")
        for run_id in [run_id for run_id, child in children.items() if not stands(child)]:
            if children[run_id]._outcome is not None:
                del children[run_id]
        if not running:
            return False
        self.machine.services.endings.spawn(self._settle(row, node, running, go_on))
        return True

    def cancel(self, run_id: str, reason: str) -> None:
        """Wherever it goes on."""
        if run_id in self.machine.rows or self.machine.keeper is None:
            self.machine.cancel_run(run_id, reason)
        else:
            self.machine.services.endings.spawn(self._ask(self.machine.keeper, run_id, reason))

    async def _ask(self, keeper: Keeper, run_id: str, reason: str) -> None:
        try:
            await keeper.held(keeper.store.post(run_id, "cancel", command_data(reason, "")))
        except ActorflowError as error:
            log.warning("a child run can't be cancelled", run=run_id, error=str(error))

    def meet(self, row: Row, records: Sequence[RunRecord]) -> None:
        """The run is taken over: its unfinished children are its own again. A step that runs again joins the one that it starts anew; in a rollback
        they are cancelled, and waited for before their step is compensated.
        """
        state = row.state
        nodes = {step_key(row.id, row.name(node)): node for node in range(len(state.status)) if state.attempt[node]}
        for record in records:
            node = nodes.get(record.run_id.rpartition(f"/{record.workflow}/")[0])
            if node is not None and record.workflow in self.machine.known.plans:
                found = self.machine.find_current(record.run_id) or Run.elsewhere(self.machine, record, None)
                row.children.setdefault(node, {})[record.run_id] = found
        if row.state.doing in ("rolling_back", "undoing"):
            for record in records:
                self.cancel(record.run_id, "the run that started it is being taken back")

    async def _settle(self, row: Row, node: int, running: list[Run[Any]], go_on: Callable[[], None]) -> None:
        await all_ended(running)
        children = row.children[node]
        for child in running:
            if not stands(child):
                children.pop(child.id, None)
        go_on()


def stands(child: Run[Any]) -> bool:
    """A child that succeeded: the next attempt gets its result."""
    return isinstance(child._outcome, Succeeded)
