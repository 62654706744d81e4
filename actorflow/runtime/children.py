"""Runs that steps start (R30): each is the child of the attempt that started it, and is settled before that ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from actorflow.outcome import Succeeded
from actorflow.runtime.handle import Run, all_ended

if TYPE_CHECKING:
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.row import Row


class Children:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def settle_then(self, row: Row, node: int, go_on: Callable[[], None]) -> bool:
        """Cancels the children that still run, waits for their end, and goes on; False if there are none."""
        children = row.children[node]
        running = [child for child in children.values() if child._outcome is None]
        for child in running:
            self.machine.cancel_run(child.id, "the step that started it has ended")
        for run_id in [run_id for run_id, child in children.items() if not stands(child)]:
            if children[run_id]._outcome is not None:
                del children[run_id]
        if not running:
            return False
        self.machine.services.endings.spawn(self._settle(row, node, running, go_on))
        return True

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
