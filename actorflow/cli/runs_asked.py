"""What is said when a run was asked for something: who will carry it out."""

from __future__ import annotations

import time

from actorflow.runtime import Operator, RunView

ENDED = frozenset({"succeeded", "failed", "cancelled", "undone", "halted"})


async def afterwards(operator: Operator, run_id: str, done: str) -> str:
    view = await operator.inspect(run_id)
    return f"run {run_id}: {done}{by_whom(view)}"


def by_whom(view: RunView) -> str:
    if not view.messages and view.status in ENDED:
        return f" (it has ended: {view.status})"
    if not view.messages:
        return ""
    if view.owner is None:
        return "; nobody has it now, whoever takes it over will"
    if view.owner.expires < time.time():
        return f"; runtime {view.owner.number} ({view.owner.name}) is gone, whoever takes the run over will"
    return f"; runtime {view.owner.number} ({view.owner.name}) takes it in within a second"
