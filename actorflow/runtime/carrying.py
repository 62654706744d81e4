"""What middleware wraps around the code of a run's steps: context that travels into them (R44)."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from actorflow.runtime.middleware import Middleware

if TYPE_CHECKING:
    from actorflow.runtime.row import Row

log = structlog.get_logger("actorflow")


@contextmanager
def carried(row: Row) -> Generator[None]:
    """Around attempts and guards: middleware that raises there fails what it's around."""
    with ExitStack() as stack:
        for middleware in row.wraps:
            stack.enter_context(middleware.step(row.info))
        yield


@contextmanager
def carried_back(row: Row) -> Generator[None]:
    """Around undos and compensations: middleware that raises there is only reported."""
    with ExitStack() as stack:
        for middleware in row.wraps:
            stack.enter_context(tolerated(row, middleware))
        yield


@contextmanager
def tolerated(row: Row, middleware: Middleware) -> Generator[None]:
    wrapping = entered(row, middleware)
    try:
        yield
    finally:
        if wrapping is not None:
            leave(row, middleware, wrapping)


def entered(row: Row, middleware: Middleware) -> AbstractContextManager[None] | None:
    try:
        wrapping = middleware.step(row.info)
        wrapping.__enter__()
    except Exception as error:
        report(row, middleware, error)
        return None
    return wrapping


def leave(row: Row, middleware: Middleware, wrapping: AbstractContextManager[None]) -> None:
    failure = sys.exc_info()
    try:
        wrapping.__exit__(*failure)
    except Exception as error:
        if error is not failure[1]:
            report(row, middleware, error)


def report(row: Row, middleware: Middleware, error: Exception) -> None:
    log.error("middleware failed", run=row.id, middleware=type(middleware).__name__, exc_info=error)


# ── calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

Around = Callable[["Row"], AbstractContextManager[None]]


async def wrapped_async(row: Row, around: Around, call: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    with around(row):
        return await call(*arguments)


def wrapped_plain(row: Row, around: Around, call: Callable[..., Any], *arguments: Any) -> Any:
    with around(row):
        return call(*arguments)
