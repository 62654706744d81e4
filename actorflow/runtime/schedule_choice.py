"""Which due times are to be fired by now. Pure: what was dealt with, what time it is, and the trigger decide it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from actorflow.runtime.schedule_triggers import Trigger

MADE_UP_FOR: Final = 1000
"""How many due times are made up for at most, with `missed="all"`."""


class Choice(NamedTuple):
    """`dues` are to be fired, in order. `passed`: the first and the last of those before them that aren't."""

    dues: Sequence[datetime]
    passed: tuple[datetime, datetime] | None = None


def choose(trigger: Trigger, reached: datetime, now: datetime) -> Choice:
    """Of the due times after `reached`, up to now. All that are passed over come before all that are fired."""
    most = MADE_UP_FOR if trigger.missed == "all" else 1
    found = latest(trigger, reached, now, most + 1)
    if not found:
        return Choice(())
    first = next(trigger.following(reached))
    if trigger.missed == "skip" and (now - found[-1]).total_seconds() > trigger.grace:
        return Choice((), (first, found[-1]))
    if len(found) <= most:
        return Choice(found)
    return Choice(found[1:], (first, found[0]))


def latest(trigger: Trigger, after: datetime, until: datetime, most: int) -> Sequence[datetime]:
    """The latest due times after the one and up to the other moment, `most` of them at most.

    It looks back further and further: after a year of nobody being there a due time each second isn't gone through one by one.
    """
    span = trigger.pace * most
    while True:
        begin = after if until - after <= span else until - span
        found = between(trigger, begin, until, most)
        if begin == after or len(found) == most:
            return found
        span *= 4


def between(trigger: Trigger, after: datetime, until: datetime, most: int) -> Sequence[datetime]:
    found: deque[datetime] = deque(maxlen=most)
    for due in trigger.following(after):
        if due > until:
            break
        found.append(due)
    return tuple(found)
