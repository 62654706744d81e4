"""Runs the `def` steps in threads of the runtime's own (R9, R11, R12, R30).

1. `submit` hands the work to an idle thread, starts one while there are fewer than the bound, or lets it wait in line.
2. The thread marks the work as entered, runs it in its context, and posts what came of it.
3. Posts are gathered: the loop is woken once for all that have come in until it looks.
4. `cancel` takes work out of the line, or raises a flag that the step can look at: a thread can't be ended.
5. `abandon` and `blocked` take a thread out of the count, so that another may be started in its place.

Whatever the work raises, `KeyboardInterrupt` included, is delivered to `ended`; the thread goes on. The lock guards what
threads and loop both change: the line, the idle threads, and whether a work was entered.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from actorflow.clock import Clock
from actorflow.errors import RuntimeClosed, StepCancelled
from actorflow.runtime.thread_work import ThreadWork

__all__ = ["Pause", "ThreadWork", "Threads"]


class Pause:
    """A thread's wait for the loop. Who ends the wait calls `resume` first, on the loop, so that a clock that jumps
    finds the thread at work again.
    """

    __slots__ = ("_pool", "_work")

    def __init__(self, pool: Threads, work: ThreadWork) -> None:
        self._pool = pool
        self._work = work

    def resume(self) -> None:
        """Counts the thread as working again; doing so twice does nothing."""
        self._pool.resume(self._work)


class _Worker(threading.Thread):
    """A thread of the pool. Parked, it waits for `wake`; `work` is what it was woken for, `None` to end."""

    def __init__(self, pool: Threads, name: str, work: ThreadWork) -> None:
        super().__init__(name=name, daemon=True)
        self.pool = pool
        self.work: ThreadWork | None = work
        self.wake = threading.Lock()
        self.wake.acquire()

    def run(self) -> None:
        while self.work is not None:
            self.pool.perform(self.work)
            if self.pool.next_work(self):
                self.wake.acquire()
        self.pool.leave(self)


class Threads:
    """A pool of at most `size` threads, not counting those that are abandoned or wait for the loop.

    All methods are for the loop, but for `blocked`, which is for the pool's own threads. `clock` is held from `submit`
    until the callback has run, so that a clock that jumps doesn't while a thread works.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, size: int = 40, name: str = "actorflow") -> None:
        self.size = size
        self.name = name
        self._loop = loop
        self._clock = clock
        self._lock = threading.Lock()
        self._line: deque[ThreadWork] = deque()
        self._idle: list[_Worker] = []
        self._workers: dict[_Worker, None] = {}
        self._away: set[ThreadWork | None] = set()
        self._orphans: dict[ThreadWork, None] = {}
        self._started = 0
        self._count = 0  # threads that haven't decided to end; guarded by the lock
        self._closed = False
        self._gone: asyncio.Event | None = None
        self._posts: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._is_woken = False

    # ── on the loop ───────────────────────────────────────────────────────────────────────────────────────────────

    def submit(self, work: ThreadWork) -> None:
        """Has it run as soon as a thread is free; first come, first served. Raises `RuntimeClosed` after `close`."""
        if self._closed:
            raise RuntimeClosed("the runtime's threads were closed")
        work.pool = self
        work.held = True
        self._clock.hold()
        with self._lock:
            self._line.append(work)
        self._serve_line()

    def cancel(self, work: ThreadWork) -> bool:
        """See `ThreadWork.cancel`."""
        with self._lock:
            if work.cancelled or work.is_entered:
                work.cancelled = True
                return False
            work.cancelled = True
            work.is_entered = True  # a thread that meets it passes over it
        self._refuse(work, StepCancelled(f"{work.name or 'a step'} was cancelled before it began"))
        return True

    def abandon(self, work: ThreadWork) -> None:
        """See `ThreadWork.abandon`."""
        if work.abandoned:
            return
        work.abandoned = work.cancelled = True
        self._orphans[work] = None
        self._let_go(work)
        self._step_away(work)
        self._check_gone()

    def resume(self, work: ThreadWork) -> None:
        """See `Pause.resume`."""
        if not work.paused:
            return
        work.paused = False
        if not work.abandoned:
            with self._lock:
                self._away.discard(work)
            work.held = True
            self._clock.hold()

    async def close(self, timeout: float | None = None) -> list[str]:
        """Refuses what waits in line, lets running work end, for at most `timeout` seconds, and joins the threads.

        Returns the names of the threads that still run, each with the name of its work.
        """
        self._closed = True
        self._refuse_all()
        self._gone = asyncio.Event()
        self._check_gone()
        await self._all_gone(self._gone, timeout)
        return [f"{worker.name} ({worker.work.name})" for worker in self._workers if worker.work is not None]

    def _refuse_all(self) -> None:
        with self._lock:
            refused = [work for work in self._line if not work.is_entered]
            for work in refused:
                work.is_entered = True
            self._line.clear()
            idle, self._idle = self._idle, []
        for work in refused:
            self._refuse(work, RuntimeClosed("the runtime was closed before the step began"))
        for worker in idle:
            worker.wake.release()

    async def _all_gone(self, gone: asyncio.Event, timeout: float | None) -> None:
        """A clock that jumps doesn't while the threads end, unless one waits for the loop or was abandoned: that may take for ever."""
        ends_soon = not self._away
        if ends_soon:
            self._clock.hold()
        timer = None if timeout is None else self._loop.call_later(timeout, gone.set)
        try:
            await gone.wait()
        finally:
            if timer is not None:
                timer.cancel()
            if ends_soon:
                self._clock.release()

    def _refuse(self, work: ThreadWork, error: BaseException) -> None:
        self._loop.call_soon(self._end, work, None, error, None, self._clock.monotonic())

    def _end(self, work: ThreadWork, value: Any, error: BaseException | None, began: float | None, at: float) -> None:
        if work.abandoned:
            self._orphans.pop(work, None)
            with self._lock:
                self._away.discard(work)
            if work.orphan_ended is not None:
                work.orphan_ended()
            return
        try:
            work.ended(value, error, began, at)
        finally:
            self._let_go(work)

    def _enter(self, work: ThreadWork, at: float) -> None:
        if work.entered is not None and not work.abandoned:
            work.entered(at)

    def _let_go(self, work: ThreadWork) -> None:
        if work.held:
            work.held = False
            self._clock.release()

    def _pause(self, work: ThreadWork) -> None:
        work.paused = True
        self._let_go(work)
        self._step_away(work)

    def _step_away(self, work: ThreadWork) -> None:
        """Takes the work's thread out of the count, and has another serve who waits in line."""
        with self._lock:
            self._away.add(work)
        self._serve_line()

    def _serve_line(self) -> None:
        """Gives the first in line to an idle thread or to a new one, if one more may work."""
        with self._lock:
            if not self._line or self._count - len(self._idle) >= self.size + len(self._away):
                return
            work = self._line.popleft()
            if self._idle:
                worker = self._idle.pop()
                worker.work = work
                worker.wake.release()
                return
            self._count += 1
        self._started += 1
        worker = _Worker(self, f"{self.name}-{self._started}", work)
        self._workers[worker] = None
        worker.start()

    def _left(self, worker: _Worker) -> None:
        worker.join()  # it has nothing left to do but to return
        self._workers.pop(worker, None)
        self._check_gone()

    def _check_gone(self) -> None:
        if self._gone is not None and len(self._workers) <= len(self._orphans):
            self._gone.set()

    def _drain(self) -> None:
        self._is_woken = False
        posts = self._posts
        while posts:
            function, arguments = posts.popleft()
            try:
                function(*arguments)
            except BaseException:
                if posts:
                    self._wake()
                raise

    # ── in the threads ────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def blocked(self) -> Generator[Pause, None, None]:
        """Takes the calling thread out of the count while it waits for the loop, so that it can't wait for itself."""
        worker = threading.current_thread()
        if not isinstance(worker, _Worker) or worker.pool is not self or worker.work is None:
            raise RuntimeError("only a thread of this pool can wait in it")
        pause = Pause(self, worker.work)
        self._post(self._pause, worker.work)
        try:
            yield pause
        finally:
            self._post(pause.resume)

    def tell(self, function: Callable[..., None], *arguments: Any) -> None:
        """Calls it on the loop, after all that this thread has posted before."""
        self._post(function, *arguments)

    def perform(self, work: ThreadWork) -> None:
        """Runs the work and posts what came of it, unless it was cancelled in time."""
        with self._lock:
            if work.is_entered:
                return
            work.is_entered = True
        began = self._clock.monotonic()
        if work.entered is not None:
            self._post(self._enter, work, began)
        try:
            value = work.call()
        except BaseException as error:  # also KeyboardInterrupt and SystemExit: the loop decides what they mean (R39)
            self._post(self._end, work, None, error, began, self._clock.monotonic())
        else:
            self._post(self._end, work, value, None, began, self._clock.monotonic())

    def next_work(self, worker: _Worker) -> bool:
        """Gives the worker the next of the line, or parks it and returns True. A surplus one gets nothing and ends."""
        with self._lock:
            self._away.discard(worker.work)
            worker.work = None  # so that a parked thread keeps nothing alive
            bound = self.size + len(self._away)
            while self._line and self._count - len(self._idle) <= bound:
                work = self._line.popleft()
                if not work.is_entered:
                    worker.work = work
                    return False
            if self._closed or self._count > bound:
                self._count -= 1
                return False
            self._idle.append(worker)
            return True

    def leave(self, worker: _Worker) -> None:
        """Tells the loop that the worker ends."""
        self._post(self._left, worker)

    def _post(self, function: Callable[..., None], *arguments: Any) -> None:
        self._posts.append((function, arguments))
        if not self._is_woken:
            self._is_woken = True
            self._wake()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._drain)
        except RuntimeError:
            # The loop is closed: nobody is left to be told. Raising would only print a traceback from a daemon thread.
            # Nor will more work come, so the thread ends.
            self._posts.clear()
            self._closed = True
