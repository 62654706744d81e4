"""An audit: who started what, and how it ended. What can't be written down doesn't happen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from actorflow import Middleware, RunFailed, RunInfo

What: TypeAlias = Literal["started", "resumed", "succeeded", "failed", "halted"]


class Entry(msgspec.Struct, frozen=True):
    """One line of the audit. `detail` says why a run failed."""

    what: What
    run_id: str
    workflow: str
    user: str
    detail: str = ""


class Journal(Protocol):
    """Where entries go: a table, a file, a queue. `write` returns when the entry is safe."""

    async def write(self, entry: Entry, /) -> None: ...


class Audited(Middleware):
    """Writes an entry where a run starts, and where it ends.

    A run needs the label `user`. One that can't be recorded is refused; one whose success can't be recorded fails, and is rolled back.
    A cancelled run has no hook of its own: subscribe to `RunEnded` for those.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    async def init(self, run: RunInfo, *, resumed: bool) -> Mapping[str, Any] | None:
        if not run.labels.get("user"):
            raise PermissionError(f"run {run.run_id!r} of {run.workflow!r} has no user: options(labels={{'user': …}})")
        await self.write("resumed" if resumed else "started", run)
        return None

    async def complete(self, run: RunInfo, value: Any) -> Any:
        await self.write("succeeded", run)
        return value

    async def error(self, run: RunInfo, error: RunFailed) -> BaseException | None:
        await self.write("failed", run, f"{error.__cause__!r}, rollback {error.rollback}")
        return None

    async def halt(self, run: RunInfo) -> None:
        await self.write("halted", run)

    async def write(self, what: What, run: RunInfo, detail: str = "") -> None:
        await self.journal.write(Entry(what, run.run_id, run.workflow, run.labels.get("user", ""), detail))
