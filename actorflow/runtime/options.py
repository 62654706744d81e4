"""What a run is started with: checked when it's said, carried to the run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, cast

import msgspec

from actorflow.policy import DURABILITIES, Durability
from actorflow.runtime.forms import (
    HOW_DURABLE,
    Form,
    is_count,
    is_duration,
    is_integer,
    is_label_set,
    is_named,
    is_text,
    is_yes_or_no,
    one_of,
    or_none,
    refuse_others,
)
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
    durability: Durability | None = None
    parent: tuple[Row, int, int] | None = None
    detached: bool = False

    def __post_init__(self) -> None:
        for name, (what, form) in FORMS.items():
            refuse_others(name, getattr(self, name), what, form)


FORMS: Mapping[str, tuple[str, Form]] = {
    "run_id": ("text that isn't empty", or_none(is_text)),
    "timeout": ("a positive number of seconds", or_none(is_duration)),
    "on_timeout": ('"halt" or "cancel"', or_none(one_of("halt", "cancel"))),
    "max_concurrency": ("a whole number from 1 on", or_none(is_count)),
    "max_steps": ("a whole number from 1 on", or_none(is_count)),
    "context": ("a mapping of names to values", is_named),
    "labels": ("a mapping of text to text", is_label_set),
    "reversible": ("True or False", is_yes_or_no),
    "sequential": ("True or False", is_yes_or_no),
    "cancel_with_caller": ("True or False", is_yes_or_no),
    "detached": ("True or False", is_yes_or_no),
    "priority": ("a whole number", is_integer),
    "durability": (HOW_DURABLE, or_none(one_of(*DURABILITIES))),
}

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
