"""`max_runs`: how many runs go on at once (R32)."""

from __future__ import annotations

from asyncio import AbstractEventLoop, CancelledError, Future
from collections import deque

from actorflow.errors import RuntimeBusy, RuntimeClosed


class Slots:
    """Places for runs; those who wait get them in the order in which they came. `most` None: there is no bound."""

    def __init__(self, loop: AbstractEventLoop, most: int | None) -> None:
        self.most = most
        self._loop = loop
        self._taken = 0
        self._line: deque[Future[None]] = deque()

    async def take(self, *, wait: bool) -> bool:
        """Takes a place; answers whether it waited. Raises `RuntimeBusy` where there is none and one shouldn't wait."""
        if self.most is None or (self._taken < self.most and not self._line):
            self._taken += 1
            return False
        if not wait:
            raise RuntimeBusy(f"{self._taken} runs are going on, as many as max_runs allows\nAsk again later.")
        place: Future[None] = self._loop.create_future()
        self._line.append(place)
        try:
            await place
        except CancelledError:
            if place in self._line:
                self._line.remove(place)
            elif not place.cancelled() and place.exception() is None:
                self.free()
            raise
        return True

    def free(self) -> None:
        """Gives a place back: it goes to whoever waits longest."""
        while self._line:
            place = self._line.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._taken -= 1

    def close(self) -> None:
        """Whoever waits gets `RuntimeClosed`."""
        while self._line:
            place = self._line.popleft()
            if not place.done():
                place.set_exception(RuntimeClosed("the runtime was left before the run could start"))
