"""Time that jumps when everybody waits: hours of backoff pass in milliseconds, in the right order, and nothing sleeps.

    async def test_tomorrow() -> None:
        clock = MockClock()
        with clock.installed():
            await asyncio.sleep(24 * 3600)
            assert clock.monotonic() == 24 * 3600

The loop's own timers stay what they are. Only two things of the loop are replaced: its `time()`, and what its selector does
when the loop is about to wait. Whoever reads `time.time()` or `time.monotonic()` directly sees real time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

from actorflow.clock import Clock
from actorflow.errors import InvalidState

Select: TypeAlias = Callable[[float | None], list[Any]]

EPOCH = 1_893_456_000.0
"""2030-01-01 00:00 UTC, where the mock clock's wall time begins."""


RESOLUTION = 1e-6
"""Seconds: the loop takes timers this near as due. Its own, a nanosecond, is lost in the rounding when months have passed."""


class MockClock(Clock):
    """A clock that jumps to the loop's next timer as soon as nothing can happen before it.

    "Nothing can happen" means: no callback is ready, no file descriptor either, and nobody holds the clock. Work that the loop
    can't see holds it: the runtime's threads and worker processes do so by themselves, and so does `run_in_executor` (and with it
    `asyncio.to_thread`). For the rest (sockets of another process, threads that somebody else started) give `patience`, the real
    seconds that are waited for a sign of them before each jump. Without a timer the loop waits as it always does.

    `hold` and `release` may be called from any thread.
    """

    linger = 0.0

    def __init__(self, *, start: float = 0.0, epoch: float = EPOCH, patience: float = 0.0) -> None:
        if patience < 0:
            raise InvalidState(f"patience is real seconds, 0 or more, not {patience!r}")
        self._start = start
        self._now = start
        self._epoch = epoch
        self._patience = patience
        self._targets: list[float] = []
        self._holds = 0
        self._lock = threading.Lock()
        self._patched: _PatchedLoop | None = None

    # ── reading it ────────────────────────────────────────────────────────────────────────────────────────────────────

    def time(self) -> float:
        """Seconds since the epoch: 2030-01-01 UTC, unless told, and what has passed since."""
        return self._epoch + (self._now - self._start)

    def monotonic(self) -> float:
        """Seconds, from `start`; the same as the loop's `time()` while the clock is installed."""
        return self._now

    @property
    def held(self) -> int:
        """How many pieces of work hold the clock now."""
        return self._holds

    # ── holding it ────────────────────────────────────────────────────────────────────────────────────────────────────

    def hold(self) -> None:
        """Keeps the clock from jumping until the matching `release`."""
        with self._lock:
            self._holds += 1

    def release(self) -> None:
        """Ends one `hold`, and wakes the loop if it waits for that."""
        with self._lock:
            if not self._holds:
                raise InvalidState("the mock clock was released more often than it was held")
            self._holds -= 1
            free = not self._holds
        if free and self._patched is not None:
            self._patched.wake()

    # ── moving it ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def advance(self, seconds: float) -> None:
        """Lets so much time pass, every timer on the way going off in its order, whoever holds the clock."""
        if seconds < 0:
            raise InvalidState(f"time doesn't go back: advance() takes seconds, 0 or more, not {seconds!r}")
        if self._patched is None or self._patched.loop is not asyncio.get_running_loop():
            raise InvalidState("the mock clock isn't installed on this loop\nUse clock.install() first.")
        target = self._now + seconds
        self._targets.append(target)
        try:
            await _at(self._patched.loop, target)
        finally:
            self._targets.remove(target)

    # ── installing it ─────────────────────────────────────────────────────────────────────────────────────────────────

    def install(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Makes this the time of `loop`, the running one unless given. Timers that are set already keep their distance."""
        if self._patched is not None:
            raise InvalidState("the mock clock is installed already\nTake one clock for each loop.")
        self._patched = _PatchedLoop(loop or asyncio.get_running_loop(), self.monotonic, self._wait, self)

    def uninstall(self) -> None:
        """Gives the loop its own time back; does nothing if the clock isn't installed."""
        patched, self._patched = self._patched, None
        if patched is not None:
            patched.restore(self._now)

    @contextmanager
    def installed(self, loop: asyncio.AbstractEventLoop | None = None) -> Generator[MockClock]:
        """Installs the clock for the length of a `with` block."""
        self.install(loop)
        try:
            yield self
        finally:
            self.uninstall()

    def _wait(self, select: Select, timeout: float | None = None) -> list[Any]:
        """Stands in for the selector's `select`: what would be a wait until the next timer is a jump to it."""
        if timeout is not None and timeout <= 0:
            return select(0)
        advancing = bool(self._targets)
        if events := select(0 if advancing else self._patience):
            return events
        if timeout is None or (self._holds and not advancing):
            return select(None)
        self._now += timeout
        return []


class _PatchedLoop:
    """What is replaced on a loop, and how it's put back."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        time: Callable[[], float],
        wait: Callable[[Select, float | None], list[Any]],
        clock: Clock,
    ) -> None:
        patched: Any = loop
        selector: Any = getattr(loop, "_selector", None)
        if not isinstance(loop, asyncio.SelectorEventLoop) or selector is None:
            kind = f"{type(loop).__module__}.{type(loop).__qualname__}"
            raise InvalidState(
                f"the mock clock can't move the time of a {kind}\nRun the test on asyncio's selector loop."
            )
        if "select" in vars(selector):
            raise InvalidState("another mock clock is installed on this loop\nTake one clock for each loop.")
        self.loop = loop
        self._thread = threading.get_ident()
        self._selector = selector
        select = selector.select
        run_in_executor = patched.run_in_executor
        self._resolution = patched._clock_resolution
        patched._clock_resolution = RESOLUTION
        self._shift(time() - loop.time())
        patched.time = time
        selector.select = partial(wait, select)
        patched.run_in_executor = partial(_holding, clock, run_in_executor)

    def wake(self) -> None:
        """Makes a loop that waits look again; its own thread isn't waiting."""
        if threading.get_ident() != self._thread and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(_nothing)

    def restore(self, now: float) -> None:
        patched: Any = self.loop
        del patched.time, patched.run_in_executor, self._selector.select
        patched._clock_resolution = self._resolution
        self._shift(self.loop.time() - now)

    def _shift(self, by: float) -> None:
        """Moves the timers that are set: all by the same, so their heap stays a heap."""
        for timer in getattr(self.loop, "_scheduled", ()):
            timer._when += by


def _holding(clock: Clock, run_in_executor: Callable[..., asyncio.Future[Any]], *work: Any) -> asyncio.Future[Any]:
    clock.hold()
    try:
        future = run_in_executor(*work)
    except BaseException:
        clock.release()
        raise
    future.add_done_callback(lambda _: clock.release())
    return future


async def _at(loop: asyncio.AbstractEventLoop, when: float) -> None:
    """Waits until `when`; what else is due at that moment goes first."""
    arrived = loop.create_future()
    timer = loop.call_at(when, _arrive, arrived)
    try:
        await arrived
    finally:
        timer.cancel()


def _arrive(arrived: asyncio.Future[None]) -> None:
    if not arrived.done():
        arrived.set_result(None)


def _nothing() -> None: ...
