"""One subscriber: its filter, its buffer, its count of what was lost, and the three ways of handing over (R42).

The bound of a buffer holds for what a subscriber has had a turn to take and hasn't taken: a burst that comes within one turn of
the loop, as when a thousand nodes become ready at once, isn't lost to a subscriber that keeps up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

from actorflow.facts import Event, EventsLost


class Subscription:
    """A subscriber without a listener: its events are read with `async for`; the base of the other two.

        async with runtime.subscribe(StepFact) as events:
            async for event in events:
                ...

    Or keep it, and `close()` it. The loop ends when the subscription is closed, or the runtime is and all has been read.
    """

    def __init__(
        self, wanted: tuple[type, ...], buffer: int, run_id: str | None, detach: Callable[[Subscription], None]
    ) -> None:
        self.run_id = run_id
        self._wanted = wanted
        self._takes: dict[type, bool] = {}
        self._limit = buffer
        self._buffer: deque[Event] = deque()
        self._lost = 0
        self._filled = asyncio.Event()
        self._open = True
        self._ending = False
        self._detach = detach

    # ── for whoever subscribed ────────────────────────────────────────────────────────────────────────────────────────

    def close(self) -> None:
        """Ends the subscription at once: what is buffered is dropped, a loop over it ends. Again does nothing."""
        if not self._open:
            return
        self._open = False
        self._buffer.clear()
        self._lost = 0
        self._filled.set()
        self._detach(self)

    def read_now(self) -> list[Event]:
        """What has come and wasn't read yet, without waiting for more."""
        events = [self._tell_lost()] if self._lost else []
        events.extend(self._buffer)
        self._buffer.clear()
        return events

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while True:
            if self._lost:
                return self._tell_lost()
            if self._buffer:
                return self._buffer.popleft()
            if self._ending or not self._open:
                raise StopAsyncIteration
            self._filled.clear()
            await self._filled.wait()

    # ── for the hub ───────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def takes_all(self) -> bool:
        return not self._wanted

    def takes(self, fact: type) -> bool:
        """Whether facts of this type are wanted: one's own type or a subclass of it."""
        taken = self._takes.get(fact)
        if taken is None:
            taken = self._takes[fact] = not self._wanted or issubclass(fact, self._wanted)
        return taken

    def add(self, events: Sequence[Event]) -> None:
        """Buffers those of these events that are wanted here."""
        if self._wanted:
            self._buffer.extend([event for event in events if self.takes(event.fact.__class__)])
        else:
            self._buffer.extend(events)

    def deliver(self) -> bool:
        """Begins or goes on with handing over; whether more is left than may stay, or must be handed over in the next turn."""
        if self._buffer:
            self._filled.set()
        return len(self._buffer) > self._limit

    def keep_bound(self) -> None:
        """Drops the oldest events above the bound; they are counted, and told of in their place."""
        excess = len(self._buffer) - self._limit
        for _ in range(excess):
            self._buffer.popleft()
        self._lost += max(excess, 0)

    def end(self) -> None:
        """Tells that nothing more comes; what is buffered can still be read."""
        self._ending = True
        self._filled.set()

    async def drain(self, timeout: float) -> None:
        """Hands over what is buffered, for at most `timeout` seconds, then lets go; a reader goes on by itself."""

    def _tell_lost(self) -> Event:
        lost, self._lost = self._lost, 0
        if self._buffer:
            at, time = self._buffer[0].monotonic, self._buffer[0].time
        else:
            at = time = 0.0
        return Event(EventsLost(self.run_id or "", at, lost), self.run_id or "", 0, "", 0, time, at)
