"""What a step can ask of the runtime from a worker process: who it is, and to have something told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

from actorflow.errors import InvalidState, NotSerializable
from actorflow.runtime.process_frames import PIPE, Heartbeat, News, Place, Progress
from actorflow.runtime.running import StepContext

if TYPE_CHECKING:
    from actorflow.workflow import Workflow

P = ParamSpec("P")
R = TypeVar("R")


class WorkerContext(StepContext):
    """The same as in the runtime's process, over a socket, with no runner and no run behind it.

    What is told when the step has ended is dropped.
    """

    def __init__(self, place: Place, send: Callable[[News], None]) -> None:
        self.attempt = place.attempt
        self._phase = ""
        self._place = place
        self._send = send
        self._telling = threading.Lock()
        self._ended = False

    @property
    def run_id(self) -> str:
        return self._place.run_id

    @property
    def node(self) -> str:
        return self._place.node

    @property
    def context(self) -> Mapping[str, Any]:
        """A copy, made by encoding it. Raises `NotSerializable` if it can't be."""
        if self._place.problem:
            raise NotSerializable(self._place.problem)
        if self._place.context is None:
            return {}
        data: dict[str, Any] = PIPE.decode(self._place.context, dict[str, Any], "the run's context")
        return data

    @property
    def cancelled(self) -> bool:
        """Never: a worker process that is told to stop is killed."""
        return False

    def heartbeat(self, details: object = None) -> None:
        """Says that the step is alive. Raises `NotSerializable` for details that can't be encoded."""
        self._say(Heartbeat(PIPE.encode(details, Any, "the details of a heartbeat")))

    def progress(self, done: float, total: float | None = None) -> None:
        self._say(Progress(float(done), None if total is None else float(total)))

    def close(self) -> None:
        """The step has ended: threads that it has left behind aren't heard any more."""
        with self._telling:
            self._ended = True

    def _say(self, news: News) -> None:
        with self._telling:
            if not self._ended:
                self._send(news)

    def result(self, name: str) -> NoReturn:
        raise InvalidState("results of other steps can't be read in a worker process\nPass them as arguments.")

    # ── child runs ────────────────────────────────────────────────────────────────────────────────────────────────

    def options(self, **options: Any) -> NoReturn:
        """Raises `InvalidState`, as all here do."""
        raise _no_child_runs()

    async def run(self, workflow: Workflow[P, R], /, *args: P.args, **kwargs: P.kwargs) -> NoReturn:
        raise _no_child_runs()

    def run_blocking(self, workflow: Workflow[P, R], /, *args: P.args, **kwargs: P.kwargs) -> NoReturn:
        raise _no_child_runs()


def _no_child_runs() -> InvalidState:
    return InvalidState(
        "child runs can't be started from a worker process"
        "\nStart them in a step that executes on the loop (`async def`) or in a thread (mode='thread')."
    )
