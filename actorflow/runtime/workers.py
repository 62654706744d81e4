"""A step in a thread or a worker process, seen from the task that waits for it."""

from __future__ import annotations

from asyncio import CancelledError, Future
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from actorflow.errors import StepCancelled
from actorflow.facts import StepEntered
from actorflow.runtime.thread_work import ThreadWork

if TYPE_CHECKING:
    from actorflow.runtime.row import Live, Row
    from actorflow.runtime.step_runner import StepRunner


class NeverEntered(Exception):
    """The step was cancelled before its own code began."""


class CouldNotBegin(Exception):
    """The step's own code was never entered, for this reason, which is a failure; nobody had cancelled it."""

    def __init__(self, reason: Exception) -> None:
        self.reason = reason
        super().__init__(repr(reason))


class Work(Protocol):
    """What is done elsewhere for a node."""

    @property
    def cancelled(self) -> bool: ...

    def let_go(self, ended: Callable[[], None]) -> None:
        """Waits for it no longer; `ended` is called when it ends after all."""


class InThread:
    """A call in one of the runtime's threads."""

    def __init__(self, work: ThreadWork, answer: Future[Any]) -> None:
        self.work = work
        self.answer = answer

    @property
    def cancelled(self) -> bool:
        return self.work.cancelled

    def let_go(self, ended: Callable[[], None]) -> None:
        self.work.orphan_ended = ended
        self.work.abandon()
        self.answer.cancel()


async def in_thread(
    runner: StepRunner, row: Row, node: int, live: Live, call: Callable[..., Any], arguments: Sequence[Any], *more: Any
) -> Any:
    """R9, R12: a thread can't be ended. Cancelled, it goes on, and what it returns within its grace counts."""
    answer: Future[Any] = runner.loop.create_future()

    def ended(value: Any, error: BaseException | None, began: float | None, at: float) -> None:
        if answer.done():
            return
        if began is None and isinstance(error, StepCancelled):
            answer.set_exception(NeverEntered())
        elif error is not None:
            answer.set_exception(raisable(error))
        else:
            answer.set_result(value)

    work = ThreadWork(
        call,
        [*arguments, *more],
        ended=ended,
        entered=partial(entered, runner, row, node, live),
        context=copy_context(),
        name=row.name(node),
    )
    live.work = InThread(work, answer)
    runner.services.threads.submit(work)
    return await until_it_answers(answer, work)


async def until_it_answers(answer: Future[Any], work: Any) -> Any:
    while True:
        try:
            return await shielded(answer)
        except CancelledError:
            if answer.cancelled():
                raise
            work.cancel()


async def shielded(answer: Future[Any]) -> Any:
    """Waits for the answer; cancelling the wait leaves the answer alone."""
    waiter: Future[None] = answer.get_loop().create_future()

    def wake(_: Future[Any]) -> None:
        if not waiter.done():
            waiter.set_result(None)

    answer.add_done_callback(wake)
    try:
        await waiter
    finally:
        answer.remove_done_callback(wake)
    return answer.result()


class Raised(Exception):
    """Carries an exception that a future or a coroutine can't, or that must not leave the loop by itself."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__(repr(error))


def unwrapped(error: BaseException) -> BaseException:
    """What was raised, whatever carried it."""
    return error.error if isinstance(error, Raised) else error


def raisable(error: BaseException) -> BaseException:
    """`StopIteration` can't be set on a future; `KeyboardInterrupt` and `SystemExit` would end the loop on the way."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return Raised(error)


def entered(runner: StepRunner, row: Row, node: int, live: Live, at: float) -> None:
    """R11: its time runs from here, not from when it waited for a thread."""
    if row.live.get(node) is not live or live.stopping:
        return
    if live.enters is not None:
        live.enters(live)
    timeout = row.step(node).timeout
    if timeout is not None and not live.timed and live.is_attempt:
        live.timed = True
        runner.timers.after(timeout, (row.id, node), partial(runner.time_is_over, row, node, live, at))
    if live.is_attempt:
        runner.post(StepEntered(row.id, node, live.number, at))


async def in_process(
    runner: StepRunner, row: Row, node: int, live: Live, call: Callable[..., Any], arguments: Sequence[Any], *more: Any
) -> Any:
    """R9: in a spawned worker process; told to stop, its worker is killed (R12)."""
    from actorflow.runtime.process_calls import call_in_process

    return await call_in_process(runner, row, node, live, [*arguments, *more])
