"""A step in a worker process, seen from the task that waits for it (R9, R12, R18, R39)."""

from __future__ import annotations

from asyncio import CancelledError, Future
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from actorflow.errors import RecordedFailure
from actorflow.policy import Halt
from actorflow.runtime.process_frames import AskedAgain, Failure, HaltAsked, Returned, encode_arguments
from actorflow.runtime.processes import Interrupted, ProcessWork, Result
from actorflow.runtime.workers import NeverEntered, entered, until_it_answers

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
    """Sends the call, and gives what comes of it. Raises `NotSerializable` for arguments that can't be encoded."""
    step = row.launch.steps[node]
    codec = runner.services.values.codec
    payload = encode_arguments(codec, step, arguments, row.launch.plan.keywords[node])
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
        label=row.name(node),
    )
    live.work = InProcess(work)
    runner.services.processes.submit(work)
    result, began = await until_it_answers(answer, work)
    return outcome(result, began, partial(codec.decode, annotation=step.returns))


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
            raise told_where(result)
        case Interrupted():
            raise NeverEntered if began is None else CancelledError
        case _:
            raise result.error


def told_where(failure: Failure) -> BaseException:
    """The exception; one that is rebuilt has no traceback of its own, so it carries the worker's as a note."""
    error = failure.rebuild()
    if not isinstance(error, RecordedFailure) and failure.written.traceback:
        error.add_note(f"In the worker process:\n{failure.written.traceback}")
    return error
