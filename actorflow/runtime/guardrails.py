"""Refuses a runtime where it can't work: off a loop, on a foreign one, after a fork, in a worker process (R38)."""

from __future__ import annotations

import asyncio
import os
from asyncio import AbstractEventLoop

from actorflow.errors import InvalidState, InvalidWorkflow, WrongLoop, brief
from actorflow.runtime import process_worker
from actorflow.workflow import Step, Workflow

_forks = 0


def _forked() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_forked)


def forks() -> int:
    """How many forks lie between this process and the one that imported ActorFlow."""
    return _forks


def loop_to_run_on() -> AbstractEventLoop:
    """The running loop of asyncio (or uvloop). Raises `WrongLoop` where there is none, as under trio."""
    if process_worker.IN_WORKER:
        raise InvalidState(
            "a Runtime can't start inside a worker process"
            '\nIf this is a script, put what it does under `if __name__ == "__main__":`.'
        )
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise WrongLoop(
            "no event loop of asyncio is running here"
            '\nActorFlow runs on asyncio (or uvloop), not on trio: with anyio, use anyio.run(main, backend="asyncio").'
        ) from None


def check(loop: AbstractEventLoop, forks_then: int) -> None:
    """Raises `WrongLoop` on another loop, in another thread, or after a fork."""
    if forks_then != _forks:
        raise WrongLoop("this runtime belongs to the process that forked this one\nMake a new one in each process.")
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is not loop:
        raise WrongLoop(
            "a runtime belongs to the loop that entered it"
            "\nFrom a thread, use asyncio.run_coroutine_threadsafe(…, loop) or runtime.executor.from_thread()."
        )


def check_workflow(workflow: object) -> None:
    if isinstance(workflow, Workflow):
        return
    name: object = getattr(workflow, "__name__", None)
    shown = name if isinstance(name, str) else brief(workflow)
    what = (
        "it's a step; call it inside a @workflow function"
        if isinstance(workflow, Step)
        else "it isn't a workflow; decorate the function with @workflow"
    )
    raise InvalidWorkflow(shown, [what])
