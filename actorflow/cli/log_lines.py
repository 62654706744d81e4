"""Where log lines of a command go."""

from __future__ import annotations

import sys

import structlog


def log_beside() -> None:
    """Unless the module has set up its own logging, log lines go to standard error, wherever that leads at the time."""
    if structlog.is_configured():
        return
    shown = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            shown,
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
