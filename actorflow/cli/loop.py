"""The event loop of a command: as `asyncio.run`, but a step that ignores that it's cancelled doesn't hold up the end."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

_PATIENCE = 0.5
"""Seconds that what is left has to end. The runtime has cancelled it before, and waited."""


def complete(main: Coroutine[Any, Any, T]) -> tuple[T, asyncio.Runner | None]:
    """Runs it on a loop of its own and gives its result; and the loop's runner, still open, if something on it can't be ended.

    To close that one would wait for ever: `leave` is how to end the process then.
    """
    runner, is_stuck = asyncio.Runner(), False
    try:
        result = runner.run(main)
        is_stuck = runner.run(_is_stuck())
        return result, runner if is_stuck else None
    finally:
        if not is_stuck:
            runner.close()


async def _is_stuck() -> bool:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    return bool(left) and bool((await asyncio.wait(left, timeout=_PATIENCE))[1])


def leave(code: int) -> NoReturn:
    """Ends the process at once, with all that was printed."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
