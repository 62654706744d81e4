"""One thread that owns one connection, and answers all that has come meanwhile in one transaction (group commit).

What the loop's tasks ask within one turn is handed over together, at the turn's end. The thread takes all that waits, does it in one
transaction, and wakes the loop once, after the commit. So a hundred runs pay for one `fsync` a turn, not for a hundred.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from queue import SimpleQueue
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from actorflow.errors import StoreCorrupt, StoreError
from actorflow.store.requests import Request

T = TypeVar("T")

Answer: TypeAlias = "tuple[asyncio.Future[Any], Any]"
"""A future and what it gets; an exception is raised there."""


class Asked(NamedTuple):
    """`requests` belong together, and get one list of answers; a single one gets its answer itself."""

    requests: Sequence[Request[Any]]
    future: asyncio.Future[Any]
    is_single: bool


AT_ONCE = 1000
"""Callers in one transaction at most: who comes first doesn't wait for all the others."""


class Desk(Protocol):
    """What the thread owns. It is opened, used and closed there."""

    def open(self) -> None: ...

    def answer(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """An answer, or the exception that it's refused with, for each request; all of it is committed. Raises `StoreError` for the whole."""
        ...

    def close(self) -> None: ...


class Writer:
    """Belongs to the loop that makes it."""

    def __init__(self, desk: Desk, name: str) -> None:
        self._desk = desk
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._gathered: list[Asked] = []
        self._queue: SimpleQueue[list[Asked] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"actorflow store {name}", daemon=True)

    # ── on the loop ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Raises what the desk raises."""
        self._thread.start()
        try:
            await asyncio.shield(self._opened)
        except BaseException:
            await self.close()
            raise

    def ask(self, request: Request[T]) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self._loop.create_future()
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append(Asked((request,), future, is_single=True))
        return future

    def ask_all(self, requests: Sequence[Request[Any]]) -> asyncio.Future[list[Any]]:
        """These are gathered already: they go at once, after what was asked before."""
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        self._gathered.append(Asked(requests, future, is_single=False))
        self._hand_over()
        return future

    async def close(self) -> None:
        """Does what was asked before, then ends the thread. A cancelled wait for it is waited out, and cancelled then."""
        self._hand_over()
        self._queue.put(None)
        cancelled: asyncio.CancelledError | None = None
        while not self._closed.done():
            try:
                await asyncio.shield(self._closed)
            except asyncio.CancelledError as error:
                cancelled = error
        self._thread.join()
        if cancelled is not None:
            raise cancelled

    def _hand_over(self) -> None:
        if self._gathered:
            self._queue.put(self._gathered)
            self._gathered = []

    @staticmethod
    def _deliver(answers: Sequence[Answer]) -> None:
        for future, answer in answers:
            if future.done():
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    # ── on the thread ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        try:
            if self._open():
                self._answer_all()
        finally:
            self._wake(self._deliver, [(self._closed, None)])

    def _open(self) -> bool:
        error: BaseException | None = None
        try:
            self._desk.open()
        except BaseException as found:
            error = found
        self._wake(self._deliver, [(self._opened, error)])
        return error is None

    def _answer_all(self) -> None:
        try:
            is_going_on = True
            while is_going_on:
                waiting, is_going_on = self._take()
                for first in range(0, len(waiting), AT_ONCE):
                    self._wake(self._deliver, self._answer(waiting[first : first + AT_ONCE]))
        finally:
            self._desk.close()

    def _take(self) -> tuple[list[Asked], bool]:
        """All that waits, and whether more may come."""
        waiting: list[Asked] = []
        while not waiting or not self._queue.empty():
            more = self._queue.get()
            if more is None:
                return waiting, False
            waiting += more
        return waiting, True

    def _answer(self, waiting: Sequence[Asked]) -> list[Answer]:
        try:
            answers = iter(self._desk.answer([request for asked in waiting for request in asked.requests]))
            return [(asked.future, mine(asked, answers)) for asked in waiting]
        except StoreError as error:
            return [(asked.future, once_more(error)) for asked in waiting]
        except BaseException as error:  # a fault of ours: nobody may wait for ever because of it
            return [(asked.future, error) for asked in waiting]

    def _wake(self, call: Callable[[Sequence[Answer]], None], answers: Sequence[Answer]) -> None:
        if not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(call, answers)
            except RuntimeError:  # it was closed this moment: nobody waits any more
                return


def mine(asked: Asked, answers: Iterator[Any]) -> Any:
    return next(answers) if asked.is_single else list(islice(answers, len(asked.requests)))


def is_of_the_request(error: StoreError) -> bool:
    """Whether what one request touched may be at fault, so that others may do better without it."""
    return isinstance(error, StoreCorrupt) or type(error) is StoreError


def once_more(error: StoreError) -> StoreError:
    """An error of its own for each who waits: a traceback belongs to one of them."""
    fresh = type(error)(error.store, error.problem, error.advice)
    fresh.__cause__ = error.__cause__
    return fresh
