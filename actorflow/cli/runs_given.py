"""What is given to `actorflow runs …`: labels, times, ages, values."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from actorflow.cli.exits import Refused
from actorflow.cli.inputs import value_of
from actorflow.plan import Plan, wait_for, waits_of
from actorflow.values import ValueMismatch, convert, type_text

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


def labels_of(given: Sequence[str]) -> dict[str, str]:
    """Raises `Refused` for what isn't NAME=VALUE."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Refused(f"{text}: expected NAME=VALUE")
        found[name] = value
    return found


def age_of(text: str, what: str) -> float:
    """Seconds, of `30d`, `12h`, `90m`, `45s`. Raises `Refused`."""
    found = AGE.fullmatch(text.strip())
    if found is None:
        raise Refused(f"{what} {text}: expected an age, as 30d, 12h, 90m or 45s")
    return float(found[1]) * UNITS[found[2]]


def moment_of(text: str | None, what: str) -> float | None:
    """Seconds since the epoch, of a date and time, or of an age. Raises `Refused`."""
    if text is None:
        return None
    if AGE.fullmatch(text.strip()):
        return time.time() - age_of(text, what)
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise Refused(
            f"{what} {text}: expected a date and time, as 2030-01-31 or 2030-01-31T08:00, or an age, as 2h"
        ) from None


def value_for(plan: Plan, signal: str, text: str) -> Any:
    """The value of a signal that something in the workflow waits for, as plain data. Raises `Refused` if nothing does, or for another type."""
    wait = wait_for(plan, signal)
    if wait is None:
        known = ", ".join(dict.fromkeys(one.signal for one in waits_of(plan).values()))
        waits = f"It waits for {known}." if known else "It waits for none."
        raise Refused(f"workflow {plan.name!r} has nothing that waits for signal {signal!r}\n{waits}")
    value = value_of(text, wait.takes, f"signal {signal}")
    try:
        convert(value, wait.takes)
    except ValueMismatch as wrong:
        where = f"{wrong.path}: " if wrong.path else ""
        raise Refused(
            f"signal {signal}: {where}expected {wrong.expected}, got {wrong.got}\nThe run waits for {type_text(wait.takes)}."
        ) from None
    return value


def json_of(text: str, what: str) -> Any:
    """Raises `Refused` for what isn't JSON."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refused(f"{what}: {text} isn't JSON: {error}\nText stands in quotes: '\"yes\"'.") from None
