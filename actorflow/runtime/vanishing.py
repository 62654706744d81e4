"""A runtime that ends as if its process had died, for tests of what survives: nothing is recorded, no run ends, the store isn't told."""

from __future__ import annotations

import asyncio
from asyncio import Task
from typing import TYPE_CHECKING, Any

from actorflow.runtime.nobody import nobody_waits

if TYPE_CHECKING:
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.row import Row

PATIENCE = 1.0
"""Seconds for which a thread that executes a step is waited for: unlike one of a process that dies, it goes on."""


async def vanish(machine: Machine) -> None:
    """Stops all that the runtime has, without a word. Its store must be deaf by now; it is left for the caller to close."""
    rows, services = list(machine.rows.values()), machine.services
    machine.is_closing = True
    machine.rows.clear()
    for row in rows:
        drop(machine, row)
    tasks = {*tasks_of(rows), *tasks_of(machine.orphaned), *services.endings.tasks, *tasks_of_keeper(machine)}
    await end(tasks)
    services.timers.close()
    await services.threads.close(PATIENCE)
    await services.processes.close()
    await services.hub.close()
    await machine.system.stop()


def drop(machine: Machine, row: Row) -> None:
    machine.services.endings.forget_timers(row)
    for live in row.live.values():
        live.stopping = True
        if live.work is not None:
            live.work.let_go(nobody_waits)


def tasks_of(rows: list[Row]) -> set[Task[Any]]:
    executing = {live.task for row in rows for live in (*row.live.values(), *row.orphans)}
    holding = {task for row in rows for _, task in row.holding()}
    return {task for task in executing | holding if task is not None}


def tasks_of_keeper(machine: Machine) -> set[Task[Any]]:
    keeper = machine.keeper
    if keeper is None:
        return set()
    return {task for task in (keeper.watching, keeper.recorder.under_way, *keeper.followed) if task is not None}


async def end(tasks: set[Task[Any]]) -> None:
    """Cancels tasks and waits for them, whatever they come to."""
    pending = {task for task in tasks if not task.done()}
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending, timeout=PATIENCE)
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()  # nobody else asks for it
