"""What is said when a run was asked for something: who will carry it out."""

from __future__ import annotations

from actorflow.cli.runs_table import runtime_text
from actorflow.runtime import Operator, RunView

ENDED = frozenset({"succeeded", "failed", "cancelled", "undone", "halted"})


async def afterwards(operator: Operator, run_id: str, done: str) -> str:
    view = await operator.inspect(run_id)
    is_gone = any(reason.kind == "lapsed" for reason in (await operator.explain(run_id)).reasons)
    return f"run {run_id}: {done}{by_whom(view, is_gone=is_gone)}"


def by_whom(view: RunView, *, is_gone: bool) -> str:
    if not view.messages and view.status in ENDED:
        return f" (it has ended: {view.status})"
    if not view.messages:
        return ""
    if view.owner is None:
        return "; nobody has it now, whoever takes it over will"
    if is_gone:
        return f"; {runtime_text(view.owner)} is gone, whoever takes the run over will"
    return f"; {runtime_text(view.owner)} takes it in within a second"
