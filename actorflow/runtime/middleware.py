"""Middleware wraps a run (R44): before it starts, when it has a result, when it failed or was halted, and around each step."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec

from actorflow.errors import RunFailed


class RunInfo(msgspec.Struct, frozen=True):
    """What middleware sees of a run."""

    run_id: str
    workflow: str
    inputs: Mapping[str, Any]
    context: Mapping[str, Any]
    labels: Mapping[str, str]


class Middleware:
    """Wraps a run; override what is needed. Several are called in the order given, and unwound in reverse.

    One that raises fails the run while it goes forward, and is only reported during a rollback.
    """

    async def init(self, run: RunInfo, *, resumed: bool) -> Mapping[str, Any] | None:
        """Before the run starts. May give another context; one that raises refuses the run."""

    async def complete(self, run: RunInfo, value: Any) -> Any:
        """The run has a result. Gives the one to return; one that raises makes a failure of it, which rolls back."""
        return value

    async def error(self, run: RunInfo, error: RunFailed) -> BaseException | None:
        """The run has failed and was rolled back. May give the exception to show as its cause."""

    async def halt(self, run: RunInfo) -> None:
        """The run was halted."""

    def step(self, run: RunInfo) -> AbstractContextManager[None]:
        """Entered around each attempt of a step, and around each try of its guards and handlers, in the context that they run in."""
        return nullcontext()


def overrides(middleware: Middleware, hook: str) -> bool:
    """Whether the middleware has a hook of its own by this name."""
    return getattr(type(middleware), hook) is not getattr(Middleware, hook)
