"""A step in a worker process, seen from the task that waits for it (R9, R12, R18, R39)."""

from __future__ import annotations

from asyncio import CancelledError, Future
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from actorflow.errors import NotSerializable, RecordedFailure
from actorflow.facts import StepHeartbeat, StepProgressed
from actorflow.policy import Halt
from actorflow.runtime.process_frames import (
    PIPE,
    AskedAgain,
    Failure,
    HaltAsked,
    News,
    Place,
    Progress,
    Returned,
    encode_arguments,
)
from actorflow.runtime.processes import Interrupted, ProcessWork, Result
from actorflow.runtime.workers import CouldNotBegin, NeverEntered, entered, raisable, until_it_answers

if TYPE_CHECKING:
    from actorflow.runtime.row import Live, Row
    from actorflow.runtime.step_runner import StepRunner


class InProcess:
    """A call in a worker process."""

    def __init__(self, work: ProcessWork) -> None:
        self.work = work

    @property
    def cancelled(self) -> bool:
        return self.work.cancelled

    def let_go(self, ended: Callable[[], None]) -> None:
        """Never needed in earnest: a worker that was told to stop is killed."""
        ended()


async def call_in_process(runner: StepRunner, row: Row, node: int, live: Live, arguments: Sequence[Any]) -> Any:
    """Sends the call, and gives what comes of it. Raises `CouldNotBegin` for arguments that can't be encoded, among others."""
    step = row.step(node)
    try:
        payload = encode_arguments(step, arguments, row.keywords(node))
    except NotSerializable as problem:
        raise CouldNotBegin(problem) from None
    answer: Future[Any] = runner.loop.create_future()

    def ended(result: Result, began: float | None, at: float) -> None:
        if not answer.done():
            answer.set_result((result, began))

    function = step.function
    work = ProcessWork(
        function.__module__,
        function.__qualname__,
        payload,
        ended=ended,
        entered=partial(entered, runner, row, node, live),
        told=partial(told, runner, row, node, live),
        place=place_of(row, node, live),
        label=row.name(node),
    )
    live.work = InProcess(work)
    runner.services.processes.submit(work)
    result, began = await until_it_answers(answer, work)
    return outcome(result, began, partial(PIPE.decode, annotation=step.returns))


def place_of(row: Row, node: int, live: Live) -> Place:
    """A context that can't be encoded is missed only by a step that asks for it."""
    if not row.data:
        return Place(row.id, row.name(node), live.number)
    try:
        context = PIPE.encode(dict(row.data), dict[str, Any], "the run's context")
    except NotSerializable as problem:
        return Place(row.id, row.name(node), live.number, None, str(problem))
    return Place(row.id, row.name(node), live.number, context)


def told(runner: StepRunner, row: Row, node: int, live: Live, news: News) -> None:
    """What the step says of itself becomes a fact, as in this process."""
    if runner.services.hub.silent or row.live.get(node) is not live:
        return
    at = runner.monotonic()
    if isinstance(news, Progress):
        runner.post(StepProgressed(row.id, node, live.number, at, news.done, news.total))
    else:
        details = PIPE.decode(news.details)
        runner.post(StepHeartbeat(row.id, node, live.number, at, details))


def outcome(result: Result, began: float | None, decode: Callable[[bytes], Any]) -> Any:
    """The value that the step returned; or raises what it raised, as far as that can be told."""
    match result:
        case Returned(data):
            return decode(data)
        case HaltAsked(data):
            raise Halt(None if data is None else decode(data))
        case AskedAgain():
            raise result.rebuild()
        case Failure():
            error = told_where(result)
            raise raisable(error) if began is not None or not isinstance(error, Exception) else CouldNotBegin(error)
        case Interrupted():
            raise NeverEntered if began is None else CancelledError
        case _:
            raise result.error if began is not None else CouldNotBegin(result.error)


def told_where(failure: Failure) -> BaseException:
    """The exception; one that is rebuilt has no traceback of its own, so it carries the worker's as a note."""
    error = failure.rebuild()
    if not isinstance(error, RecordedFailure) and failure.written.traceback:
        error.add_note(f"In the worker process:\n{failure.written.traceback}")
    return error
