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
    given: dict[str, object] = msgspec.structs.asdict(settings)
    return [
        f"{name} is {what}, not {given[name]!r}"
        for name, (what, fits) in FORMS.items()
        if not (fits(given[name]) or (given[name] is None and name in MAY_BE_NONE))
    ]


def is_duration(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def is_count(value: object) -> bool:
    return type(value) is int and value >= 1


def is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def is_yes_or_no(value: object) -> bool:
    return type(value) is bool


FORMS: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "run_id": ("text that isn't empty", is_text),
    "timeout": ("a positive number of seconds", is_duration),
    "on_timeout": ('"halt" or "cancel"', lambda value: value in ("halt", "cancel")),
    "max_concurrency": ("a whole number from 1 on", is_count),
    "max_steps": ("a whole number from 1 on", is_count),
    "context": ("a mapping", is_mapping),
    "labels": ("a mapping", is_mapping),
    "reversible": ("True or False", is_yes_or_no),
    "sequential": ("True or False", is_yes_or_no),
    "cancel_with_caller": ("True or False", is_yes_or_no),
    "detached": ("True or False", is_yes_or_no),
    "priority": ("a whole number", lambda value: type(value) is int),
}
MAY_BE_NONE = ("run_id", "timeout", "on_timeout", "max_concurrency", "max_steps")

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
