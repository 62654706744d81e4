"""The command line, `actorflow[cli]`: run, resume, draw and check workflows. `main` is what the command `actorflow` calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

from actorflow.cli.entry import main
from actorflow.runtime import Runtime

__all__ = ["RuntimeFactory", "main"]

RuntimeFactory: TypeAlias = Callable[[], Runtime | Awaitable[Runtime] | AbstractAsyncContextManager[Runtime]]
"""What `--runtime module:function` names: it gives a runtime that isn't open yet, so that a module lends its runs resources, limits and
middleware. It may be `async`, or an async context manager, which is left when the run has ended. It's called on the run's own loop.
"""
