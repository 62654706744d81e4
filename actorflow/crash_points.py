"""Named places where a process may die, so that tests can have it die there: `actorflow.testing.crash_at`.

A place says that it was reached:

    if crash_points.listener is not None:
        crash_points.listener("commit.stored")

so it costs one comparison where nobody listens. A listener that raises a `BaseException` cuts what would follow in the same callback.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

POINTS: Final[Mapping[str, str]] = MappingProxyType({
    "runtime.joined": "the store knows the runtime; no run was started or claimed",
    "run.opening": "a new run is accepted; nothing of it was sent to the store, and who starts it waits",
    "commit.sending": "turns were decided; nothing was sent to the store",
    "commit.stored": "the store has the turns; nobody was told, nothing that they cause was begun",
    "commit.failed": "the store refused the turns for now; they weren't sent again yet",
    "commit.released": "the turns are stored, and what they cause was begun or done",
    "step.entering": "an attempt is recorded as begun; the step's code wasn't entered",
    "step.returned": "the step's code returned or raised; its end wasn't decided or recorded",
    "guard.entering": "none of the step's guards was entered",
    "guard.returned": "its guards have answered; the answer wasn't recorded",
    "compensate.entering": "the compensation is recorded as begun; it wasn't entered",
    "compensate.returned": "the compensation returned or raised; its end wasn't recorded",
    "undo.entering": "the undo is recorded as begun; it wasn't entered",
    "undo.returned": "the undo returned or raised; its end wasn't recorded",
    "scope.decided": "a combinator's own code has decided what comes next; that wasn't recorded",
    "scope.entered": "the context manager of an around was entered; that wasn't recorded",
    "scope.left": "the context manager of an around was left; that wasn't recorded",
    "run.ended": "the run's end is stored; who waits for it wasn't told",
    "takeover.claimed": "runs of a runtime that is gone were claimed; none was built again",
    "takeover.built": "a run was built again; nothing was decided for it",
    "runtime.waited": "nothing happened for a while; the lease is due to be renewed, and wasn't",
    "message.found": "the store has a message for a run; it wasn't decided",
    "runtime.leaving": "the runtime's runs have ended or were let go; the store wasn't told that it leaves",
})  # fmt: skip
"""Each place, and what has and hasn't happened there."""

listener: Callable[[str], None] | None = None
"""Who is told. One at a time; set by `actorflow.testing`."""
