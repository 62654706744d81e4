"""What waits are: their specs, and what can't be waited for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import GenericAlias, UnionType
from typing import Any, Final, TypeAlias, get_origin

from actorflow.errors import brief
from actorflow.outcome import Approval
from actorflow.plan import StepSpec, WaitSpec
from actorflow.workflow.bodies import never_called
from actorflow.workflow.calls import takes_named

Duration: TypeAlias = float | timedelta
People: TypeAlias = str | list[str] | tuple[str, ...]

TYPES: Final[Mapping[str, Any]] = {
    "seconds": Duration, "when": datetime, "question": str, "by": People, "timeout": Duration,
}  # fmt: skip
"""What each argument of a wait takes; `default` takes what the wait gives."""


def wait_spec(word: str, wait: WaitSpec, returns: Any) -> StepSpec:
    return StepSpec(
        name=word,
        function=never_called,
        signature=takes_named(*wait.given),
        mode="wait",
        returns=returns,
        arguments=tuple((name, TYPES.get(name, returns)) for name in wait.given),
        wait=wait,
    )


def sleep_spec(word: str) -> StepSpec:
    if word == "sleep":
        return wait_spec(word, WaitSpec("sleep", ("seconds",)), type(None))
    return wait_spec(word, WaitSpec("sleep_until", ("when",)), type(None))


def signal_spec(signal: str, takes: Any, given: tuple[str, ...], returns: Any) -> StepSpec:
    return wait_spec("wait_for_signal", WaitSpec("signal", given, signal, takes), returns)


def approval_spec(name: str, given: tuple[str, ...], *, fails: bool) -> StepSpec:
    return wait_spec("approval", WaitSpec("approval", given, name, Approval, fails), Approval)


# ── what can't be ─────────────────────────────────────────────────────────────────────────────────────────────────────


def bad_time(value: object) -> str:
    """What is wrong with a constant that says how long, or until when; empty if nothing is, or if its type is wrong: that is told elsewhere."""
    if isinstance(value, datetime):
        return "" if value.tzinfo is not None and value.utcoffset() is not None else no_zone(value)
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(seconds, (int, float)):
        return ""
    is_time = not isinstance(seconds, bool) and math.isfinite(seconds) and seconds >= 0
    return "" if is_time else f"can't wait for {brief(value)}: it takes seconds from 0 on"


def no_zone(value: datetime) -> str:
    return f"can't tell when {value.isoformat()} is: it has no time zone"


def bad_signal(name: object) -> str:
    return "" if isinstance(name, str) and name else f"has a signal {brief(name)}; its name is a text that isn't empty"


def bad_type(kind: object) -> str:
    is_type = isinstance(kind, (type, UnionType, GenericAlias)) or get_origin(kind) is not None or kind is Any
    is_alias = any(hasattr(type(kind), mark) for mark in ("__supertype__", "__value__"))
    return "" if is_type or is_alias else f"takes the type of the signal's value, not {brief(kind)}"
