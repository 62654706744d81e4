"""An around that was entered: a task of its own holds the context manager, from its entry to its exit.

Entry and exit are in one task, so that cancel scopes and task groups may be used in it. The failure that leaves it is raised inside the
`async with`, as if its body had failed there.
"""

from __future__ import annotations

from asyncio import CancelledError, Future, Task, current_task
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from actorflow import crash_points
from actorflow.facts import BodyOpened, ScopeLeft
from actorflow.runtime.carrying import carried
from actorflow.runtime.here import HERE

if TYPE_CHECKING:
    from actorflow.runtime.row import Row
    from actorflow.runtime.step_runner import StepRunner


class Holding:
    """Where it is told to leave, with the failure in hand or None."""

    def __init__(self, leave: Future[BaseException | None], began: float) -> None:
        self.leave = leave
        self.began = began
        self.task: Task[Any] | None = None


async def hold(runner: StepRunner, row: Row, node: int, number: int, factory: Callable[[], Any]) -> None:
    """Enters, says so, waits until it is to be left, leaves, and says so."""
    HERE.set((runner, row, node, number, ""))
    holding = Holding(runner.loop.create_future(), runner.monotonic())
    error: BaseException | None = None
    try:
        with carried(row):
            async with factory() as value:
                row.scoped.held[node] = holding
                holding.task = current_task()
                if crash_points.listener is not None:
                    crash_points.listener("scope.entered")
                runner.deliver(row, node, opened(runner, row, node, number, value, holding.began))
                error = await holding.leave
                if error is not None:
                    raise error
    except BaseException as problem:
        if row.scoped.held.get(node) is not holding:
            runner.attempt_raised(row, node, number, problem, holding.began)
            return
        left(runner, row, node, number, None if problem is error else problem)
    else:
        left(runner, row, node, number, None)


def opened(runner: StepRunner, row: Row, node: int, number: int, value: Any, began: float) -> BodyOpened:
    return BodyOpened(row.id, node, number, runner.monotonic(), 0, 0, "", (value,), began)


def left(runner: StepRunner, row: Row, node: int, number: int, problem: BaseException | None) -> None:
    holding = row.scoped.held.pop(node)
    if problem is not None and not holding.leave.done():
        return  # the runtime is closed: nobody asked it to leave
    if isinstance(problem, (KeyboardInterrupt, SystemExit)):
        runner.services.machine.exit_with(problem)
    if crash_points.listener is not None:
        crash_points.listener("scope.left")
    runner.post(ScopeLeft(row.id, node, number, runner.monotonic(), problem, holding.began))


def leave(row: Row, node: int, error: BaseException | None) -> bool:
    """Tells it to leave; False if it isn't held any more."""
    holding = row.scoped.held.get(node)
    if holding is None:
        return False
    with suppress(CancelledError):
        if not holding.leave.done():
            holding.leave.set_result(error)
    return True
