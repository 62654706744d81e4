"""How a runtime is left (R37): runs are drained, halted or cancelled; then nothing is left behind."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError, Task
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog

from actorflow.errors import RuntimeClosed
from actorflow.runtime.handle import all_ended
from actorflow.runtime.nobody import nobody_waits
from actorflow.runtime.resting import let_all_rest, release

if TYPE_CHECKING:
    from actorflow.runtime.machine import Machine

log = structlog.get_logger("actorflow")


async def leave(machine: Machine, *, normally: bool) -> None:
    """Ends all runs as `on_exit` says, then all that serves them. Being cancelled meanwhile doesn't stop that."""
    leaving = asyncio.get_running_loop().create_task(_leave(machine, normally=normally), name="actorflow: leave")
    cancelled: CancelledError | None = None
    while not leaving.done():
        try:
            await asyncio.wait({leaving})
        except CancelledError as error:
            cancelled = error
            machine.hurry.set()
    leaving.result()
    if cancelled is not None and machine.exit_error is None:
        raise cancelled


async def _leave(machine: Machine, *, normally: bool) -> None:
    config = machine.config
    machine.is_closing = True
    machine.slots.close()
    if machine.schedules is not None:
        await machine.schedules.close()
    try:
        if normally:
            if config.on_exit == "halt":
                halt_all(machine)
            elif config.on_exit == "cancel":
                cancel_all(machine, "the runtime was left")
            else:
                let_all_rest(machine, after=config.rest_after)
            await _wait(machine, config.drain_timeout, until_hurry=True)
        await release_all(machine)
        if machine.rows:
            cancel_all(machine, "the runtime was left")
            await _wait(machine, config.shutdown_timeout, until_hurry=False)
    finally:
        await _stop(machine)


async def release_all(machine: Machine) -> None:
    """R37: runs with a store aren't taken back: they go on elsewhere, or here when the service is started again.

    What is in flight has `halt_timeout` to end by itself.
    """
    if machine.keeper is None:
        return
    await machine.keeper.recorder.settle()
    if any(row.journal is not None for row in machine.rows.values()):
        let_all_rest(machine, after=0.0)
        await _wait(machine, machine.config.halt_timeout, until_hurry=False)
        await machine.keeper.recorder.settle()
    for row in list(machine.rows.values()):
        if row.journal is not None:
            release(machine, row, "before the run had ended")


def halt_all(machine: Machine) -> None:
    for run_id in list(machine.rows):
        row = machine.rows[run_id]
        if row.state.can_halt:
            machine.halt_run(run_id, "the runtime was left")


def cancel_all(machine: Machine, reason: str) -> None:
    for run_id in list(machine.rows):
        machine.cancel_run(run_id, reason)


async def _wait(machine: Machine, timeout: float, *, until_hurry: bool) -> None:
    """Waits until no run is left, for at most so many seconds; a cancellation ends the draining early."""
    ended = asyncio.ensure_future(_until_empty(machine))
    waits: set[Task[Any]] = {ended}
    if until_hurry:
        waits.add(asyncio.ensure_future(machine.hurry.wait()))
    await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    for task in waits:
        task.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


async def _until_empty(machine: Machine) -> None:
    while machine.rows or machine.services.endings.tasks:
        handles = [
            row.handle for row in machine.rows.values() if row.handle is not None and row.handle._outcome is None
        ]
        if handles:
            await all_ended(handles)
        elif undos := machine.undoing.under_way():
            await asyncio.wait(undos)
        elif machine.services.endings.tasks:
            await asyncio.wait(set(machine.services.endings.tasks))
        await asyncio.sleep(0)


async def _stop(machine: Machine) -> None:
    """Tells whoever still waits, and ends what serves the runs; each part whatever becomes of the others."""
    services = machine.services
    closed = RuntimeClosed("the runtime was left before the run had ended")
    left = {**running(machine), **dict.fromkeys(services.endings.tasks, "middleware")}
    for row in list(machine.rows.values()):
        for live in row.live.values():
            live.stopping = True
            if live.work is not None:
                live.work.let_go(nobody_waits)
        if row.handle is not None:
            row.handle.close(closed)
    machine.rows.clear()
    machine.undoing.close(closed)
    await _cancel(left)
    abandoned = await services.threads.close(0.0 if left else 1.0)
    if abandoned:
        log.warning("threads were abandoned", steps=abandoned)
    await services.processes.close()
    await services.hub.close()
    await machine.system.stop()
    services.timers.close()
    if machine.keeper is not None:
        await machine.keeper.leave()


def running(machine: Machine) -> dict[Task[None], str]:
    """What still executes, abandoned or not, each with the name of its step."""
    rows = [*machine.rows.values(), *machine.orphaned]
    lives = [(live.task, row.name(node)) for row in rows for node, live in row.live.items()]
    lives += [(live.task, f"{live.name}, abandoned, of run {row.id}") for row in rows for live in row.orphans]
    lives += [(task, row.name(node)) for row in rows for node, task in row.holding()]
    return {task: name for task, name in lives if task is not None}


async def _cancel(left: Mapping[Task[None], str]) -> None:
    """Cancels what is left; what ignores that is reported by name."""
    pending = {task for task in left if not task.done()}
    if not pending:
        return
    for task in pending:
        task.cancel()
    _, still = await asyncio.wait(pending, timeout=1.0)
    for task in still:
        log.warning("a step ignores that it was cancelled", step=left[task])
