"""What a replay of recorded facts must give back: all of a run's state that isn't of the moment."""

from __future__ import annotations

from collections.abc import Sequence

from actorflow.engine import State
from actorflow.engine.state import ASKED, QUEUED, READY, WAITING
from actorflow.errors import StepError

DURABLE = (
    "acted", "allowance", "attempt", "began", "by", "cancelled", "counts", "ended", "handlers", "incomplete", "offered", "passed",
    "phase", "readers", "remaining", "rollback", "running", "stopped", "tries", "uncounted", "undo_stack", "undone", "unknown",
    "values",
)  # fmt: skip

BEFORE_A_TRY = (READY, ASKED, QUEUED, WAITING)
"""A node that waits for its next try, and for what, isn't recorded."""


def compare(live: State, told: State) -> None:
    for name in DURABLE:
        one, other = getattr(live, name), getattr(told, name)
        assert one == other, f"{name} is {one!r}, the facts say {other!r}"
    statuses = [READY if status in BEFORE_A_TRY else status for status in live.status]
    assert statuses == [READY if status in BEFORE_A_TRY else status for status in told.status], "statuses differ"
    assert texts(live.errors) == texts(told.errors)
    assert {node: str(error) for node, error in live.reasons.items()} == {n: str(e) for n, e in told.reasons.items()}


def texts(errors: Sequence[StepError]) -> list[str]:
    return [str(error) for error in errors]
