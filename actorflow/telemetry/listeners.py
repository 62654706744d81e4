"""Subscribers that are told: a plain callable on the hub's own turn, an async one on a task of its own (R42)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from inspect import isawaitable, iscoroutine, iscoroutinefunction
from time import perf_counter
from typing import Any

import structlog

from actorflow.errors import InvalidState, describe
from actorflow.facts import Event
from actorflow.telemetry.subscription import Subscription

ERRORS_IN_A_ROW = 10
"""A listener that raises so often, with no event taken in between, is detached."""
CHUNK = 64
"""Events handed over between two looks at the time."""
TURN = 0.002
PER_EVENT = 0.000_05
"""Seconds that a callable may take in one turn of the loop: a fixed part, and a part for each event that waits."""

_log: Any = structlog.get_logger("actorflow.telemetry")


class Listener(Subscription):
    """A subscriber with a plain callable, called on the hub's own turn."""

    def __init__(
        self,
        listener: Callable[[Any], object],
        wanted: tuple[type, ...],
        buffer: int,
        run_id: str | None,
        detach: Callable[[Subscription], None],
    ) -> None:
        super().__init__(wanted, buffer, run_id, detach)
        self._listener = listener
        self._failures = 0
        self._delivering = False

    async def __anext__(self) -> Event:
        raise InvalidState(
            "this subscription has a listener, which gets its events\nTo loop over events, subscribe without one."
        )

    def deliver(self) -> bool:
        waiting = len(self._buffer)
        if self._delivering or not waiting:  # delivering: the listener closes the runtime, or comes back in here
            return False
        self._delivering = True
        try:
            self._hand_over(waiting)
        finally:
            self._delivering = False
        return bool(self._buffer)

    def _hand_over(self, waiting: int) -> None:
        if waiting <= CHUNK and not self._lost:
            return self._hand_over_some()
        until = perf_counter() + TURN + PER_EVENT * waiting
        while self._buffer:
            if self._lost:
                self._hand_over_lost()
            self._hand_over_some()
            if perf_counter() > until:
                break
        return None

    def _hand_over_some(self) -> None:
        buffer, listener = self._buffer, self._listener
        take = buffer.popleft
        handed = 0
        try:
            while buffer and handed < CHUNK:
                answer = listener(take())
                if answer is not None and isawaitable(answer):
                    self._refuse(answer)
                handed += 1
        except Exception as error:
            self._raised(error, went_well=handed > 0)
        else:
            self._failures = 0 if handed else self._failures

    def _hand_over_lost(self) -> None:
        try:
            self._listener(self._tell_lost())
        except Exception as error:
            self._raised(error, went_well=False)

    async def drain(self, timeout: float) -> None:
        until = perf_counter() + timeout
        while self._buffer and perf_counter() < until and self.deliver():
            await asyncio.sleep(0)
        self.close()

    def _raised(self, error: Exception, went_well: bool) -> None:
        """Reports an error of the listener, and detaches it after ten in a row."""
        self._failures = 1 if went_well else self._failures + 1
        report(self._listener, error, self._failures)
        if self._failures >= ERRORS_IN_A_ROW:
            self.close()

    def _refuse(self, answer: object) -> None:
        if iscoroutine(answer):
            answer.close()
        _log.warning(
            "telemetry subscriber detached: it returned an awaitable; subscribe an async def",
            subscriber=name_of(self._listener),
        )
        self.close()


class AsyncListener(Listener):
    """A subscriber with an async callable, awaited for one event after the other on a task of its own."""

    def __init__(
        self,
        listener: Callable[[Any], object],
        wanted: tuple[type, ...],
        buffer: int,
        run_id: str | None,
        detach: Callable[[Subscription], None],
    ) -> None:
        super().__init__(listener, wanted, buffer, run_id, detach)
        self.task = asyncio.get_running_loop().create_task(self._go(), name=f"actorflow telemetry {name_of(listener)}")

    def close(self) -> None:
        """As for any subscription; the call in progress ends by itself if it's the one that closes, else it's cancelled."""
        if self._open and not self._is_current():
            self.task.cancel()
        super().close()

    def deliver(self) -> bool:
        return Subscription.deliver(self)

    async def drain(self, timeout: float) -> None:
        if self._is_current():
            return
        self.end()
        await asyncio.wait([self.task], timeout=timeout)
        self.close()
        await asyncio.wait([self.task], timeout=timeout)

    async def _go(self) -> None:
        while True:
            try:
                event = await Subscription.__anext__(self)
            except StopAsyncIteration:
                return
            await self._tell(event)

    async def _tell(self, event: Event) -> None:
        try:
            answer = self._listener(event)
            if isawaitable(answer):
                await answer
        except asyncio.CancelledError as error:
            if self.task.cancelling():
                raise
            self._raised(RuntimeError(describe(error)), went_well=False)
        except Exception as error:
            self._raised(error, went_well=False)
        else:
            self._failures = 0

    def _is_current(self) -> bool:
        try:
            return asyncio.current_task() is self.task
        except RuntimeError:  # the loop has ended
            return False


def is_async(listener: Callable[..., object]) -> bool:
    """Whether calling it gives a coroutine: an async function, a partial of one, an object with an async `__call__`."""
    return iscoroutinefunction(listener) or iscoroutinefunction(type(listener).__call__)


def name_of(listener: object) -> str:
    """How a listener is named in a report: a function by its name, a partial by its function's, an object by its class's."""
    function = getattr(listener, "func", listener)
    return getattr(function, "__qualname__", None) or type(function).__qualname__


def report(listener: object, error: Exception, in_a_row: int) -> None:
    """Tells of an error of a listener, and whether it was its last."""
    what = "telemetry subscriber detached" if in_a_row >= ERRORS_IN_A_ROW else "telemetry subscriber raised"
    _log.warning(what, subscriber=name_of(listener), error=describe(error), in_a_row=in_a_row, exc_info=error)
