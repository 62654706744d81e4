"""A log line with values, from inside a run. Whatever the values or the log do, the run isn't harmed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import structlog

from actorflow.errors import suggest
from actorflow.values import holds_secrets, redacted
from actorflow.workflow.words import Whereabouts

LEVELS = ("debug", "info", "warning", "error", "critical")

_TAKEN = frozenset({"run", "node", "event", "exc_info", "stack_info"})
"""What a log line has of its own, or takes for an order; a value of that name is shown as `event_`."""

_log = structlog.get_logger("actorflow.debug")


class DebugLine:
    """Logs what it is given, under the name `debug`, with the run and the node; gives None. `types` are those that have secrets."""

    def __init__(self, level: str, types: Mapping[str, Any]) -> None:
        self.level = level
        self.types = {name: kind for name, kind in types.items() if holds_secrets(kind)}

    def __call__(self, /, **values: Any) -> None:
        for name, kind in self.types.items():
            values[name] = redacted(values[name], kind)
        shown = {f"{name}_" if name in _TAKEN else name: _shown(value) for name, value in values.items()}
        try:
            getattr(_log, self.level)("debug", **Whereabouts.tell(), **shown)
        except Exception:
            logging.getLogger("actorflow.debug").warning("a line of debug() couldn't be logged", exc_info=True)


def bad_level(level: Any) -> str:
    """What is wrong with a level; empty if nothing is."""
    if isinstance(level, str) and level in LEVELS:
        return ""
    hint = suggest(level, LEVELS) if isinstance(level, str) else ""
    return f"has level={level!r}{hint} (levels are {', '.join(LEVELS)})"


def _shown(value: Any) -> Any:
    """The value, for the log to show as it does; one that can't be shown is named by its type and by what it raised."""
    if value is None or type(value) in {str, int, float, bool}:
        return value
    try:
        repr(value)
    except Exception as error:
        return f"<{type(value).__qualname__}, whose repr raised {type(error).__name__}>"
    return value
