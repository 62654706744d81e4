"""Runs the steps with `mode="process"` in worker processes of the runtime's own (R9, R12, R38, R39).

1. `submit` hands the work to an idle worker, spawns one while there are fewer than `size`, or lets it wait in line.
2. The worker says when the function is entered, and what came of it; both are read on the loop, without threads.
3. `cancel` takes work out of the line, or kills its worker: then it was interrupted, unless it had answered before.
4. A worker that ends in any other way has lost its work; the next one gets a fresh worker.

A worker is an interpreter started anew, never a fork. It calls one function at a time, and ends when its socket is
closed, so none outlives the runtime by more than the call it is at.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from actorflow.clock import Clock
from actorflow.errors import RuntimeClosed, WorkerLost
from actorflow.runtime.process_frames import (
    Answer,
    Began,
    Call,
    Frames,
    FromWorker,
    Heartbeat,
    Main,
    News,
    Place,
    Progress,
    frame,
)

_CHUNK = 1 << 18


class Interrupted(msgspec.Struct, frozen=True):
    """It was cancelled: its worker was killed, or it never began."""


class Lost(msgspec.Struct, frozen=True):
    """Its worker is gone, or none could be started, or the pool was closed; `error` says which."""

    error: WorkerLost | RuntimeClosed


Result: TypeAlias = Answer | Interrupted | Lost
Ended: TypeAlias = Callable[[Result, "float | None", float], None]
"""Called with what came of it, begin and end. `began` is `None` if the function was never entered."""


class ProcessWork:
    """One call that a worker process is to make: of the function `name` in `module`, both as they are written there.

    `payload` is what `process_frames.encode_arguments` gives. `label` names the step in errors. `ended` is called
    exactly once; before, `told` is called with what the function says of itself, by way of the context that it gets if
    there is a `place`.
    """

    __slots__ = (
        "began",
        "cancelled",
        "ended",
        "entered",
        "label",
        "module",
        "name",
        "payload",
        "place",
        "pool",
        "told",
    )

    def __init__(
        self,
        module: str,
        name: str,
        payload: bytes,
        *,
        ended: Ended,
        entered: Callable[[float], None] | None = None,
        told: Callable[[News], None] | None = None,
        place: Place | None = None,
        label: str = "",
    ) -> None:
        self.module = module
        self.name = name
        self.payload = payload
        self.ended = ended
        self.entered = entered
        self.told = told
        self.place = place
        self.label = label or name
        self.began: float | None = None
        self.cancelled = False
        self.pool: Processes | None = None

    def cancel(self) -> bool:
        """Takes it out of the line and returns True, or kills its worker. `ended` is told in either case."""
        return self.pool is not None and self.pool.cancel(self)


class _Worker:
    """A process and the socket to it. Tells the pool of messages, and of its end."""

    def __init__(self, pool: Processes, loop: asyncio.AbstractEventLoop) -> None:
        self.pool = pool
        self.work: ProcessWork | None = None
        self.calls = 0
        self._loop = loop
        self._frames = Frames()
        self._decoder: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(FromWorker)
        self._unsent = bytearray()
        self.channel, theirs = socket.socketpair()
        with theirs:
            try:
                self.process = _spawn(theirs.fileno())
            except BaseException:
                self.channel.close()
                raise
        self.channel.setblocking(False)
        loop.add_reader(self.channel, self._read)
        self.send(frame(_main_program()))

    def call(self, work: ProcessWork) -> None:
        """Gives it work; it must have none."""
        self.work = work
        self.calls += 1
        self.send(frame(Call(work.module, work.name, work.payload, work.place)))

    def send(self, data: bytes) -> None:
        """Writes what the socket takes now, and the rest when it takes more."""
        self._unsent += data
        self._write()

    def stop(self) -> None:
        """Asks it to end: by closing our side if it's idle, else by a signal."""
        if self.work is None:
            _quietly(lambda: self.channel.shutdown(socket.SHUT_WR))
        else:
            self.process.terminate()

    def _write(self) -> None:
        try:
            sent = self.channel.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:  # it is gone; reading finds out, and tells
            self._unsent.clear()
            sent = 0
        del self._unsent[:sent]
        if self._unsent:
            self._loop.add_writer(self.channel, self._write)
        else:
            self._loop.remove_writer(self.channel)

    def _read(self) -> None:
        try:
            data = self.channel.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        for message in map(self._decoder.decode, self._frames.feed(data)):
            self.pool.told(self, message)

    def _end(self) -> None:
        """Reaps it. It can't live on with its socket closed; the signal changes nothing if it was exiting anyway."""
        self._loop.remove_reader(self.channel)
        self._loop.remove_writer(self.channel)
        self.channel.close()
        self.process.kill()
        self.pool.gone(self, self.process.wait())


