"""Names that are unique: of runs, and the idempotency keys that outlive attempts, restarts and machines (R54)."""

from __future__ import annotations

import os
import time
from itertools import count

_COUNTER = count(1)


def _process_part() -> str:
    return f"{time.time_ns() // 1_000_000:012x}-{os.urandom(5).hex()}-"


_PROCESS = _process_part()


def new_run_id() -> str:
    """A new run id: when this process began, which process, a counter; in hexadecimal, so that a process's ids sort by age."""
    return f"{_PROCESS}{next(_COUNTER):08x}"


def forget_process() -> None:
    """Takes a new process part, after a fork, so that two processes never make one id."""
    global _PROCESS
    _PROCESS = _process_part()


os.register_at_fork(after_in_child=forget_process)


def step_key(run_id: str, node: str) -> str:
    """The idempotency key of a step: the same on every attempt."""
    return f"{run_id}/{node}"


def compensation_key(run_id: str, node: str) -> str:
    return f"{run_id}/{node}/compensate"


def undo_key(run_id: str, node: str) -> str:
    return f"{run_id}/{node}/undo"


def child_run_id(parent_key: str, workflow: str, ordinal: int) -> str:
    """The id of a run started inside a step (R30): the step's key, the workflow's name, the ordinal of the call from 1."""
    return f"{parent_key}/{workflow}/{ordinal}"
