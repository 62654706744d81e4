"""What a run is started with: checked when it's said, carried to the run."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, cast

import msgspec

from actorflow.errors import InvalidInput
from actorflow.runtime.handle import Run
from actorflow.workflow import Workflow

if TYPE_CHECKING:
    from actorflow.runtime.row import Row

P = ParamSpec("P")
R = TypeVar("R")


class RunSettings(msgspec.Struct, frozen=True):
    """The options of one run (R32). Times in seconds."""

    run_id: str | None = None
    timeout: float | None = None
    on_timeout: Literal["halt", "cancel"] | None = None
    reversible: bool = False
    sequential: bool = False
    max_concurrency: int | None = None
    max_steps: int | None = None
    context: Mapping[str, Any] = {}
    labels: Mapping[str, str] = {}
    priority: int = 0
    cancel_with_caller: bool = False
    parent: tuple[Row, int, int] | None = None
    detached: bool = False

    def __post_init__(self) -> None:
        for problem in problems_of(self):
            raise InvalidInput(problem)


def problems_of(settings: RunSettings) -> list[str]:
    """What is wrong with the options of a run, in words."""
    problems: list[str] = []
    run_id: object = settings.run_id
    if run_id is not None and not (isinstance(run_id, str) and run_id):
        problems.append(f"run_id is text that isn't empty, not {run_id!r}")
    if settings.timeout is not None and not is_duration(settings.timeout):
        problems.append(f"timeout is a positive number of seconds, not {settings.timeout!r}")
    if settings.on_timeout not in (None, "halt", "cancel"):
        problems.append(f'on_timeout is "halt" or "cancel", not {settings.on_timeout!r}')
    for name in ("max_concurrency", "max_steps"):
        value = getattr(settings, name)
        if value is not None and (type(value) is not int or value < 1):
            problems.append(f"{name} is a whole number from 1 on, not {value!r}")
    for name in ("context", "labels"):
        if not isinstance(getattr(settings, name), Mapping):
            problems.append(f"{name} is a mapping, not {getattr(settings, name)!r}")
    for name in ("reversible", "sequential", "cancel_with_caller", "detached"):
        if type(getattr(settings, name)) is not bool:
            problems.append(f"{name} is True or False, not {getattr(settings, name)!r}")
    if type(settings.priority) is not int:
        problems.append(f"priority is a whole number, not {settings.priority!r}")
    return problems


def is_duration(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0


Start = Callable[..., Run[Any] | Awaitable[Run[Any]]]
"""Gives the run at once where nothing has to be waited for."""


class Runs:
    """Runs and starts workflows with some options: `runtime.options(timeout=60).run(book_trip, trip)`."""

    def __init__(self, start: Start, settings: RunSettings) -> None:
        self._starter = start
        self._settings = settings

    async def run(self, workflow: Workflow[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs the workflow and gives its result. Raises what `Run.result` and `start` raise."""
        started = self._starter(self._settings, workflow, args, kwargs)
        run = started if isinstance(started, Run) else await started
        return cast("R", await run.result())

    async def start(self, workflow: Workflow[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Run[R]:
        """Starts the workflow; returns when it is accepted.

        Raises `InvalidInput`, `InvalidWorkflow`, `RunConflict`, `RuntimeClosed`; waits where `max_runs` are going on.
        """
        started = self._starter(self._settings, workflow, args, kwargs)
        return started if isinstance(started, Run) else await started