class Processes:
    """A pool of at most `size` worker processes (as many as there are processors, unless told). For the loop only.

    `clock` is held from `submit` until the callback has run, so that a clock that jumps doesn't while a worker works.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, size: int | None = None) -> None:
        self.size = size or os.cpu_count() or 1
        self._loop = loop
        self._clock = clock
        self._line: OrderedDict[ProcessWork, None] = OrderedDict()
        self._idle: list[_Worker] = []
        self._workers: set[_Worker] = set()
        self._closed = False
        self._all_gone = asyncio.Event()

    def submit(self, work: ProcessWork) -> None:
        """Has it run as soon as a worker is free; first come, first served. Raises `RuntimeClosed` after `close`."""
        if self._closed:
            raise RuntimeClosed("the runtime's worker processes were stopped")
        work.pool = self
        self._clock.hold()
        self._line[work] = None
        self._serve_line()

    def cancel(self, work: ProcessWork) -> bool:
        """See `ProcessWork.cancel`."""
        work.cancelled = True
        if work in self._line:
            del self._line[work]
            self._loop.call_soon(self._end, work, Interrupted())
            return True
        for worker in self._workers:
            if worker.work is work:
                worker.process.kill()
        return False

    async def close(self, timeout: float = 5.0) -> None:
        """Refuses what waits in line, and stops all workers: asked to, and killed if they still live after `timeout`."""
        self._closed = True
        for work in list(self._line):
            self._loop.call_soon(self._end, work, Lost(RuntimeClosed("the runtime was closed before the step began")))
        self._line.clear()
        for worker in self._workers:
            worker.stop()
        if not self._workers:
            return
        self._all_gone.clear()
        timer = self._loop.call_later(timeout, self._kill_all)
        try:
            await self._all_gone.wait()
        finally:
            timer.cancel()
            self._kill_all()

    # ── what workers tell ─────────────────────────────────────────────────────────────────────────────────────────

    def told(self, worker: _Worker, message: FromWorker) -> None:
        """A message of a worker about its work."""
        work = worker.work
        if work is None:
            return
        if isinstance(message, Began):
            work.began = self._clock.monotonic()
            if work.entered is not None:
                work.entered(work.began)
            return
        if isinstance(message, (Progress, Heartbeat)):
            if work.told is not None:
                work.told(message)
            return
        worker.work = None
        if not self._closed and not work.cancelled:  # a cancelled one was killed in the same moment
            self._idle.append(worker)
        self._end(work, message)
        self._serve_line()

    def gone(self, worker: _Worker, code: int) -> None:
        """The end of a worker, whatever the reason."""
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        work, worker.work = worker.work, None
        if not self._workers:
            self._all_gone.set()
        if work is not None and worker.calls > 1 and work.began is None and not work.cancelled and not self._closed:
            self._line[work] = None  # it ended while it was idle: the work was never begun
            self._line.move_to_end(work, last=False)
        elif work is not None:
            self._end(work, Interrupted() if work.cancelled else Lost(_lost(work, worker.process.pid, code)))
        self._serve_line()

    def _end(self, work: ProcessWork, result: Result) -> None:
        try:
            work.ended(result, work.began, self._clock.monotonic())
        finally:
            self._clock.release()

    # ── workers ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _serve_line(self) -> None:
        while self._line and (self._idle or len(self._workers) < self.size):
            work, _ = self._line.popitem(last=False)
            try:
                worker = self._idle.pop() if self._idle else self._new_worker()
            except OSError as error:
                lost = WorkerLost(f"no worker process could be started for {work.label!r}: {error}")
                self._loop.call_soon(self._end, work, Lost(lost))
                continue
            worker.call(work)

    def _new_worker(self) -> _Worker:
        worker = _Worker(self, self._loop)
        self._workers.add(worker)
        return worker

    def _kill_all(self) -> None:
        for worker in self._workers:
            worker.process.kill()


def _spawn(descriptor: int) -> subprocess.Popen[bytes]:
    program = (
        f"import sys; sys.path[:] = {sys.path!r}; from actorflow.runtime.process_worker import main; main({descriptor})"
    )
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", program], pass_fds=[descriptor], stdin=subprocess.DEVNULL
    )


def _main_program() -> Main:
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    path = getattr(main, "__file__", None)
    return Main(None if spec is None else spec.name, None if path is None else os.path.abspath(path))  # noqa: PTH100


def _lost(work: ProcessWork, pid: int, code: int) -> WorkerLost:
    if code >= 0:
        how = f"ended with exit code {code}"
    else:
        try:
            how = f"was killed by {signal.Signals(-code).name}"
        except ValueError:
            how = f"was killed by signal {-code}"
    return WorkerLost(f"the worker process {pid} that ran {work.label!r} {how}")


def _quietly(call: Callable[[], None]) -> None:
    try:
        call()
    except OSError:
        return  # it is gone already; reading tells
