"""Crashes at every place where a process may die, in this process: the runtime is cut off there, another one takes over what the store has.

    async for story in crash_everywhere(lambda: Saga(book_trip, (Trip("Oslo"),)), clock=clock):
        assert story.outcome == ...

What dies is one runtime: its store is deaf from then on, its tasks are cancelled, nothing of it is recorded. What its steps have done elsewhere stays
done. So a step's own `finally` runs as it doesn't when a process is killed; for that, kill one (`tests/durable` does).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from actorflow.store import Store
from actorflow.testing.clock import MockClock
from actorflow.testing.crashes import Crashing, Saga, Story, Strikes


async def crash_everywhere(
    prepare: Callable[[], Saga],
    *,
    clock: MockClock,
    open_store: Callable[[], Callable[[], Store]] | None = None,
    pairs: bool = True,
    **options: Any,
) -> AsyncIterator[Story]:
    """Runs the saga undisturbed, and yields that; then once for each of the n points that it reached, with a crash there, and once for each
    pair of them: n and n(n+1)/2 stories.

    A pair (i, j), i ≤ j, is a crash at the i-th point and another one at the (j - i + 1)-th that is reached after it, recovery included; if the run
    ends before, it has ended. `prepare` makes the saga anew each time, with a world of its own, and `open_store` what makes its stores;
    `options` are those of `Crashing`.
    """

    async def told(strikes: Strikes) -> Story:
        return await Crashing(prepare(), clock=clock, store=open_store() if open_store else None, **options).run(
            strikes
        )

    undisturbed = await told(never)
    yield undisturbed
    count = len(undisturbed.points)
    for first in range(1, count + 1):
        yield await told(once_at(first))
    for first in range(1, count + 1 if pairs else 0):
        for second in range(first, count + 1):
            yield await told(once_at(first, second + 1))


def never(point: str, count: int) -> bool:
    return False


def once_at(*hits: int) -> Strikes:
    """At these of all points that are reached, from 1."""
    return lambda point, count: count in hits


PROGRESS: Final = frozenset({
    "run.opening", "step.returned", "guard.returned", "compensate.returned", "undo.returned", "scope.decided",
})  # fmt: skip
"""What has been done when these are reached needn't be done again once it is stored."""


def at_every_commit() -> Strikes:
    """Always restarts: a runtime dies as soon as something that was done is stored, so nothing that only it remembers is ever used.

    It doesn't for the sake of commits in which the run was only taken over, or an around entered once more: then nothing would ever be done.
    """
    has_moved = is_worth_it = False

    def strikes(point: str, count: int) -> bool:
        nonlocal has_moved, is_worth_it
        if point == "commit.sending":
            is_worth_it, has_moved = has_moved, False
        has_moved |= point in PROGRESS
        if point != "commit.stored" or not is_worth_it:
            return False
        has_moved = is_worth_it = False
        return True

    return strikes
