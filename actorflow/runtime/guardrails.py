"""Refuses a runtime where it can't work: off a loop, on a foreign one, after a fork, in a worker process (R38)."""

from __future__ import annotations

import asyncio
import os
from asyncio import AbstractEventLoop
from typing import Any

import msgspec

from actorflow.errors import InvalidInput, InvalidState, InvalidWorkflow, WrongLoop
from actorflow.policy import Rate
from actorflow.runtime import process_worker
from actorflow.runtime.options import RunSettings
from actorflow.workflow import Workflow

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
            "\nActorFlow runs on asyncio (or uvloop), not on trio: with anyio, use anyio.run(main, backend=\"asyncio\")."
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
    if not isinstance(workflow, Workflow):
        raise InvalidWorkflow(
            getattr(workflow, "__name__", repr(workflow)), ["it isn't a workflow; decorate the function with @workflow"]
        )


def check_limit(at_most: object, rate: object) -> None:
    from actorflow.runtime.permits import UNCHANGED

    if at_most is not UNCHANGED and at_most is not None and (type(at_most) is not int or at_most < 1):
        raise InvalidInput(f"at_most is a whole number from 1 on, or None, not {at_most!r}")
    if rate is not UNCHANGED and rate is not None and not isinstance(rate, Rate):
        raise InvalidInput(f"rate is a Rate, or None, not {rate!r}")


def with_id(settings: RunSettings, run_id: str) -> RunSettings:
    return msgspec.structs.replace(settings, run_id=run_id)


__all__ = ["Any", "check", "check_limit", "check_workflow", "forks", "loop_to_run_on", "with_id"]
